"""The scoreboard's record as tables: targets and figures for docs/measurements.md, and the summary in README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from scripts.scoreboard_scores import ALL, KNOWING, Scores, said

from pricelake.settings.simulation import Instruments

CALM = tuple(name for name in ALL if not name.startswith("confounding"))
MODELS = ("pricelake", "lightgbm", "double_ml", "hierarchical_ols", "loglog_ols", "mlp", "guessed_elasticity")
LAZY = ("cost_plus", "competitor_median", "rating_rule", "uniform_move_-10", "uniform_move", "uniform_move_+20")
OTHER_LAZY = (
    *("uniform_move_-5", "uniform_move_+5", "uniform_move_+15"),
    *("guessed_elasticity", "guessed_elasticity_-1.5", "guessed_elasticity_-2"),
)
POLICIES = (*MODELS, *LAZY, *KNOWING)
GROUPS = {
    "changes_0_1": "0–1 price changes",
    "changes_2_5": "2–5",
    "changes_6_up": "6 or more",
    "price_in_force": "all, at the price in force alone",
}
INSTRUMENTS: tuple[str, ...] = get_args(Instruments)
RUN = {"failed_fits": "offers not learnt", "seconds": "seconds", "peak_memory_mb": "memory added, MB"}
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
    """Where figures come from, in one sentence."""
    made = f"`{record['command']}`, {record['started_at'][:10]}, code {record['commit']}"
    return f"{made}, {record['seconds'] / 60:.0f} minutes; mean and 95 % interval over seeds"


@dataclass(frozen=True)
class Fact:
    """A target of the scoreboard itself and what became of it.

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


FULL_MINUTES, QUICK_MINUTES = "full scoreboard, minutes", "quick scoreboard, minutes"
SEEDS, SEEDS_OF_GROUPS = "seeds behind every figure", "of which groups of price changes"
PROMISED, BROKEN = "categories with a promise of PriceLake", "prices outside the rules, all contenders"
EXACT = "the oracle's lowest capture of the proven best"
EXPLANATIONS = {
    SEEDS: "A figure is left out on a seed where it cannot be measured, and its mean and interval are those of the "
    "other seeds.",
    PROMISED: "A category in which PriceLake moves no price is without a promise. The slope and the coverage rest on "
    "fewer promises than planned.",
    EXACT: "Where a category's allowed prices have more than 200 000 combinations the oracle searches, and what counts "
    "as the best is a bound that no prices can exceed, unless a product's price lies above its cost in some of the "
    "weeks and below it in others. The search missed at most the gap; every contender's capture is measured against "
    "the bound and lies nearer 0 for it.",
}
"""Target → what bounds it; on the page only where it is missed."""


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
    verdicts = {True: "yes", False: "**no**", None: ""}
    return table(
        ("figure", "target", "measured", "met"),
        [(one.what, one.target, one.figure, verdicts[one.met]) for one in told],
    )


def missed_lines(told: Sequence[Fact]) -> list[str]:
    """A paragraph for each target that was missed."""
    lines = []
    for one in told:
        if one.met is False:
            text = EXPLANATIONS.get(one.what, "Not explained yet.")
            lines += [f"**{one.what}** ({one.figure}, target {one.target}). {text}", ""]
    return lines


Column = tuple[str, str, str, Mapping[str, Any]]
"""Heading, section, figure, and what else the row must say."""


def grid(
    scores: Scores,
    title: str,
    contenders: Sequence[str],
    columns: Sequence[Column],
    notes: Mapping[str, str] | None = None,
) -> list[str]:
    """A table of contenders and figures under a title; nothing where there is no figure to show.

    Args:
        scores: rows.
        title: of the table.
        contenders: its lines.
        columns: its columns.
        notes: what stands behind the name of a contender.
    """
    if not columns:
        return []
    body = [
        [
            name + (notes or {}).get(name, ""),
            *(scores.cell(section, figure, name, **more) for _, section, figure, more in columns),
        ]
        for name in contenders
    ]
    return [f"**{title}**", "", *table(("contender", *(column[0] for column in columns)), body), ""]


