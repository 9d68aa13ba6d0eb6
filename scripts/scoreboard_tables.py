"""The scoreboard's record as tables: targets and figures for docs/measurements.md, and the summary in README.md."""

from collections.abc import Mapping, Sequence
from typing import Any

ALL = (
    "confounding_visible",
    "confounding_hidden",
    "sold_out",
    "cross_effects",
    "competitor_reaction",
    "forward_buying",
)
CALM = tuple(name for name in ALL if not name.startswith("confounding"))
MODELS = ("pricelake", "lightgbm", "double_ml", "hierarchical_ols", "loglog_ols", "mlp", "guessed_elasticity")
LAZY = ("cost_plus", "competitor_median", "rating_rule", "uniform_move_-10", "uniform_move", "uniform_move_+20")
POLICIES = (*MODELS, *LAZY, "true_own_curves")
AGES = (0, 2, 4, 8)
INSTRUMENTS = ("strong", "weak", "none")
RATES: tuple[tuple[str, dict[str, float]], ...] = (
    ("0 %", {"sold_out_rate": 0.0}),
    ("10 %", {}),
    ("20 %", {"sold_out_rate": 0.2}),
    ("40 %", {"sold_out_rate": 0.4}),
)
BEGIN, END = "<!-- scoreboard: written by make measurements -->", "<!-- end of scoreboard -->"
Row = Mapping[str, Any]


