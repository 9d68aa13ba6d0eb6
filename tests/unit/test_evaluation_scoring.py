"""Scoring on a simulated shop whose truth is handed to a contender, which is then made to err."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pricelake.errors import SettingsError
from pricelake.evaluation.contenders.interface import Feasible, Floats, History
from pricelake.evaluation.contenders.lazy import StatusQuo, UniformMove
from pricelake.evaluation.contenders.truthful import TrueOwnCurves
from pricelake.evaluation.feasible import HardRules, hard_rules
from pricelake.evaluation.figures import change_groups
from pricelake.evaluation.market import Context
from pricelake.evaluation.rows import FIGURES, Measured, Setting, summarise
from pricelake.evaluation.scoring import effort
from pricelake.evaluation.scoring.demand import IN_FORCE, after_change, is_flat, own_price_bias
from pricelake.evaluation.scoring.effort import Effort, measured
from pricelake.evaluation.scoring.fits import run
from pricelake.evaluation.scoring.identification import identification
from pricelake.evaluation.scoring.newcomers import cold_start
from pricelake.evaluation.scoring.prices import possible_gain, profit_capture
from pricelake.evaluation.scoring.promises import Promises, promise, promises_of
from pricelake.evaluation.scoring.stability import stability
from pricelake.evaluation.scoring.stage import AT_STEPS, MOVES, Stage, enter
from pricelake.evaluation.scoring.tastes import best_sellers, recommendation
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.pricing.endings import EndingGrid
from pricelake.settings.rules import EndingRule, RuleSet, load_rules
from pricelake.settings.simulation import SimulationSettings

SHOP = SimulationSettings(
    seed=4, branches=2, products=32, products_per_category=4, weeks=30, customers=500, newcomers=(0, 2, 4, 8)
)
RULES = hard_rules(load_rules(Path(__file__).parents[2] / "conf/rules/scoreboard.yaml"))


@pytest.fixture(scope="module")
def stage() -> Stage:
    market = SimulatedMarket(SHOP, Path("none.yaml"))
    offers = market.offers()
    known = np.where(offers["periods_on_sale"] == 0, np.nan, offers["price_now"])
    opened = pd.DataFrame({"price_changes": np.arange(len(offers)) % 9, "list_price": known})
    history = History(pd.DataFrame(), opened, offers, pd.Series(dtype=float), pd.DataFrame())
    feasible = RULES.feasible(history.price_now, history.unit_cost)
    return Stage(market, history, feasible, Setting((), "strong"), weeks=(1, 4))


@pytest.fixture(scope="module")
def known(stage: Stage) -> Stage:
    """The same shop with a history for everything: what is expected now for eight weeks, ten times that before."""
    offers = stage.history.offers
    opened = stage.history.open.assign(list_price=1.0, reference_price=offers["price_now"])
    units = stage.own_truth[0][:, MOVES.index(0.0)]
    panel = offers.drop(columns="seed")
    weeks = [panel.assign(period_start=week, units=units * (10.0 if week < 4 else 1.0)) for week in range(12)]
    closed = pd.concat(weeks, ignore_index=True)
    history = History(closed, opened, offers, pd.Series(dtype=float), pd.DataFrame())
    return Stage(stage.market, history, stage.feasible, stage.setting, weeks=(1, 4))


@dataclass
class Knows:
    """The truth as a model, with as many units too many as asked, and nothing to say about the first offer if asked."""

    market: SimulatedMarket
    times: float = 1.0
    fails: bool = False
    name: str = "knows"

    def fit(self, history: History) -> None:
        self.offers = history.offers
        self.unknown = history.open["list_price"].isna().to_numpy()

    def units(self, prices: Floats) -> Floats:
        found = np.empty(prices.shape)
        for rows in self.offers.groupby(["market_id", "category"]).indices.values():
            group = self.offers.iloc[rows]
            now = pd.Series(group["price_now"].to_numpy(), group["product_id"].to_numpy())
            for row, product in zip(rows, now.index, strict=True):
                for column, price in enumerate(prices[row]):
                    tried = now.copy()
                    tried[product] = price if price == price else 1.0
                    market_id = str(group["market_id"].iloc[0])
                    units = self.market.expected_units(tried, market_id, self.market.as_of, Context())
                    found[row, column] = self.times * units[product]
        if self.fails:
            found[0] = np.nan
        return np.where(np.isnan(prices) | self.unknown[:, None], np.nan, found)


def knows(stage: Stage, **how: object) -> Knows:
    assert isinstance(stage.market, SimulatedMarket)
    return Knows(stage.market, **how)  # type: ignore[arg-type]


def values(found: list[Measured], figure: str, group: str | None = None, contender: str | None = None) -> list[float]:
    return [
        one.of_seed
        for one in found
        if (one.figure, one.setting.group) == (figure, group) and contender in (None, one.contender)
    ]


def test_who_knows_the_truth_makes_no_error(known: Stage) -> None:
    one = enter(knows(known), known)
    found = [*own_price_bias(known, one), *after_change(known, one), *run(known, one)]
    assert values(found, "mean") == pytest.approx([0.0, 0.0], abs=0.01)
    assert values(found, "mean_absolute", "changes_2_5") == pytest.approx([0.0, 0.0], abs=0.01)
    for figure in ("error_5", "error_10", "error_20", "forecast_wape", "soldout_underestimation"):
        assert values(found, figure) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert values(found, "failed_fits") == [0.0, 0.0]
    assert {one.seed for one in found} == {4, 5}
    assert one.error is None
    # its prices are those of each product's true curve, but for the cost, which moves before the week that is priced
    own = TrueOwnCurves(known.market).propose(known.history, known.feasible)
    assert (one.prices == own).mean() > 0.7
    assert one.prices == pytest.approx(own, rel=0.1)


def test_errors_and_failures_are_counted(known: Stage) -> None:
    one = enter(knows(known, times=1.25, fails=True), known)
    found = [*own_price_bias(known, one), *after_change(known, one), *run(known, one)]
    assert values(found, "forecast_wape")[1] == pytest.approx(0.25)
    assert values(found, "soldout_underestimation")[1] == pytest.approx(-0.25)
    assert values(found, "failed_fits") == [1.0, 0.0]
    bias = values(found, "mean")
    assert bias[0] > 0.05  # as if demand for the first offer did not react
    assert bias[1] == pytest.approx(0.0, abs=0.01)
    assert one.prices[0] == known.history.price_now[0]


def test_elasticities_that_units_of_0_take_are_failures(known: Stage) -> None:
    now = known.history.price_now

    @dataclass
    class Cutting(Knows):
        """Says that nothing of the first offer is sold at a price 20 % up, and of the second at any."""

        def units(self, prices: Floats) -> Floats:
            found = super().units(prices)
            found[0] = np.where(prices[0] > 1.18 * now[0], 0.0, found[0])
            found[1] = np.where(np.isnan(prices[1]), np.nan, 0.0)
            return found

    assert isinstance(known.market, SimulatedMarket)
    one = enter(Cutting(known.market), known)
    assert (one.error, one.units is not None and one.units[1].tolist()) == (None, [0.0] * len(MOVES))
    assert np.flatnonzero(one.failed).tolist() == [0, 1]
    assert values(run(known, one), "failed_fits") == [2.0, 0.0]
    # where nothing is sold in truth either, no elasticity is missing
    vain, (units, slopes) = replace(known), known.own_truth
    vars(vain)["own_truth"] = (units, np.where(np.arange(len(now))[:, None] == 1, np.nan, slopes))
    assert np.flatnonzero(enter(Cutting(known.market), vain).failed).tolist() == [0]


def test_a_model_is_flat_where_most_of_its_elasticities_are_0_or_failed(known: Stage) -> None:
    one = enter(knows(known), known)
    assert one.slopes is not None
    count = len(one.slopes)

    def flat(said: Floats | float, share: float) -> bool:
        part = np.arange(count)[:, None] < np.ceil(share * count)
        return is_flat(known, replace(one, slopes=np.where(part, said, one.slopes)))

    assert not is_flat(known, one)
    for said in (np.nan, 0.0, -0.04, 0.04):
        assert (flat(said, 1.0), flat(said, 0.6), flat(said, 0.4)) == (True, True, False), said
    assert (flat(-0.06, 1.0), flat(-3.0, 1.0)) == (False, False)
    # what is not sold does not count
    vain, (units, slopes) = replace(known), known.own_truth
    vars(vain)["own_truth"] = (units, np.where(np.arange(count)[:, None] < 0.6 * count, np.nan, slopes))
    assert not is_flat(vain, replace(one, slopes=np.where(np.arange(count)[:, None] < 0.6 * count, 0.0, one.slopes)))
    with pytest.raises(ValueError, match="no demand model"):
        is_flat(known, enter(StatusQuo(), known))


def test_flagged_categories_and_their_intervals_are_counted(known: Stage) -> None:
    rows = [rows for _, rows in known.groups]
    first, last = rows[0], rows[-1]
    truth = known.own_truth[1][:, AT_STEPS[2]]

    class Modest(Knows):
        """Flags the first category of the first seed and the last of the second; its elasticities are the true ones."""

        def elasticity_limits(self) -> tuple[Floats, np.ndarray]:
            deviation = np.full(len(truth), 0.05)
            deviation[last[0]] = np.nan
            flags = np.zeros(len(truth), dtype=bool)
            flags[[first[0], last[1]]] = True
            return deviation, flags

    one = enter(Modest(known.market), known)  # type: ignore[arg-type]
    found = identification(known, one)
    assert values(found, "flagged_share") == [1 / 8, 1 / 8]
    assert values(found, "coverage_90_unidentified") == pytest.approx([1.0, 1 - 1 / len(last)])
    assert one.slopes is not None
    wrong = replace(one, slopes=one.slopes - 0.15)  # beyond 1.645 standard deviations of 0.05
    assert values(identification(known, wrong), "coverage_90_unidentified") == [0.0, 0.0]
    wide = replace(wrong, limits=(np.full(len(truth), 0.2), np.zeros(len(truth), dtype=bool)))
    assert values(identification(known, wide), "flagged_share") == [0.0, 0.0]
    assert [one.out_of for one in identification(known, wide) if one.figure == "coverage_90_unidentified"] == [0.0, 0.0]
    assert identification(known, enter(knows(known), known)) == []


def test_elasticities_that_another_fit_moves_are_counted(known: Stage) -> None:
    one = enter(knows(known), known)
    assert one.slopes is not None
    rows = [known.seed_of_offer == seed for seed in known.seeds]
    moved = one.slopes.copy()
    moved[rows[0]] -= 0.2
    moved[np.flatnonzero(rows[1])[::2]] += 0.1
    lost = np.flatnonzero(rows[1])[1::2]
    moved[lost] = np.nan  # that it does not answer: it says that demand does not react
    later, now = replace(one, slopes=moved), one.slopes[:, AT_STEPS.index(MOVES.index(0.0))]
    found = stability(known, one, {"seed": one, "week": later})
    assert values(found, "elasticity_shift_seed") == [0.0, 0.0]
    whole = (0.1 * (rows[1].sum() - len(lost)) - now[lost].sum()) / rows[1].sum()
    assert values(found, "elasticity_shift_week") == pytest.approx([0.2, whole])
    assert values(stability(known, later, {"week": one}), "elasticity_shift_week") == pytest.approx([0.2, whole])
    silent = replace(one, slopes=np.full_like(moved, np.nan))
    failed = values(stability(known, one, {"week": silent}), "elasticity_shift_week")
    assert failed == pytest.approx([-now[own].mean() for own in rows])  # far from the 0 of those who agree
    # what neither answers is no agreement
    assert values(stability(known, later, {"week": later}), "elasticity_shift_week") == [0.0, 0.0]
    assert [row.out_of for row in stability(known, later, {"week": later})] == [
        rows[0].sum(),
        rows[1].sum() - len(lost),
    ]
    assert [row.contributes for row in stability(known, silent, {"week": silent})] == [False, False]
    with pytest.raises(ValueError, match="no demand model"):
        stability(known, one, {"week": replace(one, slopes=None)})


def test_limits_that_are_none_are_a_failure_of_all(known: Stage) -> None:
    class Odd(Knows):
        def elasticity_limits(self) -> tuple[Floats, np.ndarray]:
            return np.array([-1.0]), np.array([True])

    one = enter(Odd(known.market), known)  # type: ignore[arg-type]
    assert one.error is not None
    assert "elasticity_limits() must return" in one.error
    assert values(identification(known, one), "flagged_share") == [0.0, 0.0]


def test_offers_that_a_model_cannot_answer_for_count_as_failures(stage: Stage) -> None:
    one = enter(knows(stage), stage)
    new = stage.history.offers["periods_on_sale"].to_numpy() == 0
    assert new.any()
    assert (one.failed == new).all()
    assert (one.prices[new] == stage.history.price_now[new]).all()


def test_a_contender_that_raises_fails_everywhere_and_stops_nobody(known: Stage) -> None:
    class Broken(Knows):
        def fit(self, history: History) -> None:
            raise RuntimeError("out of luck")

    assert isinstance(known.market, SimulatedMarket)
    one = enter(Broken(known.market), known)
    assert one.error is not None
    assert one.error.endswith("RuntimeError: out of luck")
    assert one.effort is not None  # what it took until it failed
    assert [said.value > 0.0 for said in run(known, one) if said.figure == "seconds"] == [True]
    assert "/" not in one.error
    assert (one.prices == known.history.price_now).all()
    assert sum(values(run(known, one), "failed_fits")) == len(known.history.offers)
    assert values(after_change(known, one), "forecast_wape") == [1.0, 1.0]
    true = known.own_truth[1].mean()
    assert np.mean(values(own_price_bias(known, one), "mean")) == pytest.approx(-true, rel=0.1)
    assert values(profit_capture(known, [one]), "capture", contender="knows") == [0.0] * 4
    silent = promises_of(known, one)
    assert silent is not None
    assert (len(silent.promised), silent.failed, silent.unmoved, silent.losing) == (0, len(known.groups), 0, 0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda now: None, "propose() must return a price above 0"),
        (lambda now: now[:3], "propose() must return a price above 0"),
        (lambda now: -now, "propose() must return a price above 0"),
        (lambda now: now * np.inf, "propose() must return a price above 0"),
        (lambda now: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_answers_that_are_no_prices_are_a_failure_of_all(
    known: Stage, answer: Callable[[Floats], Floats], message: str
) -> None:
    @dataclass
    class Odd(Knows):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            return answer(history.price_now)

    assert isinstance(known.market, SimulatedMarket)
    one = enter(Odd(known.market), known)
    assert one.error is not None
    assert message in one.error
    assert one.failed.all()
    assert np.isnan(one.units).all()
    assert (one.prices == known.history.price_now).all()


@pytest.mark.parametrize("wrong", [np.inf, -1.0])
def test_units_that_are_no_units_are_a_failure_of_all(known: Stage, wrong: float) -> None:
    @dataclass
    class Odd(Knows):
        def units(self, prices: Floats) -> Floats:
            found = super().units(prices)
            found[0, 0] = wrong
            return found

    assert isinstance(known.market, SimulatedMarket)
    one = enter(Odd(known.market), known)
    assert one.error is not None
    assert "units() must return finite numbers from 0 on" in one.error
    assert one.failed.all()


def test_a_contender_that_sets_no_price_at_all_is_counted(known: Stage) -> None:
    class Mute(StatusQuo):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            return np.full(len(history.offers), np.nan)

    one = enter(Mute("mute"), known)
    assert (one.failed.all(), one.error) == (True, None)


def test_a_contender_cannot_change_what_others_see(known: Stage) -> None:
    class Vandal(StatusQuo):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            history.offers["price_now"] = 1.0
            feasible.prices[:] = 1.0
            return history.price_now

    before = known.history.price_now.copy()
    enter(Vandal("vandal"), known)
    assert (known.history.price_now == before).all()
    assert np.nanmax(known.feasible.prices) > 1.0


def test_a_contender_knows_worlds_apart_and_no_seed(known: Stage) -> None:
    seen: list[pd.DataFrame] = []

    class Curious(StatusQuo):
        def fit(self, history: History) -> None:
            seen.extend([history.closed, history.open, history.offers, history.buyers])

        def propose(self, history: History, feasible: Feasible) -> Floats:
            seen.append(history.offers)
            return history.price_now

    enter(Curious("curious"), known)
    assert len(seen) == 5
    for frame in seen:
        assert "seed" not in frame
    for offers in (seen[2], seen[4]):
        assert offers["world"].tolist() == (known.seed_of_offer - SHOP.seed).tolist()  # 0 and 1
        assert offers.drop(columns="world").equals(known.history.offers.drop(columns="seed"))
    assert known.seeds == [SHOP.seed, SHOP.seed + 1]
    alone = replace(known, history=replace(known.history, offers=known.history.offers.drop(columns="seed")))
    assert set(alone.copied_history().offers["world"]) == {0}


def test_profit_capture_runs_from_the_status_quo_to_the_oracle(known: Stage) -> None:
    contenders = [StatusQuo(), TrueOwnCurves(known.market), UniformMove(0.1), UniformMove(0.6)]
    found = profit_capture(known, [enter(one, known) for one in contenders])
    by_name = {one.contender: values(found, "capture", contender=one.contender) for one in found}
    assert by_name["status_quo"] == [0.0] * 4
    assert by_name["oracle"] == pytest.approx([1.0] * 4)
    assert all(value < 1.0 for value in by_name["true_own_curves"])
    assert np.mean(by_name["true_own_curves"]) > 0.0
    # a price 60 % up is brought to the highest one allowed, 20 % up
    highest = profit_capture(known, [enter(UniformMove(0.2), known)])
    assert by_name["uniform_move_+60"] == pytest.approx(values(highest, "capture", contender="uniform_move_+20"))
    assert set(values(found, "violations")) == {0.0}
    assert min(values(found, "regret_amount")) >= -1e-9


def test_the_possible_gain_is_what_the_status_quo_misses(known: Stage) -> None:
    missed = [one for one in profit_capture(known, [enter(StatusQuo(), known)]) if one.figure == "regret_amount"]
    gains = possible_gain(known)
    assert list(gains) == ["1", "4"]
    for row, weeks in enumerate(known.weeks):
        amount = sum(one.value for one in missed if (one.contender, one.setting.weeks) == ("status_quo", weeks))
        profit = known.profit(known.history.price_now)[row].sum()
        assert gains[str(weeks)] == pytest.approx(amount / profit)
        assert 0.01 < gains[str(weeks)] < 1.0


def test_a_price_outside_the_rules_is_counted(known: Stage) -> None:
    class Careless(StatusQuo):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            return history.price_now * 1.5

    found = profit_capture(known, [enter(Careless("careless"), known)])
    assert sum(values(found, "violations", contender="careless")) == 2 * len(known.history.offers)
    # it earns what the prices in force earn: breaking rules must not pay
    assert values(found, "capture", contender="careless") == pytest.approx([0.0] * 4)


def test_newcomers_are_judged_by_themselves(stage: Stage) -> None:
    ages = stage.history.offers["periods_on_sale"].to_numpy()
    true_curves = TrueOwnCurves(stage.market)
    found = cold_start(stage, [enter(knows(stage), stage), enter(true_curves, stage), enter(StatusQuo(), stage)])

    def of(figure: str, age: int, contender: str) -> list[float]:
        return [
            one.of_seed for one in found if (one.figure, one.setting.weeks, one.contender) == (figure, age, contender)
        ]

    for age in (2, 4, 8):
        assert (ages == age).sum() >= 2
        assert of("elasticity_error", age, "knows") == pytest.approx([0.0, 0.0], abs=0.02)
        assert of("units_error", age, "knows") == pytest.approx([0.0, 0.0], abs=1e-9)
        assert of("capture", age, "status_quo") == [0.0, 0.0]
        assert max(of("capture", age, "true_own_curves")) <= 1.0 + 1e-9
    assert min(of("elasticity_error", 0, "knows")) > 1.0  # nothing is known of them: no reaction, no units
    assert of("units_error", 0, "knows") == [1.0, 1.0]
    assert of("capture", 0, "knows") == [0.0, 0.0]
    assert min(of("capture", 0, "true_own_curves")) > 0.1


@dataclass
class Promiser:
    """Raises every price by 10 % and says what that brings, with a known error."""

    stage: Stage | None = None
    too_much: float = 1.0
    deviation: float = 0.0
    name: str = "promiser"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        return feasible.nearest(history.price_now * 1.1)

    def gains(self) -> tuple[Floats, Floats]:
        assert self.stage is not None
        history = self.stage.history
        then = self.stage.profit(self.propose(history, self.stage.feasible), [1])[0]
        gain = np.full(len(history.offers), np.nan)
        for (_, rows), group_gain in zip(
            self.stage.groups, then - self.stage.profit(history.price_now, [1])[0], strict=True
        ):
            gain[rows] = self.too_much * group_gain / len(rows)
        return gain, np.full(len(gain), self.deviation)


def test_promises_are_held_against_what_comes_true(known: Stage) -> None:
    honest = promises_of(known, enter(Promiser(stage=known, deviation=1e-6), known))
    braggart = promises_of(known, enter(Promiser(stage=known, too_much=2.0, deviation=1e-6, name="braggart"), known))
    assert honest is not None
    assert braggart is not None
    assert (len(honest.promised), honest.unmoved, honest.losing) == (len(known.groups), 0, 0)
    found = promise(known, [honest, braggart])
    assert values(found, "slope", contender="promiser") == pytest.approx([1.0, 1.0])
    assert values(found, "intercept", contender="promiser") == pytest.approx([0.0, 0.0], abs=1e-9)
    assert values(found, "coverage_90", contender="promiser") == [1.0, 1.0]
    assert values(found, "slope", contender="braggart") == pytest.approx([0.5, 0.5])
    assert values(found, "coverage_50", contender="braggart") == [0.0, 0.0]


def test_recent_profit_is_that_of_eight_periods_at_todays_prices_and_costs(known: Stage) -> None:
    history = known.history
    each = known.own_truth[0][:, MOVES.index(0.0)] * (history.price_now - history.unit_cost)
    assert known.recent_profit == pytest.approx([each[rows].sum() for _, rows in known.groups])


def test_promises_that_expect_what_can_be_known_lie_on_a_line_of_slope_one(known: Stage) -> None:
    """Demand that turns out weak or strong, which nobody could know, makes nobody's line flatter."""
    four = replace(known)
    told, count = enter(Promiser(stage=known), known), len(known.groups)
    gain = np.resize([0.05, 0.05, 0.15, 0.15], count)
    demand = np.resize([0.5, 1.5], count)
    stated = np.zeros(len(known.history.offers))
    for (_, rows), amount in zip(known.groups, 100.0 * gain, strict=True):
        stated[rows] = amount / len(rows)

    def profit(prices: Floats, weeks: Sequence[int]) -> Floats:
        is_now = bool((prices == known.history.price_now).all())
        return np.array([100.0 * demand * (1.0 if is_now else 1.0 + gain)])

    vars(four).update(groups=known.groups, recent_profit=np.full(count, 100.0), profit=profit)
    gains = (stated, np.zeros(len(stated)), np.zeros((1, len(stated))))
    made = promises_of(four, replace(told, gains=gains))
    assert made is not None
    whole = replace(made, seed=np.full(count, known.seeds[0]))
    assert values(promise(known, [whole]), "slope")[0] == pytest.approx(1.0)


