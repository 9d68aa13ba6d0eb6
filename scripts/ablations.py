"""Write docs/ablations.md: what each part of the demand model brings, from the record of ``make ablations``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scripts.records import Record, RecordError, read_record
from scripts.scoreboard_tables import origin, table

from pricelake.report.scoreboard.pairs import deviations, half_width

ROOT = Path(__file__).resolve().parent.parent
RECORD, PAGE = ROOT / "build/score/ablations/scoreboard.json", ROOT / "docs/ablations.md"
COMMAND, OWN = "make ablations", "pricelake"
FIGURES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "bias of the elasticity": ("own_price_bias", "mean", {}),
    "mean absolute error": ("own_price_bias", "mean_absolute", {}),
    "units after ±20 %": ("after_change", "error_20", {}),
    "forecast WAPE": ("after_change", "forecast_wape", {}),
    "demand missed": ("after_change", "soldout_underestimation", {}),
    "capture, 4 weeks": ("profit_capture", "capture", {"weeks": 4}),
    "promise slope": ("promise", "slope", {}),
    "90 % coverage": ("promise", "coverage_90", {}),
}
"""Column → section, figure and what else the row is of."""
PROMISES = ("promise slope", "90 % coverage")
"""Columns of what is promised: a variant that moves no price promises nothing and has a dash there."""
ELSEWHERE: Mapping[str, str] = {
    "a response apart from the network, prices by the profit of the category": "007-the-response-apart-from-the-level",
    "the past's own dependence on the elasticity, past list prices as a control": "008-quasi-differenced-response",
    "what others gain, by lost units instead of logs of the price": "009-lost-units-are-diverted",
    "elasticities from all closed periods": "010-the-response-is-learnt-anew",
    "effects of promotions by category": "012-promotions-by-category",
    "Adam, schedule, warm-up, dropout, L2, more heads, moved prices": "013-a-plain-training",
    "belief in what rows leave open": "014-what-rows-leave-open-is-belief",
    "variances that are not 0, what a category shares": "016-what-a-category-shares",
}
"""Parts that no setting switches off → decision that has their figures."""
LEAST_SHOWN = 5e-4
"""Differences below it are 0 as the page shows them."""
Row = Mapping[str, Any]


def difference(own: Row, other: Row) -> tuple[float, float]:
    """Mean of another row less that of one's own, and half the width of its 95 % interval, taken seed by seed.

    See :func:`pricelake.report.scoreboard.pairs.lead_interval`. The half is NaN where the two were not measured on the
    same seeds.
    """
    if _amounts(own).keys() != _amounts(other).keys():
        return other["mean"] - own["mean"], float("nan")
    return other["mean"] - own["mean"], half_width(_deviations(other) - _deviations(own))


def _deviations(row: Row) -> Any:
    """What each seed adds to the mean's error, shape ``(seeds,)``, in the order of the seeds."""
    amounts = _amounts(row)
    parts, wholes = np.array([amounts[seed] for seed in sorted(amounts, key=int)], dtype=np.float64).T
    return deviations(parts, wholes)


def _amounts(row: Row) -> Mapping[str, Any]:
    """Seed → part and whole, of which the row's mean is sum over sum."""
    return row.get("amounts") or {seed: (value, 1.0) for seed, value in row["by_seed"].items()}


def _cell(own: Row, other: Row | None) -> str:
    """A difference as the page shows it, bold where it is sure; a dash where there is none."""
    if other is None:
        return "–"
    gap, half = difference(own, other)
    if np.isnan(half):
        return f"{gap:+.3f}"
    shown = f"{gap:+.3f} ± {half:.3f}"
    return f"**{shown}**" if abs(gap) > max(half, LEAST_SHOWN) else shown


def _find(record: Record, contender: str, column: str) -> Row | None:
    """The row of a column; None where the figure was not measured."""
    section, figure, more = FIGURES[column]
    for row in record.at("rows"):
        of = (row["section"], row["figure"], row["contender"])
        if of == (section, figure, contender) and all(row.get(k) == more.get(k) for k in ("weeks", "group")):
            return None if row["mean"] is None else dict(row)
    return None


def _measured(record: Record, contender: str, column: str) -> Row:
    found = _find(record, contender, column)
    if found is None:
        named = ".".join(FIGURES[column][:2])
        raise RecordError(f"{record.path} says nothing of {named} of {contender}. Run '{COMMAND}' again.")
    return found


def page(record: Record) -> str:
    """The page in Markdown.

    Raises:
        RecordError: the record has no row that the page states.
    """
    own = {column: _measured(record, OWN, column) for column in FIGURES}
    lines = [["all parts", "", *(f"{row['mean']:.3f}" for row in own.values())]]
    for name, changes in record.at("settings.variants").items():
        cells = []
        for column in FIGURES:
            read = _find if column in PROMISES else _measured
            cells.append(_cell(own[column], read(record, f"{OWN}_{name}", column)))
        lines.append([name.replace("_", " "), f"`{_flow(changes)}`", *cells])
    return "\n".join(
        [
            "# What each part brings",
            "",
            f"{origin(record.content)}. Written by `make ablations`.",
            "",
            "One part of the demand model is changed at a time and everything is learnt again. The first line has the "
            "figures",
            "([`docs/scoreboard.md`](scoreboard.md)) with all parts, the others the difference to it with its 95 % "
            "interval, taken seed",
            "by seed; **bold** where the interval does not reach 0. Above 0 is worse, but for bias and demand missed, "
            "where nearer 0",
            "is better, for capture, where more is, and for promises, whose slope should be 1 and whose 90 % intervals "
            "should hold nine",
            "times in ten. A variant that moves no price promises nothing (–). One training stands behind each line: "
            "the intervals are",
            "of the shops and not of its luck, which another seed of the training shows.",
            "",
            *table(["variant", "what differs", *FIGURES], lines),
            "",
            "Parts that no setting switches off were taken away where they were decided on:",
            "",
            *(f"- {part}: [{name[:3]}](decisions/{name}.md)" for part, name in ELSEWHERE.items()),
            "",
        ]
    )


def _flow(changes: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(changes), default_flow_style=True, width=1000)).strip()


def main(record: Path = RECORD, out: Path = PAGE) -> int:
    """Write the page.

    Returns:
        1 where the record is missing or lacks a figure; the page is left as it was.
    """
    try:
        text = page(read_record(record, COMMAND))
    except ValueError as error:  # a RecordError is one
        sys.stderr.write(f"{error}\n")
        return 1
    out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
