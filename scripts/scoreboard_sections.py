"""What the scoreboard found, as tables of docs/measurements.md, section by section."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from scripts.curve_targets import AFTER, beside_best
from scripts.scoreboard_scores import ALL, CALM, KNOWING, Scores, said, said_mean, said_worst
from scripts.scoreboard_tables import MODELS, Column, grid, table

from pricelake.settings.simulation import Instruments

POLICIES = (
    *MODELS,
    *("guessed_elasticity_-1.5", "guessed_elasticity_-2", "status_quo", "cost_plus", "competitor_median"),
    *("rating_rule", "uniform_move_-10", "uniform_move_-5", "uniform_move_+5", "uniform_move", "uniform_move_+15"),
    *("uniform_move_+20", *KNOWING),
)
"""The order in which contenders stand; one's own come behind."""
GROUPS = {
    "changes_0_1": "0–1 price changes",
    "changes_2_5": "2–5",
    "changes_6_up": "6 or more",
    "price_in_force": "all, at the price in force alone",
}
INSTRUMENTS: tuple[str, ...] = get_args(Instruments)
CONFOUNDING = {"confounding_visible": "what tables show", "confounding_hidden": "what no table shows"}
ERRORS = {
    "error_5": "WAPE after ±5 %",
    "error_10": "WAPE after ±10 %",
    "error_20": "WAPE after ±20 %",
    "forecast_wape": "WAPE at the prices in force",
    "soldout_underestimation": "Share of demand missed",
}
RUN = {"failed_fits": "offers not learnt", "seconds": "seconds", "peak_memory_mb": "memory added, MB"}
BIAS, CHANGE, PROFIT, PROMISE, COLD = "own_price_bias", "after_change", "profit_capture", "promise", "cold_start"
ABSENT = "Not in this record."


def result_lines(full: Mapping[str, Any]) -> list[str]:
    """What the scoreboard found, section by section."""
    scores = Scores(full)
    return [
        *weakest_lines(scores),
        *bias_lines(scores),
        *identification_lines(scores),
        *stability_lines(scores),
        *change_lines(scores),
        *setting_lines(scores),
        *profit_lines(scores),
        *switch_lines(scores),
        *grid(
            scores,
            "Promises: realised on promised gain by category",
            MODELS,
            [(name, PROMISE, name, {"case": PROMISE}) for name in ("slope", "intercept", "coverage_50", "coverage_90")],
        ),
        *left_out_lines(full),
        *newcomer_lines(scores),
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
        *failure_lines(scores, full["failures"]),
    ]


def weakest_lines(scores: Scores) -> list[str]:
    """The worst seed of the main figures."""
    models: list[Column] = [
        ("own-price bias", BIAS, "mean", {}),
        ("mean absolute error", BIAS, "mean_absolute", {}),
        ("movement", BIAS, "movement", {}),
        ("WAPE after ±10 %", CHANGE, "error_10", {}),
        ("WAPE after ±20 %", CHANGE, "error_20", {}),
        ("forecast WAPE", CHANGE, "forecast_wape", {}),
        ("promise slope", PROMISE, "slope", {"case": PROMISE}),
        ("90 % coverage", PROMISE, "coverage_90", {"case": PROMISE}),
    ]
    captures: list[Column] = [
        (f"{weeks} weeks", PROFIT, "capture", {"weeks": weeks}) for weeks in scores.weeks(PROFIT, "capture")
    ]
    policies = _contenders(scores, PROFIT)
    return [
        *grid(scores, "The weakest of the seeds, everything on", MODELS, models, show=said_worst),
        *grid(scores, "Profit capture on the weakest of the seeds, everything on", policies, captures, show=said_worst),
    ]