def test_what_offers_of_a_category_share_is_added_up_before_it_is_squared(known: Stage) -> None:
    told = enter(Promiser(stage=known, deviation=0.5), known)
    assert told.gains is not None
    now = known.recent_profit
    signs = np.where(np.arange(len(known.history.offers)) % 3 == 0, -1.0, 1.0)
    parts = np.stack([0.3 * signs, np.full(len(signs), 0.2)])
    apart, together = (
        promises_of(known, replace(told, gains=(*told.gains[:2], shared))) for shared in (0.0 * parts, parts)
    )
    assert apart is not None
    assert together is not None
    for number, (_, rows) in enumerate(known.groups):
        assert apart.spread[number] == pytest.approx(0.5 * len(rows) ** 0.5 / now[number])
        of_all = (0.3 * signs[rows].sum()) ** 2 + (0.2 * len(rows)) ** 2
        variance = len(rows) * (0.5**2 - 0.3**2 - 0.2**2) + of_all
        assert together.spread[number] == pytest.approx(variance**0.5 / now[number])


def test_categories_without_a_promise_are_counted_by_reason(known: Stage) -> None:
    told, now = enter(Promiser(stage=known), known), known.history.price_now
    (_, first), (_, second) = known.groups[:2]
    held = np.isin(np.arange(len(now)), [*first, *second])
    some = replace(told, prices=np.where(held, now, told.prices))
    poor = replace(known)
    vars(poor).update(groups=known.groups, recent_profit=known.recent_profit.copy())
    poor.recent_profit[[0, 2, 3]] = [-1.0, 0.0, -5.0]
    made = promises_of(poor, some)
    assert made is not None
    # the first is unmoved, too: a loss is told first, alike for everybody
    assert (made.failed, made.unmoved, made.losing) == (0, 1, 3)
    assert len(made.promised) == len(known.groups) - 4
    # one offer that could not be learnt is no category that could not, and a moved price is a promise
    (_, third) = known.groups[4]
    for offers, counts in ((second, (1, 0)), (second[1:], (0, 1)), ([*second, *third], (1, 0))):
        lost = promises_of(poor, replace(some, failed=np.isin(np.arange(len(now)), offers)))
        assert lost is not None
        assert (lost.failed, lost.unmoved, lost.losing) == (*counts, 3)


