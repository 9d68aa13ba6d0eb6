"""The scoreboard's page from made-up records: what it says of ranks, losses, intervals, and what it leaves out."""

import copy
import html
import json
import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap, ttest_1samp, ttest_rel

from pricelake.errors import PriceLakeError
from pricelake.evaluation import rows as evaluation
from pricelake.report.scoreboard.claims import LIMITS
from pricelake.report.scoreboard.figures import BY_NAME, KNOWN, SECTIONS
from pricelake.report.scoreboard.page import render_scoreboard
from pricelake.report.scoreboard.pairs import lead_interval
from pricelake.report.scoreboard.plots import dot_plot, shown_scores
from pricelake.report.scoreboard.record import read_record
from pricelake.report.scoreboard.standing import Board, boards_of, lost_figures

ALL = [
    "competitor_reaction",
    "confounding_hidden",
    "confounding_visible",
    "cross_effects",
    "forward_buying",
    "sold_out",
]
CALM = [name for name in ALL if not name.startswith("confounding")]
CASES: list[dict[str, Any]] = [
    {"name": "confounded", "switches": ALL, "instruments": "strong", "sold_out_rate": None},
    {"name": "weak_instruments", "switches": ALL, "instruments": "weak", "sold_out_rate": None},
    {"name": "unconfounded", "switches": CALM, "instruments": "strong", "sold_out_rate": None},
    {"name": "never_sold_out", "switches": ALL, "instruments": "strong", "sold_out_rate": 0.0},
    {"name": "often_sold_out", "switches": ALL, "instruments": "strong", "sold_out_rate": 0.4},
]
MODELS = [
    "pricelake",
    "guessed_elasticity",
    "loglog_ols",
    "hierarchical_ols",
    "lightgbm",
    "double_ml",
    "mlp",
    "house_rule",
]
MOVES = ["uniform_move", *(f"uniform_move_{move}" for move in ("-10", "-5", "+5", "+15", "+20"))]
POLICIES = [*MODELS, "status_quo", "cost_plus", "competitor_median", "rating_rule", *MOVES, "true_own_curves", "oracle"]
LEVELS = {
    "mean": (-0.2, 0.3), "mean_absolute": (0.7, 0.2), "movement": (0.3, 0.3), "error_5": (0.35, 0.05),
    "error_10": (0.37, 0.05), "error_20": (0.42, 0.06), "forecast_wape": (0.34, 0.05),
    "soldout_underestimation": (0.06, 0.05), "capture": (0.2, 0.25), "regret_amount": (2500, 600), "violations": (0, 0),
    "slope": (0.8, 0.2), "intercept": (0.01, 0.02), "coverage_50": (0.45, 0.1), "coverage_90": (0.82, 0.08),
    "elasticity_error": (0.9, 0.2), "units_error": (0.6, 0.1), "ndcg_at_10": (0.4, 0.05), "recall_at_10": (0.3, 0.05),
    "elasticity_shift_seed": (0.02, 0.01), "elasticity_shift_week": (0.1, 0.03),
    "flagged_share": (0.9, 0.05), "coverage_90_unidentified": (0.85, 0.05),
    "failed_fits": (1, 1), "seconds": (30, 20), "peak_memory_mb": (900, 300),
}  # fmt: skip


def row(section: str, figure: str, contender: str, mean: float | None, half: float | None = 0.1, **more: Any) -> dict:
    """A row of the first case unless ``more`` says otherwise; ``half`` is half of the interval."""
    ends = (None, None) if half is None or mean is None else (mean - half, mean + half)
    own = {"switches": ALL, "instruments": "strong"}
    figures = {"seeds": 1 if half is None else 10, "mean": mean, "low": ends[0], "high": ends[1], "worst": mean}
    return {"section": section, "figure": figure, "contender": contender, **figures, **own, **more}


def record_of(*rows: dict, **more: Any) -> dict[str, Any]:
    told = {"commit": "0.1.0+abc", "command": "pricelake score --settings quick.yaml", "seconds": 545.1}
    return {"rows": list(rows), "started_at": "2026-11-25T00:39:58+00:00", **told, **more}


