"""Rows in must equal rows out; too many bad rows stop the run."""

from dataclasses import asdict, dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.errors import QualityError
from pricelake.quality.judging import AFTER_AS_OF, DUPLICATE, QUARANTINED, REASON, RULE, TAKEN, VERDICT

NAMED_RULES = 3


@dataclass(frozen=True)
class TableCounts:
    """What became of the rows of one table.

    Attributes:
        rows_in: rows the source gave, counted as it was read.
        taken: rows for the bronze table.
        quarantined: rows for ``bronze.quarantine``.
        duplicates: exact copies of other rows.
        after_as_of: rows that are not known yet at the as-of date.
    """

    rows_in: int
    taken: int
    quarantined: int
    duplicates: int
    after_as_of: int

    def as_dict(self) -> dict[str, int]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True)
class BrokenRule:
    """How often a rule was broken, with one reason as example."""

    name: str
    rows: int
    example: str


def count_verdicts(judged: DataFrame) -> tuple[TableCounts, list[BrokenRule]]:
    """Count rows by verdict and rule in one pass.

    Args:
        judged: rows with their verdict.

    Returns:
        the counts (``rows_in`` is their sum until the rows are counted where they are read), and the broken rules, the
        most frequent first.
    """
    groups = (
        judged.groupBy(VERDICT, RULE).agg(F.count(F.lit(1)).alias("rows"), F.min(REASON).alias("example")).collect()
    )  # one row per rule
    by_verdict = dict.fromkeys((TAKEN, QUARANTINED, DUPLICATE, AFTER_AS_OF), 0)
    for group in groups:
        by_verdict[group[VERDICT]] += group["rows"]
    broken = [BrokenRule(g[RULE], g["rows"], g["example"]) for g in groups if g[VERDICT] == QUARANTINED]
    counts = TableCounts(
        sum(by_verdict.values()),
        by_verdict[TAKEN],
        by_verdict[QUARANTINED],
        by_verdict[DUPLICATE],
        by_verdict[AFTER_AS_OF],
    )
    return counts, sorted(broken, key=lambda rule: (-rule.rows, rule.name))


def check_balance(table: str, counts: TableCounts) -> None:
    """Every row read is accounted for.

    Raises:
        QualityError: rows got lost or appeared from nowhere.
    """
    out = counts.taken + counts.quarantined + counts.duplicates + counts.after_as_of
    if out != counts.rows_in:
        raise QualityError(
            f"{table}: {counts.rows_in} rows were read, {out} are accounted for ({counts.taken} taken, "
            f"{counts.quarantined} quarantined, {counts.duplicates} copies, {counts.after_as_of} after as-of). "
            f"The table was not changed. The source may have changed while it was read; run again."
        )


def check_share(table: str, counts: TableCounts, broken: list[BrokenRule], max_rate: float) -> None:
    """Not too many of the rows that could be judged were bad.

    Args:
        table: table without its layer.
        counts: its rows.
        broken: rules, most frequent first.
        max_rate: largest share of quarantined rows, 0–1; rows after the as-of date do not count.

    Raises:
        QualityError: the share is above ``max_rate``; names the most frequent rules with an example each.
    """
    judged = counts.rows_in - counts.after_as_of
    if judged == 0 or counts.quarantined <= max_rate * judged:
        return
    rules = "; ".join(f"{rule.name} {rule.rows} (e.g. {rule.example})" for rule in broken[:NAMED_RULES])
    raise QualityError(
        f"{table}: {counts.quarantined} of {judged} rows ({counts.quarantined / judged:.1%}) broke a rule, more than "
        f"quality.max_quarantined_rate = {max_rate:g} allows: {rules}. The table was not changed; the rows are in "
        f"bronze.quarantine. Correct the source or the mapping."
    )