def test_a_seed_with_few_products_of_a_group_weighs_little_in_it(known: Stage) -> None:
    groups = change_groups(known.history.open["price_changes"].fillna(0).to_numpy(dtype=np.int64))
    one = enter(knows(known), known)
    off = replace(one, slopes=known.own_truth[1][:, AT_STEPS] + np.arange(len(groups))[:, None] * [[1, 2, 3, 4, 5]])
    rows = {(row.figure, row.setting.group): row for row in summarise(own_price_bias(known, off))}
    assert {group for _, group in rows} == {None, IN_FORCE, *groups}
    for group in set(groups):
        place = np.flatnonzero(groups == group)
        assert rows["mean", group].mean == pytest.approx(3.0 * place.mean())
        assert rows["mean", group].seeds == 2
    assert rows["mean", IN_FORCE].mean == pytest.approx(rows["mean", None].mean)
    steep = replace(one, slopes=known.own_truth[1][:, AT_STEPS] + [[-2.0, -1.0, 0.5, 1.0, 2.0]])
    (plain, now) = (
        next(row for row in summarise(own_price_bias(known, steep)) if (row.figure, row.setting.group) == key)
        for key in (("mean", None), ("mean", IN_FORCE))
    )
    # what is too much at one price and too little at another cancels in the whole, not at the price in force
    assert (plain.mean, now.mean) == (pytest.approx(0.1), pytest.approx(0.5))