class Scores:
    """Rows of a record by what they are."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        """Index the rows of a scoreboard.json."""
        self.record = record
        self.rows: list[Row] = list(record["rows"])

    def find(self, section: str, figure: str, contender: str, switches: Sequence[str] = ALL, **more: Any) -> Row | None:
        """The row of one figure; what is not named must be absent from the row (instruments: strong)."""
        wanted = {"instruments": "strong", **more}
        keys = ("instruments", "weeks", "group", "sold_out_rate", "case")
        for row in self.rows:
            if (row["section"], row["figure"], row["contender"]) == (section, figure, contender) and (
                sorted(row["switches"]) == sorted(switches) and all(row.get(key) == wanted.get(key) for key in keys)
            ):
                return row
        return None

    def cell(self, section: str, figure: str, contender: str, switches: Sequence[str] = ALL, **more: Any) -> str:
        """Mean and interval of one figure; a dash where it was not measured."""
        row = self.find(section, figure, contender, switches, **more)
        if row is None or row["mean"] is None:
            return "–"
        ends = "" if row["low"] is None else f" ({row['low']:.2f} … {row['high']:.2f})"
        return f"{row['mean']:.2f}{ends}"

    def worst(self, section: str, figure: str) -> float:
        """The largest mean of a figure, over everything."""
        return max(float(row["worst"]) for row in self.rows if (row["section"], row["figure"]) == (section, figure))


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return [f"| {' | '.join(cells)} |" for cells in rows]


def origin(record: Mapping[str, Any]) -> str:
    """Where figures come from, in one sentence."""
    made = f"`{record['command']}`, {record['started_at'][:10]}, code {record['commit']}"
    return f"{made}, {record['seconds'] / 60:.0f} minutes; mean and 95 % interval over seeds"


def target_lines(full: Mapping[str, Any], quick: Mapping[str, Any] | None) -> list[str]:
    """Targets of the scoreboard itself."""
    scores = Scores(full)
    seeds = min(int(row["seeds"]) for row in scores.rows if row["section"] == "own_price_bias" and "group" not in row)
    promised = len([one for one in full["promises"] if one["contender"] == "pricelake"])
    exact = min(
        float(row["worst"]) for row in scores.rows if (row["contender"], row["figure"]) == ("oracle", "capture")
    )
    broken = scores.worst("profit_capture", "violations")
    facts = [
        ("full scoreboard, minutes", "≤ 90", full["seconds"] / 60, full["seconds"] <= 5400, "{:.0f}"),
        ("seeds behind every figure", "≥ 10", seeds, seeds >= 10, "{:.0f}"),
        ("categories with a promise of PriceLake", "≥ 200", promised, promised >= 200, "{:.0f}"),
        ("prices outside the rules, all contenders", "0", broken, broken == 0, "{:.0f}"),
        ("the oracle's lowest capture of the proven best", "1 (exact)", exact, exact > 1 - 1e-9, "{:.3f}"),
    ]
    if quick is not None:
        facts.insert(1, ("quick scoreboard, minutes", "≤ 10", quick["seconds"] / 60, quick["seconds"] <= 600, "{:.1f}"))
    lines = [(what, target, form.format(value), "yes" if met else "**no**") for what, target, value, met, form in facts]
    return table(("figure", "target", "measured", "met"), lines)


Column = tuple[str, str, str, Mapping[str, Any]]
"""Heading, section, figure, and what else the row must say."""


def grid(scores: Scores, title: str, contenders: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """A table of contenders and figures under a title."""
    body = [
        [name, *(scores.cell(section, figure, name, **more) for _, section, figure, more in columns)]
        for name in contenders
    ]
    return [f"**{title}**", "", *table(("contender", *(column[0] for column in columns)), body), ""]


def result_lines(full: Mapping[str, Any]) -> list[str]:
    """What the scoreboard found, section by section."""
    scores = Scores(full)
    bias, change, profit = "own_price_bias", "after_change", "profit_capture"
    movements: list[Column] = [
        (f"movement, {kind} instruments", bias, "movement", {"instruments": kind})
        for kind in ("strong", "weak", "none")
    ]
    errors = ("error_5", "error_10", "error_20", "forecast_wape", "soldout_underestimation")
    promises, cold = ("slope", "intercept", "coverage_50", "coverage_90"), "cold_start"
    return [
        *grid(
            scores,
            "Own-price bias: said minus true elasticity; movement: confounded minus its twin",
            MODELS,
            [("confounded", bias, "mean", {}), ("unconfounded", bias, "mean", {"switches": CALM}), *movements],
        ),
        *grid(
            scores,
            "Demand after a price change: WAPE, everything on",
            MODELS,
            [(name, change, name, {}) for name in errors],
        ),
        *grid(
            scores,
            "Share of demand missed, by share of weeks sold out",
            MODELS,
            [(name, change, "soldout_underestimation", more) for name, more in RATES],
        ),
        *grid(
            scores,
            "Profit capture: 0 the status quo, 1 the oracle",
            POLICIES,
            [
                *((f"{weeks} weeks", profit, "capture", {"weeks": weeks}) for weeks in (1, 4, 13)),
                ("unconfounded, 4 weeks", profit, "capture", {"switches": CALM, "weeks": 4}),
                ("no instruments, 4 weeks", profit, "capture", {"instruments": "none", "weeks": 4}),
            ],
        ),
        *grid(
            scores,
            "Promises: realised on promised gain by category",
            MODELS,
            [(name, "promise", name, {"case": "promise"}) for name in promises],
        ),
        *grid(
            scores,
            "New products: capture over 4 weeks, by weeks of history",
            MODELS,
            [(str(age), cold, "capture", {"case": cold, "weeks": age}) for age in AGES],
        ),
        *grid(
            scores,
            "Recommendation, against true tastes",
            ("pricelake", "popularity"),
            [(name, "recommendation", name, {}) for name in ("ndcg_at_10", "recall_at_10")],
        ),
    ]


def summary(full: Mapping[str, Any]) -> list[str]:
    """The scoreboard in README: everything on, PriceLake beside its rivals."""
    columns: list[Column] = [
        ("own-price bias", "own_price_bias", "mean", {}),
        ("its movement by confounding", "own_price_bias", "movement", {}),
        ("WAPE after ±10 %", "after_change", "error_10", {}),
        ("forecast WAPE", "after_change", "forecast_wape", {}),
        ("profit capture, 4 weeks", "profit_capture", "capture", {"weeks": 4}),
    ]
    lines = grid(Scores(full), "Every difficulty on", (*MODELS, "uniform_move", "true_own_curves"), columns)
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