def bias_lines(scores: Scores) -> list[str]:
    """Own-price bias and its size: by confounding, by price changes seen, by instruments."""
    movements: list[Column] = [
        (f"movement, {kind} instruments", BIAS, "movement", {"instruments": kind}) for kind in INSTRUMENTS
    ]
    alone: list[Column] = [
        (f"prices follow {title}", BIAS, "movement", {"switches": (name,)}) for name, title in CONFOUNDING.items()
    ]
    by_instruments: list[Column] = [
        (f"{title}, {kind}", BIAS, figure, {"instruments": kind})
        for figure, title in (("mean", "bias"), ("mean_absolute", "mean absolute"))
        for kind in INSTRUMENTS
    ]
    return [
        *grid(
            scores,
            "Own-price bias: said minus true elasticity; movement: confounded minus its twin",
            MODELS,
            [("confounded", BIAS, "mean", {}), ("unconfounded", BIAS, "mean", {"switches": CALM}), *movements],
        ),
        *grid(scores, "Movement of the bias by one kind of confounding alone", MODELS, alone),
        *grid(scores, "Own-price bias by price changes seen, everything on", MODELS, _by_group("mean")),
        *grid(
            scores,
            "Mean absolute error of elasticities by price changes seen, everything on",
            MODELS,
            _by_group("mean_absolute"),
        ),
        *grid(scores, "Own-price bias and mean absolute error by instruments, all switches on", MODELS, by_instruments),
    ]


def _by_group(figure: str) -> list[Column]:
    return [("all", BIAS, figure, {}), *((title, BIAS, figure, {"group": group}) for group, title in GROUPS.items())]


def identification_lines(scores: Scores) -> list[str]:
    """Of which categories a model says that nothing identifies them, setting by setting."""
    head = ("setting", "contender", "categories flagged", "90 % intervals hold there")
    body = []
    for case in scores.cases("identification", "flagged_share"):
        held = scores.of_case("identification", "coverage_90_unidentified", case)
        for name, flagged in scores.of_case("identification", "flagged_share", case).items():
            body.append([case, name, said(flagged), said(held.get(name))])
    return _told("Identification: shares of categories, of models that say how well they know", head, body)


def stability_lines(scores: Scores) -> list[str]:
    """By how much elasticities change when they are learnt again."""
    figures = ("elasticity_shift_seed", "elasticity_shift_week")
    body = [
        [name, *(said(scores.find("stability", figure, name)) for figure in figures)]
        for name in scores.contenders("stability")
    ]
    head = ("contender", "another seed", "a week earlier")
    return _told("Stability: mean absolute change of elasticities when learnt again, everything on", head, body)


