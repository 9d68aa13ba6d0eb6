"""Markets and their oracle: against closed forms, every combination, and the simulated shop's own truth."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pricelake.evaluation import oracle
from pricelake.evaluation.contenders.interface import Feasible, History, Policy
from pricelake.evaluation.contenders.lazy import StatusQuo
from pricelake.evaluation.contenders.truthful import Oracle, TrueOwnCurves
from pricelake.evaluation.market import Context, Market, own_elasticities
from pricelake.evaluation.oracle import best_prices
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings.simulation import SimulationSettings


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


@pytest.mark.parametrize("combinations", [oracle.MAX_COMBINATIONS, 1])
def test_the_oracle_finds_the_closed_form(
    constant: ConstantElasticity, combinations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oracle, "MAX_COMBINATIONS", combinations)
    best = (constant.costs * constant.elasticities / (constant.elasticities + 1.0)).to_numpy()
    candidates = [np.sort(np.append(price * np.linspace(0.7, 1.4, 8), price)) for price in best]

    def profits(prices: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return np.array(
            [
                ((row - constant.costs) * constant.expected_units(row, "m0", constant.as_of, Context())).sum()
                for row in (pd.Series(values, constant.costs.index) for values in prices)
            ]
        )

    found = best_prices(profits, candidates, [np.array([one[0] for one in candidates])])
    assert found.prices == pytest.approx(best)
    assert found.is_exact == (combinations > 1)


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
    costs = market.unit_costs("m1", market.as_of)
    assert costs[own.index].to_dict() == pytest.approx(own["unit_cost"].to_dict())


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


@pytest.mark.parametrize("weeks", [1, 4])
def test_profits_of_many_prices_are_the_sums_over_single_weeks(simulated: SimulatedMarket, weeks: int) -> None:
    one = simulated.truth.category(1)
    names = [f"p{one.stage.category.first_product + n:06d}" for n in range(one.stage.category.size)]
    tried = one.end.list_price[1] * np.array([[1.0], [1.1], [0.9]])
    expected = []
    for row in tried:
        prices, total, last = pd.Series(row, names), 0.0, None
        for week in range(weeks):
            period = simulated.as_of + timedelta(days=7 * week)
            units = simulated.expected_units(prices, "m1", period, Context(last))
            total += float((units * (prices - simulated.unit_costs("m1", period)[names])).sum())
            last = prices
        expected.append(total)
    assert one.profits(tried, 1, weeks) == pytest.approx(expected)


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


def history_of(market: SimulatedMarket) -> History:
    offers = market.offers()
    return History(pd.DataFrame(), pd.DataFrame(), offers, pd.Series(dtype=float), pd.DataFrame())


@pytest.mark.parametrize("periods", [1, 4])
def test_the_oracle_earns_more_than_own_curves_and_they_more_than_nothing(
    simulated: SimulatedMarket, periods: int
) -> None:
    history = history_of(simulated)
    feasible = Feasible(history.price_now[:, None] * np.array([0.9, 0.95, 1.0, 1.05, 1.1]))
    policies: list[Policy] = [Oracle(simulated, periods), TrueOwnCurves(simulated), StatusQuo()]
    earned = [earnings(simulated, history, policy.propose(history, feasible), periods) for policy in policies]
    assert earned[0] >= earned[1] >= earned[2]
    assert earned[0] > earned[2]
    rng = np.random.default_rng(4)
    for _ in range(20):
        luck = np.array([rng.choice(row) for row in feasible.prices])
        assert earnings(simulated, history, luck, periods) <= earned[0]


def earnings(market: SimulatedMarket, history: History, prices: np.ndarray, periods: int) -> float:  # type: ignore[type-arg]
    total = 0.0
    for market_id, rows in history.groups():
        products = history.offers["product_id"].to_numpy()[rows]
        total += float(market.profits(products, market_id, prices[rows][None], periods)[0])
    return total