def result_lines(full: Mapping[str, Any]) -> list[str]:
    """What the scoreboard found, section by section."""
    scores = Scores(full)
    bias, change, profit = "own_price_bias", "after_change", "profit_capture"
    movements: list[Column] = [
        (f"movement, {kind} instruments", bias, "movement", {"instruments": kind}) for kind in INSTRUMENTS
    ]
    missed = "soldout_underestimation"
    errors = ("error_5", "error_10", "error_20", "forecast_wape", missed)
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
            "Mean absolute error of elasticities by price changes seen, everything on",
            MODELS,
            [("all", bias, "mean_absolute", {})]
            + [(title, bias, "mean_absolute", {"group": group}) for group, title in GROUPS.items()],
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
            [(name, change, missed, more) for name, more in scores.rates(change, missed)],
        ),
        *grid(
            scores,
            "Profit capture: 0 the status quo, 1 the oracle",
            POLICIES,
            [
                *((f"{weeks} weeks", profit, "capture", {"weeks": weeks}) for weeks in scores.weeks(profit, "capture")),
                ("unconfounded, 4 weeks", profit, "capture", {"switches": CALM, "weeks": 4}),
                ("weak instruments, 4 weeks", profit, "capture", {"instruments": "weak", "weeks": 4}),
                ("no instruments, 4 weeks", profit, "capture", {"instruments": "none", "weeks": 4}),
            ],
        ),
        *grid(
            scores,
            "Profit missed, in the shops' currency, everything on",
            POLICIES,
            [
                (f"{weeks} weeks", profit, "regret_amount", {"weeks": weeks})
                for weeks in scores.weeks(profit, "regret_amount")
            ],
        ),
        *switch_lines(scores),
        *grid(
            scores,
            "Promises: realised on promised gain by category",
            MODELS,
            [(name, "promise", name, {"case": "promise"}) for name in promises],
        ),
        *left_out_lines(full),
        *grid(
            scores,
            "New products: capture over 4 weeks, by weeks of history",
            MODELS,
            [(str(age), cold, "capture", {"case": cold, "weeks": age}) for age in scores.weeks(cold, "capture")],
        ),
        *grid(
            scores,
            "New products: errors by weeks of history",
            MODELS,
            [
                (f"{title}, {age}", cold, figure, {"case": cold, "weeks": age})
                for figure, title in (("elasticity_error", "elasticity"), ("units_error", "WAPE"))
                for age in scores.weeks(cold, figure)
            ],
        ),
        *grid(
            scores,
            "Recommendation, against true tastes",
            ("pricelake", "popularity"),
            [(name, "recommendation", name, {}) for name in ("ndcg_at_10", "recall_at_10")],
        ),
        *grid(
            scores,
            "What a run takes, everything on: offers not learnt on a seed; one fit of all seeds",
            MODELS,
            [(title, "run", figure, {}) for figure, title in RUN.items()],
        ),
    ]


def left_out_lines(full: Mapping[str, Any]) -> list[str]:
    """For how many categories each contender promises nothing, and why; nothing where nobody promises."""
    keys = ("case", "contender", "promised", "failed", "no_price_moved", "loses_money")
    body = [[str(one[key]) for key in keys] for one in full["promises_left_out"]]
    reasons = ("not learnt", "no price moved", "lately earned nothing at the prices in force")
    head = ("case", "contender", "with a promise", *reasons)
    return ["**Categories with and without a promise**", "", *table(head, body), ""] if body else []


def switch_lines(scores: Scores) -> list[str]:
    """Profit capture with each switch alone; nothing where no such case was run."""
    body = []
    for name, on in (("none", ()), *((name, (name,)) for name in ALL)):
        own = scores.find("profit_capture", "capture", "pricelake", on, weeks=4)
        rival = scores.best("profit_capture", "capture", None, on, weeks=4)
        if own or rival:
            body.append([name, said(own), said(rival), "–" if rival is None else str(rival["contender"])])
    if not body:
        return []
    title = "**Profit capture over 4 weeks with one switch alone; the best rival is known only afterwards**"
    return [title, "", *table(("switch", "pricelake", "best rival", "which"), body), ""]


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