def test_an_interval_that_is_missing_among_others_holds_nothing(known: Stage) -> None:
    seed, categories = np.array([known.seeds[0]] * 2), np.array(["c", "d"], dtype=object)
    one = Promises("a", seed, categories, np.array([0.1, 0.2]), np.array([0.1, 0.2]), np.array([0.1, np.nan]))
    found = promise(known, [one])
    assert values(found, "coverage_90") == pytest.approx([0.5, np.nan], nan_ok=True)  # of two seeds
    assert next(row for row in summarise(found) if row.figure == "coverage_90").mean == 0.5


def test_who_promises_nothing_has_figures_without_a_value_and_is_not_absent(known: Stage) -> None:
    class Silent(Promiser):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            raise RuntimeError("out of luck")

    class Still(Promiser):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            return history.price_now

    for contender, count in ((Silent(stage=known), "failed"), (Still(stage=known), "unmoved")):
        made = promises_of(known, enter(contender, known))
        assert made is not None
        assert (getattr(made, count), made.losing, len(made.promised)) == (len(known.groups), 0, 0)
        rows = {row.figure: row.as_dict() for row in summarise(promise(known, [made]))}
        assert set(rows) == set(FIGURES["promise"])
        for row in rows.values():
            assert (row["mean"], row["seeds"], row["by_seed"]) == (None, 0, {"4": None, "5": None})