def _told(title: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A table under a title, or that the record has nothing of it."""
    return [f"**{title}**", "", *(table(head, body) if body else [ABSENT]), ""]


def change_lines(scores: Scores) -> list[str]:
    """Demand after a price change, and by share of weeks sold out."""
    lines = grid(
        scores,
        "Demand after a price change: WAPE, everything on",
        MODELS,
        [(name, CHANGE, name, {}) for name in ERRORS],
    )
    for figure, title in ERRORS.items():
        columns: list[Column] = [(name, CHANGE, figure, more) for name, more in scores.rates(CHANGE, figure)]
        lines += grid(scores, f"{title}, by share of weeks sold out", MODELS, columns)
    return lines


def setting_lines(scores: Scores) -> list[str]:
    """The error after ±20 % in every setting, and PriceLake's beside the best rival's."""
    names = [name for name in _contenders(scores, CHANGE, MODELS) if name == "pricelake" or scores.is_rival(name)]
    body = []
    for case in scores.cases(CHANGE, "error_20"):
        rows = scores.of_case(CHANGE, "error_20", case)
        ratios = [beside_best(scores, figure, case) for figure in AFTER[::-1]]
        shown = ("–" if ratio is None else f"{ratio:.3f}" for ratio in ratios)
        body.append([case, *(said_mean(rows.get(name)) for name in names), *shown])
    head = ("setting", *names, "pricelake / best rival", "the same after ±10 %")
    return _told("WAPE after ±20 % in every setting; means over seeds", head, body)


def profit_lines(scores: Scores) -> list[str]:
    """Profit capture and what is missed, of everybody."""
    policies = _contenders(scores, PROFIT)
    return [
        *grid(
            scores,
            "Profit capture: 0 the status quo, 1 the oracle",
            policies,
            [
                *((f"{weeks} weeks", PROFIT, "capture", {"weeks": weeks}) for weeks in scores.weeks(PROFIT, "capture")),
                ("unconfounded, 4 weeks", PROFIT, "capture", {"switches": CALM, "weeks": 4}),
                ("weak instruments, 4 weeks", PROFIT, "capture", {"instruments": "weak", "weeks": 4}),
                ("no instruments, 4 weeks", PROFIT, "capture", {"instruments": "none", "weeks": 4}),
            ],
        ),
        *grid(
            scores,
            "Profit missed, in the shops' currency, everything on",
            policies,
            [
                (f"{weeks} weeks", PROFIT, "regret_amount", {"weeks": weeks})
                for weeks in scores.weeks(PROFIT, "regret_amount")
            ],
        ),
    ]


def _contenders(scores: Scores, section: str, known: Sequence[str] = POLICIES) -> list[str]:
    """Those that have their place, and behind them who else has a row."""
    return list(dict.fromkeys((*known, *scores.contenders(section))))


def switch_lines(scores: Scores) -> list[str]:
    """Profit capture with each switch alone; nothing where no such case was run."""
    body = []
    for name, on in (("none", ()), *((name, (name,)) for name in ALL)):
        own = scores.find(PROFIT, "capture", "pricelake", on, weeks=4)
        rival = scores.best(PROFIT, "capture", None, on, weeks=4)
        if own or rival:
            body.append([name, said(own), said(rival), "–" if rival is None else str(rival["contender"])])
    if not body:
        return []
    title = "**Profit capture over 4 weeks with one switch alone; the best rival is known only afterwards**"
    return [title, "", *table(("switch", "pricelake", "best rival", "which"), body), ""]


def left_out_lines(full: Mapping[str, Any]) -> list[str]:
    """For how many categories each contender promises nothing, and why; nothing where nobody promises."""
    keys = ("case", "contender", "promised", "failed", "no_price_moved", "loses_money")
    body = [[str(one[key]) for key in keys] for one in full["promises_left_out"]]
    reasons = ("not learnt", "no price moved", "lately earned nothing at the prices in force")
    head = ("case", "contender", "with a promise", *reasons)
    return ["**Categories with and without a promise**", "", *table(head, body), ""] if body else []


def newcomer_lines(scores: Scores) -> list[str]:
    """What becomes of products without a history, or with a short one."""
    errors: list[Column] = [
        (f"{title}, {age}", COLD, figure, {"case": COLD, "weeks": age})
        for figure, title in (("elasticity_error", "elasticity"), ("units_error", "WAPE"))
        for age in scores.weeks(COLD, figure)
    ]
    seen = scores.contenders(COLD)
    return [
        *grid(
            scores,
            "New products: capture over 4 weeks, by weeks of history",
            [name for name in _contenders(scores, COLD) if name in (*MODELS, *seen)],
            [(str(age), COLD, "capture", {"case": COLD, "weeks": age}) for age in scores.weeks(COLD, "capture")],
        ),
        *grid(scores, "New products: errors by weeks of history", MODELS, errors),
    ]


def failure_lines(scores: Scores, failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Offers not learnt in all cases together, and whose fits failed as a whole; who never failed shares a line.

    Args:
        scores: rows.
        failures: ``failures`` of the record.
    """
    head = ("contender", "offers not learnt", "cases with any", "most in a case", "which", "failed as a whole in")
    body, never = [], 0
    for name in _contenders(scores, "run"):
        counts = _not_learnt(scores, name)
        whole = ", ".join(str(one["case"]) for one in failures if one["contender"] == name)
        if not counts:
            continue
        if any(counts.values()) or whole:
            most = max(counts, key=lambda case: counts[case])
            found = sum(count > 0 for count in counts.values())
            told = (f"{sum(counts.values()):,}", f"{found} of {len(counts)}", f"{counts[most]:,}")
            body.append([name, *told, most, whole or "–"])
        else:
            never += 1
    if never:
        body.append([f"all others ({never})", "0", "0", "0", "–", "–"])
    return _told("Fits that failed, all cases and seeds together; they count as the status quo", head, body)


def _not_learnt(scores: Scores, contender: str) -> dict[str, int]:
    """Case → offers that a contender did not learn, of all seeds together."""
    return {
        str(row["case"]): round(row["mean"] * row["seeds"])
        for row in scores.rows
        if (row["section"], row["figure"], row["contender"]) == ("run", "failed_fits", contender)
        and row["mean"] is not None
    }
