"""Markets and their oracle: against closed forms, every combination, and the simulated shop's own truth."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pricelake.errors import ContractError
from pricelake.evaluation import oracle
from pricelake.evaluation.asking import contributions, own_curves
from pricelake.evaluation.contenders import truthful
from pricelake.evaluation.contenders.interface import Feasible, History
from pricelake.evaluation.contenders.truthful import TrueOwnCurves, find_optimum
from pricelake.evaluation.market import Context, Market, own_elasticities
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.records import costs


@dataclass
class ConstantElasticity:
    """Units = level x price^elasticity, each product by itself: the best price is cost x e / (e + 1)."""

    levels: pd.Series
    elasticities: pd.Series
    costs: pd.Series
    name: str = "constant elasticity"
    shop: Path = Path("none.yaml")
    as_of: date = date(2024, 1, 1)

    def offers(self) -> pd.DataFrame:
        columns = {"market_id": "m0", "category": "all", "price_now": 2.0 * self.costs, "unit_cost": self.costs}
        return pd.DataFrame(columns).rename_axis("product_id").reset_index()

    def expected_units(self, prices: pd.Series, market: str, period: date, context: Context) -> pd.Series:
        return self.levels[prices.index] * prices ** self.elasticities[prices.index]

    def unit_costs(self, market: str, period: date) -> pd.Series:
        return self.costs


@pytest.fixture
def constant() -> ConstantElasticity:
    products = pd.Index(["a", "b", "c"])
    return ConstantElasticity(
        pd.Series([10.0, 200.0, 3.0], products),
        pd.Series([-1.8, -2.5, -4.0], products),
        pd.Series([1.0, 2.0, 0.5], products),
    )


def test_differences_give_the_elasticities_of_a_market_that_has_them_in_closed_form(
    constant: ConstantElasticity,
) -> None:
    market: Market = constant
    offers = market.offers().set_index("product_id")
    found = own_elasticities(market, offers["price_now"], "m0", market.as_of, Context())
    assert found.to_dict() == pytest.approx(constant.elasticities.to_dict(), abs=1e-6)


@pytest.mark.parametrize("units", [float("nan"), -1.0])
def test_a_market_that_does_not_answer_a_price_is_told_to(constant: ConstantElasticity, units: float) -> None:
    """A field experiment knows the prices that it tried: NaN would pass for the best profit there is."""

    class Experiment(ConstantElasticity):
        def expected_units(self, prices: pd.Series, market: str, period: date, context: Context) -> pd.Series:
            found = super().expected_units(prices, market, period, context)
            return found.where((prices <= 4.0) | (prices.index != "b"), units)

    experiment = Experiment(constant.levels, constant.elasticities, constant.costs, "trial")
    offers = experiment.offers()
    own_curves(experiment, offers, (-0.2, 0.0))
    told = (
        r"Market 'trial' expects (nan|-1.0) units of b at 4.4 in m0 in the week of 2024-01-01. It has to answer every"
    )
    with pytest.raises(ContractError, match=told):
        own_curves(experiment, offers, (0.1,))
    prices = np.array([[2.0, 4.4, 1.0]])
    with pytest.raises(ContractError, match=told):
        contributions(experiment, offers["product_id"].to_numpy(dtype=np.str_), "m0", prices, [1])


def test_a_market_is_asked_price_by_price_where_it_has_no_fast_answer(constant: ConstantElasticity) -> None:
    offers = constant.offers()
    units, slopes = own_curves(constant, offers, (-0.2, 0.0))
    price = offers["price_now"].to_numpy()[:, None] * np.array([0.8, 1.0])
    wanted = constant.levels.to_numpy()[:, None] * price ** constant.elasticities.to_numpy()[:, None]
    assert units == pytest.approx(wanted)
    assert slopes == pytest.approx(np.repeat(constant.elasticities.to_numpy()[:, None], 2, axis=1), abs=1e-6)
    prices = price.T
    found = contributions(constant, offers["product_id"].to_numpy(dtype=np.str_), "m0", prices, [1, 3])
    once = (wanted * (price - constant.costs.to_numpy()[:, None])).T
    assert found == pytest.approx(np.stack([once, 3.0 * once]))


@pytest.mark.parametrize("most", [oracle.MAX_COMBINATIONS, 1])
def test_the_oracle_finds_the_closed_form(
    constant: ConstantElasticity, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truthful, "MAX_COMBINATIONS", most)
    best = (constant.costs * constant.elasticities / (constant.elasticities + 1.0)).to_numpy()
    history = history_of(constant)
    candidates = np.sort(np.column_stack([best[:, None] * np.linspace(0.7, 1.4, 8), best]), axis=1)
    found = find_optimum(constant, history, Feasible(candidates), [1, 2], candidates[:, 0])
    assert found.prices == pytest.approx(np.stack([best, best]))
    assert found.profit[1] == pytest.approx(2.0 * found.profit[0])
    # products do not replace each other here, so that the bound is reached at once
    assert found.bound == pytest.approx(found.profit)


SHOP = SimulationSettings(seed=2, products=20, products_per_category=4, markets=2, weeks=30, customers=900)


@pytest.fixture(scope="module")
def simulated() -> SimulatedMarket:
    return SimulatedMarket(SHOP, Path("none.yaml"))


def test_the_simulated_shop_is_a_market(simulated: SimulatedMarket) -> None:
    market: Market = simulated
    offers = market.offers()
    assert offers["price_now"].gt(offers["unit_cost"] * 0.9).all()
    own = offers[offers["market_id"] == "m1"].set_index("product_id")
    period, context = market.as_of + timedelta(days=7), Context()
    whole = market.expected_units(own["price_now"], "m1", period, context)
    assert whole.index.equals(own.index)
    assert (whole > 0).all()
    first = own[own["category"] == own["category"].iloc[0]]
    part = market.expected_units(first["price_now"], "m1", period, context)
    assert part.to_dict() == pytest.approx(whole[first.index].to_dict())
    # what the tables say is last week's cost, which the period's own may have left
    categories = [simulated.truth.category(number) for number in range(SHOP.categories)]
    known = pd.concat([costs(one.stage, list(one.lived)) for one in categories])
    last = known[known["market_id"] == "m1"].sort_values("valid_from").groupby("product_id")["unit_cost"].last()
    assert own["unit_cost"].to_dict() == pytest.approx(last[own.index].to_dict(), abs=1e-9)
    now = market.unit_costs("m1", market.as_of)[own.index]
    assert (now / own["unit_cost"]).between(0.8, 1.25).all()
    assert (now != own["unit_cost"]).any()


def test_differences_give_the_simulated_shops_elasticities(simulated: SimulatedMarket) -> None:
    offers = simulated.offers()
    own = offers[offers["market_id"] == "m0"].set_index("product_id")
    first = own[own["category"] == own["category"].iloc[0]]
    found = own_elasticities(simulated, first["price_now"], "m0", simulated.as_of, Context())
    one = simulated.truth.category(0)
    known = one.elasticities(one.end.list_price, one.conditions(SHOP.weeks))[0].diagonal()
    assert found.to_numpy() == pytest.approx(known[~np.isnan(known)], abs=1e-5)


def test_rivals_that_react_have_seen_last_weeks_prices(simulated: SimulatedMarket) -> None:
    offers = simulated.offers()
    own = offers[offers["market_id"] == "m0"].set_index("product_id")["price_now"]
    usual = simulated.expected_units(own, "m0", simulated.as_of, Context())
    after_a_rise = simulated.expected_units(own, "m0", simulated.as_of, Context(last_prices=1.1 * own))
    assert (after_a_rise > usual).all()


def test_a_week_without_truth_is_refused(simulated: SimulatedMarket) -> None:
    own = simulated.offers().set_index("product_id")["price_now"].iloc[:1]
    for period in (simulated.as_of - timedelta(days=7), simulated.as_of + timedelta(days=1)):
        with pytest.raises(ValueError, match="no Monday on or after"):
            simulated.expected_units(own, "m0", period, Context())
    with pytest.raises(ValueError, match=r"beyond simulation\.future_weeks"):
        simulated.expected_units(own, "m0", simulated.as_of + timedelta(days=7 * SHOP.future_weeks), Context())


def test_contributions_of_many_prices_are_the_sums_over_single_weeks(simulated: SimulatedMarket) -> None:
    one = simulated.truth.category(1)
    names = [f"p{one.stage.category.first_product + n:06d}" for n in range(one.stage.category.size)]
    tried = one.end.list_price[1] * np.array([[1.0], [1.1], [0.9]])
    expected = []
    for row in tried:
        prices, total, last = pd.Series(row, names), np.zeros(len(names)), None
        for week in range(4):
            period = simulated.as_of + timedelta(days=7 * week)
            units = simulated.expected_units(prices, "m1", period, Context(last))
            total = total + (units * (prices - simulated.unit_costs("m1", period)[names])).to_numpy()
            last = prices
        expected.append(total)
    found = one.contributions(tried, 1, [1, 4])
    assert found[1] == pytest.approx(np.array(expected))
    assert found[0] == pytest.approx(one.contributions(tried, 1, [1])[0])


def test_the_fast_answers_are_the_slow_ones(simulated: SimulatedMarket) -> None:
    @dataclass
    class Slow:
        market: SimulatedMarket

        def __getattr__(self, name: str) -> Any:
            if name in ("own_curves", "contributions", "tastes"):
                raise AttributeError(name)
            return getattr(self.market, name)

    slow: Market = Slow(simulated)  # type: ignore[assignment]
    offers = simulated.offers()
    part = offers[(offers["market_id"] == "m0") & (offers["category"] == offers["category"].iloc[0])]
    for fast, by_hand in zip(own_curves(simulated, part, (0.0, 0.1)), own_curves(slow, part, (0.0, 0.1)), strict=True):
        assert fast == pytest.approx(by_hand, rel=1e-5)
    products = part["product_id"].to_numpy(dtype=np.str_)
    prices = part["price_now"].to_numpy() * np.array([[1.0], [0.9]])
    assert contributions(simulated, products, "m0", prices, [1, 3]) == pytest.approx(
        contributions(slow, products, "m0", prices, [1, 3])
    )


def test_branches_are_markets_of_their_own() -> None:
    both = SimulatedMarket(SHOP.model_copy(update={"branches": 2}), Path("none.yaml"))
    alone = SimulatedMarket(SHOP.model_copy(update={"seed": SHOP.seed + 1}), Path("none.yaml"))
    offers, other = both.offers(), alone.offers()
    assert not offers.duplicated(["product_id", "market_id"]).any()
    own = offers[offers["market_id"] == "m3"].set_index("product_id")["price_now"]
    same = other[other["market_id"] == "m1"].set_index("product_id")["price_now"]
    assert own.tolist() == same.tolist()
    units = both.expected_units(own, "m3", both.as_of, Context())
    assert units.tolist() == pytest.approx(alone.expected_units(same, "m1", alone.as_of, Context()).tolist())
    assert both.unit_costs("m3", both.as_of).tolist() == alone.unit_costs("m1", alone.as_of).tolist()
    with pytest.raises(ValueError, match="is not sold in m0"):
        both.expected_units(own, "m0", both.as_of, Context())


def history_of(market: Market) -> History:
    offers = market.offers()
    return History(pd.DataFrame(), pd.DataFrame(), offers, pd.Series(dtype=float), pd.DataFrame())


def test_the_oracle_earns_more_than_own_curves_and_they_more_than_nothing(simulated: SimulatedMarket) -> None:
    history, weeks = history_of(simulated), [1, 4]
    feasible = Feasible(history.price_now[:, None] * np.array([0.9, 0.95, 1.0, 1.05, 1.1]))
    own = TrueOwnCurves(simulated).propose(history, feasible)
    best = find_optimum(simulated, history, feasible, weeks, own)
    for number in range(len(weeks)):
        reached = earnings(simulated, history, best.prices[number], weeks)[number]
        assert reached == pytest.approx(best.profit[number].sum())
        assert reached >= earnings(simulated, history, own, weeks)[number]
        assert reached > earnings(simulated, history, history.price_now, weeks)[number]
    rng = np.random.default_rng(4)
    for _ in range(20):
        luck = np.array([rng.choice(row) for row in feasible.prices])
        assert earnings(simulated, history, luck, weeks)[1] <= best.profit[1].sum()


@pytest.mark.parametrize("batch", [1, 3, 4, 100])
def test_all_combinations_are_tried_whatever_the_batches(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(oracle, "BATCH", batch)
    candidates = [np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])]
    for wanted in np.array(np.meshgrid(*candidates)).reshape(2, -1).T:

        def near(prices: np.ndarray, wanted: np.ndarray = wanted) -> np.ndarray:  # type: ignore[type-arg]
            return -np.abs(prices - wanted)[None]

        (found,) = oracle.try_all(near, candidates, 1)
        assert found.prices.tolist() == wanted.tolist()


def test_the_bound_of_a_search_holds_and_closes(simulated: SimulatedMarket) -> None:
    history = history_of(simulated)
    market_id, index = history.groups()[0]
    products, now = history.products[index], history.price_now[index]
    candidates = [price * np.linspace(0.8, 1.2, 7) for price in now]

    def earn(prices: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return contributions(simulated, products, market_id, prices, [4])

    (exact,) = oracle.try_all(earn, candidates, 1)
    bounds = []
    for boxes in (0, 20, 400, 4000):
        found = oracle.search(lambda prices: earn(prices)[0], candidates, [now], max_boxes=boxes)
        assert found.profit <= exact.profit * (1.0 + 1e-12) <= found.bound * (1.0 + 1e-9)
        bounds.append(found.bound)
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > exact.profit
    assert bounds[-1] < bounds[0]
    assert found.prices == pytest.approx(exact.prices)


def test_units_do_not_fall_when_another_product_gets_dearer(simulated: SimulatedMarket) -> None:
    own = simulated.offers().query("market_id == 'm0'").set_index("product_id")["price_now"]
    usual = simulated.expected_units(own, "m0", simulated.as_of, Context())
    for product in own.index[:6]:
        dearer = own.copy()
        dearer[product] *= 1.1
        moved = simulated.expected_units(dearer, "m0", simulated.as_of, Context()).drop(product)
        assert (moved >= usual.drop(product) * (1.0 - 1e-12)).all()


def earnings(
    market: SimulatedMarket,
    history: History,
    prices: np.ndarray,  # type: ignore[type-arg]
    weeks: list[int],
) -> np.ndarray:  # type: ignore[type-arg]
    found = [
        contributions(market, history.products[rows], market_id, prices[rows][None], weeks)
        for market_id, rows in history.groups()
    ]
    return np.sum(found, axis=0).sum(axis=(1, 2))


def test_tastes_are_the_purchases_of_all_customers(simulated: SimulatedMarket) -> None:
    tastes = simulated.tastes("m1")
    shoppers = simulated.truth.category(0).stage.demand.shoppers
    assert len(tastes) == shoppers.counts[1].sum()
    assert not tastes.index.duplicated().any()
    assert set(tastes.columns) == set(simulated.offers().query("market_id == 'm1'")["product_id"])
    one = simulated.truth.category(2)
    usual = np.broadcast_to(one.stage.category.usual_price, one.end.paid.shape)
    wanted = one.stage.demand.at(usual, one.conditions(SHOP.weeks)).purchases[1].sum(axis=0)
    first = one.stage.first_product
    for number in range(one.stage.category.size):
        if f"p{first + number:06d}" in tastes:
            assert tastes[f"p{first + number:06d}"].sum() == pytest.approx(wanted[number])