def test_a_seed_without_a_promise_changes_no_figure(known: Stage) -> None:
    whole = promises_of(known, enter(Promiser(stage=known, deviation=1.0), known))
    assert whole is not None
    first = whole.seed == known.seeds[0]
    parts = {name: getattr(whole, name)[first] for name in ("seed", "category", "promised", "realised", "spread")}
    both, one = (summarise(promise(known, [made])) for made in (whole, replace(whole, **parts)))
    for row, alone in zip(both, one, strict=True):
        assert alone.mean == pytest.approx(row.by_seed[known.seeds[0]])
        assert (row.seeds, alone.seeds) == (2, 1)


def test_lines_of_several_seeds_are_one_line_with_a_level_for_each(known: Stage) -> None:
    rng = np.random.default_rng(5)
    seed = np.repeat(known.seeds, [3, 40])
    promised = rng.normal(0.1, 0.05, len(seed))
    realised = 0.6 * promised + 0.02 * (seed == known.seeds[0]) + rng.normal(0.0, 0.01, len(seed))
    categories = np.full(len(seed), "c", dtype=object)
    found = promise(known, [Promises("a", seed, categories, promised, realised, np.full(len(seed), 0.01))])
    rows = {row.figure: row for row in summarise(found)}
    levels = (seed[:, None] == np.array(known.seeds)).astype(float)
    fitted = np.linalg.lstsq(np.column_stack([promised, levels]), realised, rcond=None)[0]
    assert rows["slope"].mean == pytest.approx(fitted[0])
    lines = [np.polyfit(promised[seed == one], realised[seed == one], 1) for one in known.seeds]
    assert [rows["slope"].by_seed[one] for one in known.seeds] == pytest.approx([line[0] for line in lines])
    assert [rows["intercept"].by_seed[one] for one in known.seeds] == pytest.approx([line[1] for line in lines])
    inside = np.abs(promised - realised) <= 1.6448536269514722 * 0.01
    assert rows["coverage_90"].mean == pytest.approx(inside.mean())


