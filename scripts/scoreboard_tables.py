"""The scoreboard's record as tables: targets and figures for docs/measurements.md, and the summary in README.md."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.records import RecordError
from scripts.scoreboard_scores import KNOWING, Row, Scores, said

MODELS = ("pricelake", "lightgbm", "double_ml", "hierarchical_ols", "loglog_ols", "mlp", "guessed_elasticity")
LAZY = ("cost_plus", "competitor_median", "rating_rule", "uniform_move_-10", "uniform_move", "uniform_move_+20")
OTHER_LAZY = (
    *("uniform_move_-5", "uniform_move_+5", "uniform_move_+15"),
    *("guessed_elasticity", "guessed_elasticity_-1.5", "guessed_elasticity_-2"),
)
RECORD_TEXTS = ("commit", "command", "started_at")
RECORD_NUMBERS = ("seconds", "usual_sold_out_rate")
ROW_TEXTS = ("section", "figure", "contender", "case", "instruments")
ROW_NUMBERS = ("mean", "low", "high", "worst")
"""What the tables need of a record and of each of its ``rows``, whose numbers may be null; more: ``promises``."""
BEGIN, END = "<!-- scoreboard: written by make measurements -->", "<!-- end of scoreboard -->"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return [f"| {' | '.join(cells)} |" for cells in rows]


def origin(record: Mapping[str, Any]) -> str:
    """Where figures come from, in one sentence on two lines."""
    made = f"`{record['command']}`, {record['started_at'][:10]}, code {record['commit']}"
    taken = f"{record['seconds'] / 60:.0f} minutes"
    return f"{made}, {taken};\nmean and 95 % interval over seeds, given the one fit that all seeds share"


@dataclass(frozen=True)
class Fact:
    """A target and what became of it.

    Attributes:
        what: name of the figure.
        target: in words.
        value: measured; None: it was not.
        met: whether the target is; None: there is none to meet.
        form: how the value is printed.
    """

    what: str
    target: str
    value: float | None
    met: bool | None
    form: str = "{:.0f}"

    @property
    def figure(self) -> str:
        """The value as printed; a dash where it was not measured."""
        return "–" if self.value is None else self.form.format(self.value)

    @property
    def verdict(self) -> str:
        """Whether the target is met, as the page says it; empty where there is none."""
        return {True: "yes", False: "**no**", None: ""}[self.met]


FULL_MINUTES, QUICK_MINUTES = "full scoreboard, minutes", "quick scoreboard, minutes"
SEEDS, SEEDS_OF_GROUPS = "seeds behind every figure", "of which groups of price changes"
PROMISED, BROKEN = "categories with a promise of PriceLake", "prices outside the rules, all contenders"
EXACT = "the oracle's lowest capture of the proven best"
EXPLANATIONS = {
    FULL_MINUTES: "Eighteen cases take minutes each, most of them those of PriceLake's jobs, which run as a shop would "
    "run them. Tried with success: ten seeds as branches of one shop, so that Spark's jobs and the ranks start once a "
    "case instead of ten times (decision 006), and tables left out that no figure is of, 26 of the 285 to 360 seconds "
    "of a case.",
    QUICK_MINUTES: "Two cases of four seeds run the same jobs as the full scoreboard, in which Spark and the ranks "
    "start once a case however few its seeds are (decision 006).",
    SEEDS: "A figure is left out on a seed where it cannot be measured, and its mean and interval are those of the "
    "other seeds.",
    PROMISED: "A category in which PriceLake moves no price is without a promise. The slope and the coverage rest on "
    "fewer promises than planned.",
    EXACT: "Where a category's allowed prices have more than 200 000 combinations the oracle searches, and what counts "
    "as the best is a bound that no prices can exceed, unless a product's price lies above its cost in some of the "
    "weeks and below it in others. The search missed at most the gap; every contender's capture is measured against "
    "the bound and lies nearer 0 for it.",
}
"""Target → what bounds it and what was tried; on the page only where it is missed.