def whole_record() -> dict[str, Any]:
    """Every section and figure, in the cases where it is measured, with plausible values."""
    random, found = np.random.default_rng(3), []

    def tell(case: dict[str, Any], section: str, figure: str, contenders: list[str], **more: Any) -> None:
        own = {key: case[key] for key in ("switches", "instruments", "sold_out_rate") if case[key] is not None}
        own["case"] = case["name"]
        for contender in contenders:
            centre, spread = LEVELS[figure]
            mean = {"oracle": 1.0, "status_quo": 0.0, "true_own_curves": 0.81}.get(contender, np.nan)
            mean = mean if figure == "capture" and np.isfinite(mean) else float(random.normal(centre, spread))
            mean = mean if figure in evaluation.NEARER_ZERO | evaluation.HIGHER else abs(mean)
            half = spread * float(random.uniform(0.3, 1.5))
            found.append(row(section, figure, contender, mean, half, **own, **more))

    for case in CASES:
        for figure in ("mean", "mean_absolute"):
            for group in (None, "changes_0_1", "changes_2_5", "changes_6_up"):
                tell(case, "own_price_bias", figure, MODELS, **({"group": group} if group else {}))
        for figure in evaluation.FIGURES["identification"]:
            tell(case, "identification", figure, ["pricelake"])
        for figure in evaluation.FIGURES["after_change"]:
            tell(case, "after_change", figure, MODELS)
        for figure in evaluation.FIGURES["profit_capture"]:
            for weeks in (1, 4, 13):
                tell(case, "profit_capture", figure, POLICIES, weeks=weeks)
        for figure in evaluation.FIGURES["run"]:
            tell(case, "run", figure, MODELS)
    tell(CASES[0], "own_price_bias", "movement", MODELS)
    for figure in evaluation.FIGURES["stability"]:
        tell(CASES[0], "stability", figure, ["pricelake"])
    for figure in evaluation.FIGURES["promise"]:
        tell(CASES[0], "promise", figure, ["pricelake", "double_ml", "lightgbm"])
    for figure in evaluation.FIGURES["cold_start"]:
        for weeks in (0, 2, 4, 8):
            tell(CASES[0], "cold_start", figure, MODELS, weeks=weeks)
    for figure in evaluation.FIGURES["recommendation"]:
        tell(CASES[0], "recommendation", figure, ["pricelake", "popularity"])
    promises = []
    for place in range(40):
        said, missed = float(random.gamma(2.0, 0.02)), float(random.normal(0.0, 0.02))
        ends = {"low_90": said - 0.03, "high_90": said + 0.03}
        told = {"contender": "pricelake", "seed": 1410 + place // 4, "category": f"category {place % 4}"}
        promises.append({**told, "promised": said, "realised": 0.7 * said + missed, **ends})
    size = {"seeds": [1410, 1419], "products": 40, "categories": 10, "markets": 1, "weeks": 78, "seconds": 312.0}
    size["true_elasticity"] = -2.8123
    size["possible_gain"] = {"1": 0.2, "13": 0.1234, "4": 0.15}
    failures = [{"case": "weak_instruments", "contender": "house_rule", "error": "ValueError: singular matrix"}]
    cases = [{**case, **size, "usual_shop": True} for case in CASES]
    counts = {
        "case": "promise",
        "contender": "pricelake",
        "promised": 40,
        "failed": 2,
        "no_price_moved": 7,
        "loses_money": 3,
    }
    return record_of(*found, cases=cases, promises=promises, failures=failures, promises_left_out=[counts])


WHOLE = whole_record()


def words(page: str) -> str:
    """The page as read: without scripts, styles and tags, white space collapsed."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body))).replace("\u00a0", " ")


def figures(page: str) -> dict[str, Any]:
    """What the page's script draws."""
    found = re.search(r'<script id="figures" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def only_board(*rows: dict) -> Board:
    (board,) = boards_of(read_record(record_of(*rows)))
    return board


def test_the_page_knows_the_figures_of_the_evaluation_and_which_way_is_better() -> None:
    assert {(section, name) for section, names in evaluation.FIGURES.items() for name in names} == set(BY_NAME)
    for figure in KNOWN:
        is_near = figure.name in evaluation.NEARER_ZERO or figure.name in evaluation.TARGETS
        assert (figure.better == "near") is is_near, figure
        assert (figure.better == "higher") is (figure.name in evaluation.HIGHER), figure
        assert (figure.better == "neither") is (figure.name in evaluation.DIRECTIONLESS), figure
        assert figure.ideal == evaluation.TARGETS.get(figure.name, 0.0), figure


def test_a_whole_record_fills_every_section_and_draws_every_plot_that_it_names() -> None:
    page = render_scoreboard(WHOLE)
    for section in SECTIONS:
        assert f'<section id="{section}">' in page
    named = re.findall(r'data-plot="([^"]+)"', page)
    assert sorted(named) == sorted(figures(page))
    assert len(named) == len(set(named)) > 50
    own = re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!#|data:)', own)
    text = words(page)
    assert "case “confounded” (every difficulty on; instruments strong)" in text
    assert "ValueError: singular matrix" in text
    assert "pricelake score --settings quick.yaml" in text
    assert "25 November 2026, 00:39 UTC" in text
    assert "1410–1419" in text
    why = (
        "because it could not learn them, because it moves none of their prices, and because what they sold lately "
        "earns nothing at the prices in force"
    )
    assert f"Categories without a promise ({why}): PriceLake 12 of 52 (2, 7 and 3)." in text
    assert re.search(r"1410–1419 40 10 1 78 −2\.81 12\.3 5\.2", text)


def test_without_javascript_every_case_is_there_and_the_first_table_of_each_section_open() -> None:
    page = render_scoreboard(WHOLE)
    assert "hidden" not in "".join(re.findall(r'<div class="panel"[^>]*>', page))
    assert page.count("<details data-fold open>") == len(SECTIONS)
    assert "JavaScript is off" in page


def test_ranks_on_development_and_on_spent_seeds_are_said_to_be_no_evidence_before_anything_else() -> None:
    own, rival = row("after_change", "error_10", "pricelake", 0.3), row("after_change", "error_10", "mlp", 0.2)
    weak = [{**one, "instruments": "weak"} for one in (own, rival)]
    cases = CASES[:2]

    def text_of(*seeds: list[int] | None) -> str:
        told = [{**case, "seeds": own} for case, own in zip(cases, seeds, strict=True)]
        return words(render_scoreboard(record_of(own, rival, *weak, cases=told)))

    said = "Seeds 0–999 are development seeds, on which rivals and models may be tuned"
    every = text_of([0, 3], [0, 3])
    assert f"The cases of this page ran on seeds 0–3. {said}: the ranks on this page are no evidence." in every
    assert every.index(said) < every.index("JavaScript is off")
    some = text_of([0, 3], [1410, 1419])
    assert f"“confounded” ran on seeds 0–3. {said}: their ranks are no evidence." in some
    assert f"“weak instruments” ran on seed 999. {said}" in text_of([1410, 1419], [999, 999])
    spent = "Seeds 1000–1409 are spent: their figures were looked at while rivals and models still changed"
    both = text_of(None, [990, 1002])
    for why in (said, spent):
        assert f"“weak instruments” ran on seeds 990–1002. {why}: their ranks are no evidence." in both
    old = text_of([1100, 1109], [1000, 1000])
    assert f"The cases of this page ran on seeds 1000–1109. {spent}: the ranks on this page are no evidence." in old
    assert said not in old
    assert f"“confounded” ran on seeds 1409–1412. {spent}: their ranks" in text_of([1409, 1412], [1410, 1419])
    assert f"“confounded” ran on seeds 900–1500. {spent}" in text_of([900, 1500], [1410, 1419])
    for reported in (text_of([1410, 1419], [1410, 1410]), text_of(None, None), words(render_scoreboard(WHOLE))):
        assert "no evidence." not in reported.split("JavaScript is off")[0]


def test_a_losing_pricelake_is_said_to_lose_by_how_much_and_how_surely() -> None:
    page = render_scoreboard(
        record_of(
            row("profit_capture", "capture", "oracle", 1.0, 0.0, weeks=13),
            row("profit_capture", "capture", "uniform_move_+15", 0.42, 0.05, weeks=13),
            row("profit_capture", "capture", "status_quo", 0.0, 0.0, weeks=13),
            row("profit_capture", "capture", "pricelake", -0.113, 0.05, weeks=13),
        )
    )
    text = words(page)
    assert (
        "Over 13 weeks, PriceLake's prices earn more than the prices in force in 0 of 1 case; the whole 95 % interval "
        "lies above them in 0 and below them in 1. They capture −11.3 % of what the oracle gains, which is 3rd of 3."
    ) in text
    assert "PriceLake is last of 3 with −11.3 %, 53.3 points behind the best rival, All prices +15 % (42.0 %); " in text
    assert "behind in the only comparison; in 1 a rival is clearly ahead" in text
    assert "2 of 2" in text  # the status quo is ahead as well, the oracle is no rival


def test_a_winning_pricelake_has_no_section_of_losses() -> None:
    rows = [row("after_change", "error_10", name, mean) for name, mean in (("pricelake", 0.2), ("mlp", 0.3))]
    page = render_scoreboard(record_of(*rows))
    assert (
        "PriceLake is first of 2 with 20.0 %, 10.0 points ahead of the next, MLP (30.0 %); no clear difference."
        in words(page)
    )
    assert 'id="lost"' not in page
    assert "#lost" not in page
    assert "behind the best rival in 0, level with it in 0 and ahead of all in 1" in words(page)


def test_nothing_is_lost_or_won_by_flagging_more_or_fewer() -> None:
    flagged = [
        row("identification", "flagged_share", name, mean) for name, mean in (("pricelake", 0.1), ("house", 0.9))
    ]
    board = only_board(*flagged)
    assert (board.is_comparison, board.ahead, board.lead(board.rivals[0])) == (False, (), 0.0)
    assert lost_figures([board]) == []
    text = words(render_scoreboard(record_of(*flagged)))
    assert "Categories flagged as weakly identified (neither more nor less is better)" in text
    assert "Where PriceLake loses" not in text


def test_equal_means_are_level_and_no_loss() -> None:
    rows = [row("profit_capture", "violations", name, 0.0, 0.0, weeks=1) for name in ("pricelake", "mlp")]
    board = only_board(*rows)
    assert (board.rank, board.ahead) == (1, ())
    assert "behind the best rival in 0, level with it in 1 and ahead of all in 0" in words(
        render_scoreboard(record_of(*rows))
    )


@pytest.mark.parametrize(
    ("figure", "own", "rival", "lead"),
    [
        (("own_price_bias", "mean"), -0.5, 0.2, 0.3),
        (("promise", "coverage_90"), 0.97, 0.8, -0.03),
        (("promise", "slope"), 0.7, 1.1, 0.2),
        (("after_change", "error_5"), 0.3, 0.2, 0.1),
        (("recommendation", "ndcg_at_10"), 0.3, 0.2, -0.1),
    ],
)
def test_a_lead_is_measured_towards_the_ideal(figure: tuple[str, str], own: float, rival: float, lead: float) -> None:
    board = only_board(row(*figure, "pricelake", own), row(*figure, "mlp", rival))
    assert board.lead(board.rivals[0]) == pytest.approx(lead)


def test_intervals_are_compared_by_distance_from_the_ideal() -> None:
    # [-0.7, -0.5] and [0.4, 0.6] are apart as numbers, not as distances from 0
    rows = [row("own_price_bias", "mean", name, mean) for name, mean in (("pricelake", -0.6), ("mlp", 0.5))]
    board = only_board(*rows)
    assert board.separation(board.rivals[0]) == "unclear"
    # [-0.1, 0.1] holds the ideal, so it reaches from 0 to 0.1
    board = only_board(row("own_price_bias", "mean", "mlp", 0.0), rows[0])
    assert board.separation(board.rivals[0]) == "clear"
    # [-0.4, 0.6] holds it as well: from 0 to 0.6, not from 0.4 to 0.6
    board = only_board(row("own_price_bias", "mean", "mlp", 0.1, 0.5), row("own_price_bias", "mean", "pricelake", 0.2))
    assert board.separation(board.rivals[0]) == "unclear"


def by_seed(values: list[float]) -> dict[str, Any]:
    """What a row of a plain mean has of its seeds, with Student's interval."""
    half = 2.7764451051977987 * np.std(values, ddof=1) / np.sqrt(5)  # t(0.975, 4)
    mean = float(np.mean(values))
    return {"mean": mean, "low": mean - half, "high": mean + half, "by_seed": dict(enumerate(values)), "seeds": 5}


OWN, NEAR, FAR = [0.5, 0.3, 0.9, 0.1, 0.7], [0.46, 0.24, 0.87, 0.06, 0.67], [0.3, 0.5, 0.5, 0.5, 0.3]


def test_differences_are_taken_seed_by_seed() -> None:
    own, near, far = (by_seed(values) for values in (OWN, NEAR, FAR))
    rows = [row("after_change", "error_10", "pricelake", **own), row("after_change", "error_10", "mlp", **near)]
    board = only_board(*rows, row("after_change", "error_10", "double_ml", **far))
    # the same difference on every shop is clear however much shops differ; one that comes and goes is not
    assert [(one.contender, board.separation(one)) for one in board.rivals] == [
        ("double_ml", "unclear"),
        ("mlp", "clear"),
    ]
    found = ttest_rel(OWN, NEAR).confidence_interval(0.95)
    assert board.own is not None
    assert lead_interval(board.figure, board.own, board.rivals[1]) == pytest.approx((found.low, found.high))
    page = render_scoreboard(record_of(*rows, row("after_change", "error_10", "double_ml", **far)))
    assert "no clear difference but a clear one to MLP" in words(page)


def test_differences_of_ratios_weigh_seeds_by_what_they_are_ratios_of() -> None:
    draw = np.random.default_rng(7)
    possible = draw.gamma(4.0, 5.0, 300)
    ours, theirs = (possible * draw.normal(share, 0.3, 300) for share in (0.4, 0.6))

    def of(contender: str, gained: Any, empty: int = 0) -> dict:
        amounts = {str(seed): list(both) for seed, both in enumerate(zip(gained, possible, strict=True))}
        amounts |= {str(300 + seed): [0.0, 0.0] for seed in range(empty)}
        told = {"seeds": 300, "amounts": amounts, "by_seed": dict.fromkeys(amounts)}
        return row("profit_capture", "capture", contender, gained.sum() / possible.sum(), weeks=4, **told)

    board = only_board(of("pricelake", ours), of("mlp", theirs))
    assert board.own is not None
    found = lead_interval(board.figure, board.own, board.rivals[0])
    wanted = bootstrap(
        (ours, theirs, possible),
        lambda own, rival, whole, axis: (rival - own).sum(axis=axis) / whole.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=0.95,
        rng=np.random.default_rng(8),
    ).confidence_interval
    assert found == pytest.approx((wanted.low, wanted.high), abs=0.005)
    # seeds on which nothing could be had tell nothing
    padded = only_board(of("pricelake", ours, 200), of("mlp", theirs, 200))
    assert lead_interval(padded.figure, padded.own or padded.rivals[0], padded.rivals[0]) == pytest.approx(found)


def test_distances_are_compared_seed_by_seed_only_where_sides_are_certain() -> None:
    over, under = by_seed([1.1, 1.3, 1.2, 1.0, 1.4]), by_seed([-0.5, -0.3, -0.4, -0.6, -0.2])
    unsure, figure = by_seed([-0.5, 0.6, 0.1, 0.2, -0.1]), ("own_price_bias", "mean")
    board = only_board(row(*figure, "pricelake", **over), row(*figure, "mlp", **under), row(*figure, "trees", **unsure))
    leads = {one.contender: lead_interval(board.figure, board.own or one, one) for one in board.rivals}
    assert leads["trees"] is None
    found = ttest_1samp([1.1 - 0.5, 1.3 - 0.3, 1.2 - 0.4, 1.0 - 0.6, 1.4 - 0.2], 0.0).confidence_interval(0.95)
    assert leads["mlp"] == pytest.approx((found.low, found.high))
    other = {**under, "by_seed": dict(enumerate(under["by_seed"].values(), 1))}
    apart = only_board(row(*figure, "pricelake", **over), row(*figure, "mlp", **other))
    assert lead_interval(apart.figure, apart.own or apart.rivals[0], apart.rivals[0]) is None


def test_one_seed_has_no_interval_to_compare_and_its_dot_no_line() -> None:
    rows = [row("after_change", "error_10", name, mean, None) for name, mean in (("pricelake", 0.3), ("mlp", 0.2))]
    text = words(render_scoreboard(record_of(*rows)))
    assert "10.0 points behind the best rival, MLP (20.0 %); no intervals to compare." in text
    assert "one seed" in text
    assert "None" not in text
    traces = dot_plot(only_board(*rows), "key").data
    assert [trace["error_x"]["array"] + trace["error_x"]["arrayminus"] for trace in traces] == [[0.0, 0.0], [0.0, 0.0]]


def test_a_contender_without_a_mean_is_listed_and_not_ranked() -> None:
    rows = [row("after_change", "error_10", name, mean) for name, mean in (("pricelake", 0.3), ("mlp", 0.2))]
    broken = row("after_change", "error_10", "double_ml", None)
    board = only_board(*rows, broken)
    assert (board.places, len(shown_scores(board))) == (2, 2)
    assert "Double ML, Error of units after ±10 %: everything on" in words(render_scoreboard(record_of(*rows, broken)))


def test_figures_without_a_value_are_listed_with_the_reason() -> None:
    rows = [
        row("promise", "coverage_90", "double_ml", 0.8),
        row("stability", "elasticity_shift_week", "pricelake", None),
    ]
    rows += [row("promise", figure, name, None) for figure in ("slope", "coverage_90") for name in ("pricelake", "mlp")]
    rows.append(row("identification", "coverage_90_unidentified", "pricelake", None))
    own = {
        "case": "confounded",
        "contender": "pricelake",
        "promised": 0,
        "failed": 5,
        "no_price_moved": 3,
        "loses_money": 2,
    }
    # of an older record, and of a case that nobody asks about
    other = [{"case": "confounded", "contender": "mlp", "promised": 2, "no_price_moved": 3, "loses_money": 2}]
    other.append({**own, "case": "weak_instruments", "failed": 99})
    text = words(render_scoreboard(record_of(*rows, cases=CASES[:2], promises_left_out=[*other, own])))
    nothing = "nothing is promised in 10 categories: 5 not learnt, 3 without a moved price, 2 earning nothing"
    for title in ("Slope of realised on promised gain", "Share of gains inside the 90 % interval"):
        assert f"PriceLake, {title}: confounded ({nothing})" in text
    assert "MLP, Slope of realised on promised gain: confounded (too few promises on a seed for a line)" in text
    assert "another week of history: confounded (neither fit answers for an offer)" in text
    assert "Elasticities inside their interval: confounded (it flags no category)" in text
    board = next(one for one in boards_of(read_record(record_of(*rows))) if one.figure.name == "coverage_90")
    assert (board.own, board.is_comparison, len(board.rivals)) == (None, False, 1)


def test_models_that_are_flat_are_listed_and_never_first_for_standing_still() -> None:
    figure = ("own_price_bias", "movement")
    rows = [row(*figure, "pricelake", 0.4), row(*figure, "double_ml", 0.3), row(*figure, "lightgbm", None)]
    flat = [{"case": "confounded", "contender": "lightgbm"}]
    told = record_of(*rows, cases=CASES[:1], flat=flat)
    (board,) = boards_of(read_record(told))
    assert [one.contender for one in shown_scores(board)] == ["double_ml", "pricelake"]
    assert (board.rank, board.places) == (2, 2)
    text = words(render_scoreboard(told))
    assert "Models that say that demand does not react" in text
    assert "nothing moves a 0. LightGBM: confounded" in text
    why = "it says that demand does not react, here or without confounding, so that there is nothing to move"
    assert f"LightGBM, Movement of the bias by confounding: confounded ({why})" in text
    assert "Models that say that demand does not react" not in words(render_scoreboard(WHOLE))


def test_rivals_measured_where_pricelake_was_not_are_admitted() -> None:
    text = words(render_scoreboard(record_of(row("after_change", "error_10", "mlp", 0.2))))
    assert "PriceLake cannot be ranked" in text
    assert "Measured for rivals but not for PriceLake Error of units after ±10 %: everything on" in text


def test_hostile_names_are_escaped_in_html_and_in_plots() -> None:
    hostile = "<img src=x onerror=alert(1)></script>"
    rows = [row("after_change", "error_10", name, mean) for name, mean in (("pricelake", 0.3), (hostile, 0.2))]
    failures = [{"case": hostile, "contender": hostile, "error": hostile}]
    cases = [{**CASES[0], "name": hostile}]
    promises = [{"contender": "pricelake", "seed": 1, "category": hostile, "promised": 0.1, "realised": 0.1}]
    page = render_scoreboard(record_of(*rows, failures=failures, cases=cases, promises=promises))
    assert "<img" not in page.split('<script id="figures"')[0]
    assert "&lt;img src=x" in page
    drawn = json.dumps(figures(page))  # plotly reads tags in texts
    assert "<img" not in drawn
    assert "&lt;img" in drawn


def test_missing_sections_leave_no_heading_and_no_link() -> None:
    page = render_scoreboard(record_of(row("run", "seconds", "pricelake", 3.0), row("run", "seconds", "mlp", 4.0)))
    assert re.findall(r'<section id="(\w+)"', page) == ["standing", "run", "unlearnt", "limits", "reproduce"]
    links, ids = re.findall(r'href="#(\w+)"', page), re.findall(r'id="(\w+)"', page)
    assert set(links) <= set(ids)
    assert not re.findall(r"<(h[1-4]|tbody|ul|dl|select)[^>]*>\s*</\1>", page)


def test_an_old_record_without_cases_promises_and_failures_names_its_cases_by_their_switches() -> None:
    own, rival = row("after_change", "error_10", "pricelake", 0.3), row("after_change", "error_10", "mlp", 0.2)
    calm = [{**one, "switches": CALM, "instruments": "none", "sold_out_rate": 0.2} for one in (own, rival)]
    text = words(render_scoreboard(record_of(own, rival, *calm)))
    assert "all but confounding hidden, confounding visible, instruments none, 20 % sold out" in text


def test_a_shop_of_another_make_is_a_case_of_its_own() -> None:
    own, rival = row("after_change", "error_10", "pricelake", 0.3), row("after_change", "error_10", "mlp", 0.2)
    other = [{**one, "case": "field experiment", "mean": 0.1} for one in (own, rival)]
    text = words(render_scoreboard(record_of(own, rival, *other)))
    assert "field experiment" in text
    assert "everything on" in text
    # a record that lists its cases says which of them are of another make
    rows = [{**one, "case": "confounded"} for one in (own, rival)] + other
    told = [{**CASES[0], "usual_shop": True}, {**CASES[0], "name": "field experiment", "usual_shop": False}]
    board = read_record(record_of(*rows, cases=told))
    assert [(run.name, run.case.shop) for run in board.runs] == [
        ("confounded", None),
        ("field experiment", "field experiment"),
    ]
    assert {score.case for score in board.scores} == {run.case for run in board.runs}


def test_the_usual_share_of_sold_out_weeks_has_its_place_between_the_others() -> None:
    def short(mean: float, **more: Any) -> dict[str, Any]:
        return row("after_change", "soldout_underestimation", "pricelake", mean, **more)

    rows = [short(0.1), short(0.3, sold_out_rate=0.4), short(0.0, sold_out_rate=0.0), short(0.9, case="another")]
    rows += [{**one, "contender": "mlp"} for one in rows]

    def shares(**more: Any) -> list[list[float]]:
        drawn = figures(render_scoreboard(record_of(*rows, **more)))
        return [trace["x"] for key, figure in drawn.items() if key.startswith("sold-out") for trace in figure["data"]]

    assert shares() == [[0.0, 40.0]] * 2
    assert shares(usual_sold_out_rate=0.1) == [[0.0, 10.0, 40.0]] * 2


def test_a_case_is_known_by_its_switches_in_any_order() -> None:
    own, rival = row("after_change", "error_10", "pricelake", 0.3), row("after_change", "error_10", "mlp", 0.2)
    cases = [{**CASES[0], "switches": ALL[::-1]}]
    text = words(render_scoreboard(record_of(own, rival, cases=cases)))
    assert "In the case “confounded”" in text
    assert "everything on" not in text


def test_losses_come_worst_first_and_the_cost_of_running_last() -> None:
    rows = [
        *(row("run", "seconds", name, mean, 0.0) for name, mean in (("pricelake", 9.0), ("mlp", 1.0))),
        *(row("after_change", "error_5", name, mean) for name, mean in (("pricelake", 0.3), ("mlp", 0.25))),
        *(row("after_change", "error_20", name, mean, 0.01) for name, mean in (("pricelake", 0.3), ("mlp", 0.25))),
    ]
    lost = lost_figures(boards_of(read_record(record_of(*rows))))
    assert [one.figure.name for one in lost] == ["error_20", "error_5", "seconds"]
    assert [one.clear for one in lost] == [1, 0, 1]


def test_the_profit_plot_shows_the_best_and_the_worst_uniform_move_and_the_table_all() -> None:
    page = render_scoreboard(WHOLE)
    board = next(one for one in boards_of(read_record(WHOLE)) if one.figure.name == "capture" and one.weeks == 13)
    moves = [one.contender for one in board.scores if one.contender in MOVES]
    assert [one.contender for one in shown_scores(board) if one.contender in MOVES] == [moves[0], moves[-1]]
    plot = dot_plot(board, "key")
    ticks = plot.layout["yaxis"]["ticktext"]
    assert "Oracle" not in ticks
    assert [note["text"] for note in plot.layout["annotations"]] == ["today", "true own curves", "oracle"]
    for move in ("−10", "−5", "+5", "+10", "+15", "+20"):
        assert f">All prices {move}\u00a0%<" in page


def test_pricelake_has_the_accent_and_its_place_by_mean() -> None:
    rows = [
        row("after_change", "error_10", name, mean) for name, mean in (("mlp", 0.4), ("pricelake", 0.3), ("als", 0.2))
    ]
    plot = dot_plot(only_board(*rows), "key")
    own = next(trace for trace in plot.data if trace["marker"]["color"] == "var(--accent)")
    assert (own["x"], own["y"]) == ([30.0], [1])
    assert plot.layout["yaxis"]["ticktext"] == ["als", "<b>PriceLake</b>", "MLP"]


def test_kept_and_broken_promises_are_counted() -> None:
    own = {"contender": "pricelake", "seed": 1, "category": "tea"}
    promises = [
        {**own, "promised": 0.05, "realised": 0.06, "low_90": 0.02, "high_90": 0.08},
        {**own, "promised": 0.05, "realised": -0.01, "low_90": 0.02, "high_90": 0.08},
        {**own, "promised": 0.05, "realised": 0.04, "low_90": None, "high_90": None},
    ]
    promises += [{**promises[0], "contender": "mlp", "promised": 0.5}, {**promises[0], "contender": "double_ml"}]
    text = words(render_scoreboard(record_of(row("promise", "slope", "pricelake", 0.9), promises=promises)))
    kept = "2 gained less than promised and 1 earned less than before; 1 of 2 lie in their 90 % interval."
    assert f"Of 3 categories, {kept}" in text
    assert (
        "On average over categories, PriceLake promised +5.0 % and +3.0 % came true; Double ML promised +5.0 % and "
        "+6.0 % came true; MLP promised +50.0 % and +6.0 % came true."
    ) in text


def test_the_same_record_gives_the_same_page_and_is_left_alone() -> None:
    before = copy.deepcopy(WHOLE)
    assert render_scoreboard(WHOLE) == render_scoreboard(WHOLE)
    assert before == WHOLE


def test_a_record_that_cannot_be_shown_whole_is_refused() -> None:
    with pytest.raises(PriceLakeError, match="has no rows"):
        render_scoreboard(record_of())
    with pytest.raises(PriceLakeError, match="'glory' in section 'run' that the page does not know"):
        render_scoreboard(record_of(row("run", "glory", "pricelake", 1.0)))
    nameless = row("run", "seconds", "pricelake", 1.0)
    del nameless["contender"]
    with pytest.raises(PriceLakeError, match="lacks the key 'contender'"):
        render_scoreboard(record_of(nameless))


def test_limits_of_the_simulation_stand_only_where_a_case_is_simulated_and_the_true_mean_is_the_records() -> None:
    rows = [row("after_change", "error_10", name, 0.3, case="one") for name in ("pricelake", "mlp")]
    other = [{**one, "case": "two", "switches": CALM} for one in rows]

    def page(*simulated: bool, truths: tuple[float | None, ...] = (-1.5, -2.25)) -> str:
        made = [("one", ALL), ("two", CALM)][: len(simulated)]
        cases = [
            {"name": name, "switches": on, "instruments": "strong", "simulated": is_simulated, "true_elasticity": truth}
            for (name, on), is_simulated, truth in zip(made, simulated, truths, strict=False)
        ]
        return words(render_scoreboard(record_of(*rows, *other[: 2 * len(simulated) - 2], cases=cases)))

    own, both = page(False), page(True, False)
    for limit in LIMITS:
        assert limit.text in both
        assert (limit.text in own) is not limit.is_of_simulation
    assert ("simulated shops" in both, "simulated shops" in own) == (True, False)
    assert "The true mean elasticity at the prices in force is −1.50. A guess near it" in own
    assert "The true mean elasticity at the prices in force lies between −2.25 and −1.50 from case to case." in both
    assert "A guess for all products may come near the true mean by luck." in page(False, truths=(None,))
    assert "near −3" not in own + both