def test_one_promise_is_no_line_and_is_counted(known: Stage) -> None:
    one = Promises("a", np.array([known.seeds[0]]), np.array(["c"]), np.array([0.1]), np.array([0.2]), np.array([0.1]))
    rows = {row.figure: row for row in summarise(promise(known, [one]))}
    assert (rows["slope"].seeds, np.isnan(rows["slope"].mean), rows["coverage_90"].mean) == (0, True, 1.0)


def test_coverage_of_honest_intervals_is_their_level(known: Stage) -> None:
    rng, count = np.random.default_rng(3), 4000
    promised = rng.normal(0.1, 0.05, count)
    realised = promised + rng.normal(0.0, 0.03, count)
    one = Promises(
        "honest", np.full(count, 4), np.full(count, "c", dtype=object), promised, realised, np.full(count, 0.03)
    )
    found = promise(known, [one])
    assert values(found, "coverage_50")[:1] == pytest.approx([0.5], abs=0.025)
    assert values(found, "coverage_90")[:1] == pytest.approx([0.9], abs=0.015)


def test_a_model_promises_what_it_expects(known: Stage) -> None:
    made = promises_of(known, enter(knows(known), known))
    assert made is not None
    # each product's own curve is true, so that the promise is off by cross effects alone
    assert np.corrcoef(made.promised, made.realised)[0, 1] > 0.5
    assert np.isnan(made.spread).all()
    assert not values(promise(known, [made]), "coverage_90")