``BROKEN`` is without one on purpose: a price that breaks a rule is a defect to be mended, and the page refuses it.
"""


def facts(full: Mapping[str, Any], quick: Mapping[str, Any]) -> list[Fact]:
    """Targets of the scoreboard itself; what was not measured meets none."""
    scores = Scores(full)
    seeds = scores.fewest_seeds(grouped=False)
    promised = len([one for one in full["promises"] if one["contender"] == "pricelake"])
    broken = scores.worst("profit_capture", "violations")
    exact = scores.worst("profit_capture", "capture", "oracle")
    return [
        Fact(FULL_MINUTES, "≤ 90", full["seconds"] / 60, full["seconds"] <= 5400),
        Fact(QUICK_MINUTES, "≤ 10", quick["seconds"] / 60, quick["seconds"] <= 600, "{:.1f}"),
        Fact(SEEDS, "≥ 10", seeds, seeds is not None and seeds >= 10),
        Fact(SEEDS_OF_GROUPS, "as measured", scores.fewest_seeds(grouped=True), None),
        Fact(PROMISED, "≥ 200", promised, promised >= 200),
        Fact(BROKEN, "0", broken, broken == 0),
        Fact(EXACT, "1 (exact)", exact, exact is not None and exact > 1 - 1e-9, "{:.3f}"),
    ]


def target_lines(told: Sequence[Fact]) -> list[str]:
    """The table of targets."""
    return table(
        ("figure", "target", "measured", "met"),
        [(one.what, one.target, one.figure, one.verdict) for one in told],
    )


def missed_lines(told: Sequence[Fact], explanations: Mapping[str, str]) -> list[str]:
    """A paragraph for each target that was missed.

    Args:
        told: targets.
        explanations: name → what bounds the figure and what was tried.

    Raises:
        RecordError: targets are missed and have no explanation.
    """
    missed = [one for one in told if one.met is False]
    bare = [f"'{one.what}' ({one.figure}, target {one.target})" for one in missed if one.what not in explanations]
    if bare:
        raise RecordError(
            f"Missed, and nothing says why: {'; '.join(bare)}. The page may not leave it open: add to EXPLANATIONS in "
            "scripts/run_targets.py, scripts/scoreboard_tables.py or scripts/curve_targets.py what bounds the figure "
            "and what was tried with what result."
        )
    paragraphs = [f"**{one.what}** ({one.figure}, target {one.target}). {explanations[one.what]}" for one in missed]
    return [line for text in paragraphs for line in (text, "")]


Column = tuple[str, str, str, Mapping[str, Any]]
"""Heading, section, figure, and what else the row must say."""


def grid(
    scores: Scores,
    title: str,
    contenders: Sequence[str],
    columns: Sequence[Column],
    notes: Mapping[str, str] | None = None,
    show: Callable[[Row | None], str] = said,
) -> list[str]:
    """A table of contenders and figures under a title; nothing where there is no figure to show.

    Args:
        scores: rows.
        title: of the table.
        contenders: its lines.
        columns: its columns.
        notes: what stands behind the name of a contender.
        show: what a cell says of a row.
    """
    if not columns:
        return []
    body = [
        [
            name + (notes or {}).get(name, ""),
            *(show(scores.find(section, figure, name, **more)) for _, section, figure, more in columns),
        ]
        for name in contenders
    ]
    return [f"**{title}**", "", *table(("contender", *(column[0] for column in columns)), body), ""]


def summary(full: Mapping[str, Any]) -> list[str]:
    """The scoreboard in README: everything on, PriceLake beside its rivals."""
    columns: list[Column] = [
        ("own-price bias", "own_price_bias", "mean", {}),
        ("its movement by confounding", "own_price_bias", "movement", {}),
        ("WAPE after ±10 %", "after_change", "error_10", {}),
        ("forecast WAPE", "after_change", "forecast_wape", {}),
        ("profit capture, 4 weeks", "profit_capture", "capture", {"weeks": 4}),
    ]
    scores = Scores(full)
    lazy = scores.best("profit_capture", "capture", (*LAZY, *OTHER_LAZY), weeks=4)
    best = [] if lazy is None else [str(lazy["contender"])]
    notes = dict.fromkeys(best, " (best lazy rival, known only afterwards)") | dict.fromkeys(
        KNOWING, " (knows the truth)"
    )
    names = dict.fromkeys((*MODELS, "uniform_move", *best, *KNOWING))
    lines = grid(scores, "Every difficulty on, selected contenders", tuple(names), columns, notes)
    return [*lines, f"{origin(full)}. All cases and figures: [`docs/measurements.md`](docs/measurements.md)."]


def with_summary(readme: str, full: Mapping[str, Any]) -> str:
    """README with the summary between its marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, mark, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"README.md lacks '{BEGIN}' or '{END}'")
    return "\n".join([before + BEGIN, *summary(full), END + after])