def test_recommendations_are_judged_by_true_tastes(stage: Stage) -> None:
    assert isinstance(stage.market, SimulatedMarket)
    markets = stage.history.offers["market_id"].unique()
    tastes = [stage.market.tastes(str(one)) for one in markets]

    def ranked(sign: float) -> pd.DataFrame:
        rows = []
        for one in tastes:
            order = np.argsort(-sign * one.to_numpy(), axis=1)[:, :10]
            for customer, line in zip(one.index, order, strict=True):
                rows += [(customer, one.columns[column], place) for place, column in enumerate(line, 1)]
        return pd.DataFrame(rows, columns=["customer_id", "product_id", "position"])

    perfect, worst = ranked(1.0), ranked(-1.0)
    half = perfect[perfect["customer_id"].isin(tastes[0].index[::2]) | perfect["customer_id"].isin(tastes[1].index)]
    found = recommendation(stage, {"perfect": perfect, "worst": worst, "half": half})
    assert values(found, "ndcg_at_10", contender="perfect") == pytest.approx([1.0, 1.0])
    assert values(found, "recall_at_10", contender="perfect") == pytest.approx([1.0, 1.0])
    assert max(values(found, "ndcg_at_10", contender="worst")) < 0.7
    assert values(found, "recall_at_10", contender="half") == pytest.approx([0.5, 1.0], abs=0.01)


def test_ndcg_is_the_published_sum() -> None:
    class Three:
        def tastes(self, market: str) -> pd.DataFrame:
            return pd.DataFrame([[3.0, 2.0, 1.0]], index=["c"], columns=["a", "b", "c"])

    offers = pd.DataFrame({"product_id": ["a"], "market_id": ["m"], "category": ["x"], "price_now": 1.0})
    history = History(pd.DataFrame(), pd.DataFrame(), offers, pd.Series(dtype=float), pd.DataFrame())
    stage = Stage(Three(), history, Feasible(np.ones((1, 1))), Setting((), "none"))  # type: ignore[arg-type]
    lists = pd.DataFrame({"customer_id": "c", "product_id": ["c", "a"], "position": [1, 2]})
    found = recommendation(stage, {"x": lists})
    ideal = 3.0 + 2.0 / np.log2(3) + 1.0 / 2.0
    assert values(found, "ndcg_at_10") == [pytest.approx((1.0 + 3.0 / np.log2(3)) / ideal)]
    assert values(found, "recall_at_10") == [pytest.approx(2 / 3)]


def test_best_sellers_are_the_same_for_everybody() -> None:
    tastes = pd.DataFrame(1.0, index=["x", "y"], columns=["a", "b"])
    sold = pd.DataFrame({"product_id": ["a", "b", "b", "gone"], "units": [3.0, 2.0, 2.0, 99.0]})
    assert best_sellers(sold, tastes).to_numpy().tolist() == [
        ["x", "b", 1],
        ["x", "a", 2],
        ["y", "b", 1],
        ["y", "a", 2],
    ]


def test_memory_and_time_of_a_fit_are_measured() -> None:
    kept = []

    def work() -> None:
        kept.append(np.ones(60 * 2**17))  # 60 MiB
        deadline = pd.Timestamp.now() + pd.Timedelta(seconds=0.3)
        while pd.Timestamp.now() < deadline:
            pass

    took = measured(work)
    assert took.seconds >= 0.3
    assert 40.0 < took.peak_memory_mb < 200.0
    assert isinstance(took, Effort)


def test_memory_is_growth_above_what_was_there_in_millions_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([3.0e9, 3.25e9])
    monkeypatch.setattr(effort, "_resident", lambda _: next(told))
    monkeypatch.setattr(effort, "SECONDS_BETWEEN", 60.0)
    assert measured(lambda: None).peak_memory_mb == 250.0
    told = iter([3.0e9, 2.5e9])
    assert measured(lambda: None).peak_memory_mb == 0.0


def test_memory_of_children_counts() -> None:
    def work() -> None:
        hold = "import time; held = bytearray(80_000_000); time.sleep(1.0)"
        subprocess.run([sys.executable, "-c", hold], check=True)

    assert 80.0 < measured(work).peak_memory_mb < 200.0


def test_rules_allow_endings_within_reach_and_margin_and_the_price_in_force() -> None:
    allowed = RULES.feasible(np.array([1.0, 4.6, 21.0, 2.0]), np.array([0.9, 1.0, 5.0, 9.0])).prices
    known = [row[~np.isnan(row)].tolist() for row in allowed]
    assert known[0] == [0.99, 1.0, 1.09, 1.19]
    assert known[1] == [3.69, 3.79, 3.89, 3.99, *(4.09, 4.19, 4.29, 4.39, 4.49, 4.59, 4.6, 4.69, 4.79, 4.89, 4.99),
                        5.29, 5.49]  # fmt: skip
    assert known[2] == [16.99, 17.49, 17.99, 18.49, 18.99, 19.49, 19.99, 20.49, 20.99, 21.0, 21.49, 21.99, 22.49,
                        22.99, 23.49, 23.99, 24.49, 24.99]  # fmt: skip
    assert known[3] == [2.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "ceiling", "over": "list_price"}, "cannot hold all contenders to rule 'odd'"),
        ({"kind": "floor", "min_price": 1.0}, "cannot hold all contenders to rule 'odd'"),
    ],
)
def test_rules_that_cannot_bind_everybody_are_refused(change: dict[str, object], message: str) -> None:
    rules = load_rules(Path(__file__).parents[2] / "conf/rules/scoreboard.yaml").model_dump()
    with pytest.raises(SettingsError, match=message):
        hard_rules(RuleSet.model_validate(rules | {"rules": [*rules["rules"], {"name": "odd"} | change]}))
    with pytest.raises(SettingsError, match="need a floor by margin, a step and an ending rule"):
        hard_rules(RuleSet.model_validate(rules | {"rules": rules["rules"][1:]}))


@pytest.mark.parametrize("path", ["conf/rules/scoreboard.yaml", "conf/rules/grocery.yaml"])
def test_endings_are_read_as_the_pricing_reads_them(path: str) -> None:
    # the two rooms may not know each other, and a price that one allows must not be a violation of the other
    (ending,) = [rule for rule in load_rules(Path(__file__).parents[2] / path).rules if isinstance(rule, EndingRule)]
    cents = np.arange(1, 12_001)
    rules = HardRules(max_raise_rate=1.0, max_lower_rate=1.0, min_margin_rate=0.0, bands=ending.bands)
    # every price up to twice the one in force
    (allowed,) = rules.feasible(np.array([cents[-1] / 200]), np.array([0.005])).prices
    wanted = cents[EndingGrid(ending).contains(cents)]
    assert np.round(100 * allowed).astype(int).tolist() == sorted({*wanted.tolist(), round(cents[-1] / 2)})
