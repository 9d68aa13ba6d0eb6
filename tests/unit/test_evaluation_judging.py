"""Judging on a simulated shop whose truth is handed to a model, which is then made to err."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pricelake.evaluation.contenders.interface import Feasible, Floats, History
from pricelake.evaluation.contenders.lazy import StatusQuo, UniformMove
from pricelake.evaluation.contenders.truthful import TrueOwnCurves
from pricelake.evaluation.feasible import HardRules
from pricelake.evaluation.judging import Stage, judge_model, judge_policies
from pricelake.evaluation.market import Context
from pricelake.evaluation.rows import Measured, Setting
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings.simulation import SimulationSettings

SHOP = SimulationSettings(seed=4, branches=2, products=8, products_per_category=4, weeks=30, customers=500)


@pytest.fixture(scope="module")
def stage() -> Stage:
    market, rules = SimulatedMarket(SHOP, Path("none.yaml")), HardRules()
    offers = market.offers()
    opened = pd.DataFrame({"price_changes": np.arange(len(offers)) % 9})
    history = History(pd.DataFrame(), opened, offers, pd.Series(dtype=float), pd.DataFrame())
    feasible = rules.feasible(history.price_now, history.unit_cost)
    return Stage(market, history, feasible, Setting((), "strong"))


@dataclass
class Knows:
    """The truth as a model, with as many units too many as asked, and nothing to say about the first offer if asked."""

    market: SimulatedMarket
    times: float = 1.0
    fails: bool = False
    name: str = "knows"

    def fit(self, history: History) -> None:
        self.offers = history.offers

    def units(self, prices: Floats) -> Floats:
        found = np.empty(prices.shape)
        for rows in self.offers.groupby(["market_id", "category"]).indices.values():
            group = self.offers.iloc[rows]
            now = pd.Series(group["price_now"].to_numpy(), group["product_id"].to_numpy())
            for row, product in zip(rows, now.index, strict=True):
                for column, price in enumerate(prices[row]):
                    tried = now.copy()
                    tried[product] = price
                    market_id = str(group["market_id"].iloc[0])
                    units = self.market.expected_units(tried, market_id, self.market.as_of, Context())
                    found[row, column] = self.times * units[product]
        if self.fails:
            found[0] = np.nan
        return found


def values(found: list[Measured], section: str, figure: str, group: str | None = None) -> list[float]:
    return [one.value for one in found if (one.section, one.figure, one.setting.group) == (section, figure, group)]


def test_who_knows_the_truth_makes_no_error(stage: Stage) -> None:
    found = judge_model(stage, Knows(stage.market))
    assert values(found, "own_price_bias", "mean") == pytest.approx([0.0, 0.0], abs=1e-3)
    assert values(found, "own_price_bias", "mean_absolute", "changes_2_5") == pytest.approx([0.0, 0.0], abs=1e-3)
    for figure in ("error_5", "error_10", "error_20", "forecast_wape", "soldout_underestimation"):
        assert values(found, "after_change", figure) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert values(found, "run", "failed_fits") == [0.0, 0.0]
    assert {one.seed for one in found} == {4, 5}


def test_errors_and_failures_are_counted(stage: Stage) -> None:
    found = judge_model(stage, Knows(stage.market, times=1.25, fails=True))
    second = values(found, "after_change", "forecast_wape")[1]
    assert second == pytest.approx(0.25)
    assert values(found, "after_change", "soldout_underestimation")[1] == pytest.approx(-0.25)
    assert values(found, "run", "failed_fits") == [1.0, 0.0]
    bias = values(found, "own_price_bias", "mean")
    assert bias[0] > 0.1  # as if demand for the first offer did not react
    assert bias[1] == pytest.approx(0.0, abs=1e-3)


def test_profit_capture_runs_from_the_status_quo_to_the_oracle(stage: Stage) -> None:
    policies = [StatusQuo(), TrueOwnCurves(stage.market), UniformMove(0.1), UniformMove(0.6)]
    found = judge_policies(stage, policies, weeks=(1, 4))
    by_name = {
        name: [one.value for one in found if (one.contender, one.figure) == (name, "capture")]
        for name in ("status_quo", "oracle", "true_own_curves", "uniform_move_+10", "uniform_move_+60")
    }
    assert by_name["status_quo"] == [0.0] * 4
    assert by_name["oracle"] == [1.0] * 4
    assert all(value < 1.0 for value in by_name["true_own_curves"])
    assert by_name["true_own_curves"][0] > 0.3
    assert set(values(found, "profit_capture", "violations")) == {0.0}
    assert min(values(found, "profit_capture", "regret_amount")) >= 0.0


def test_a_price_outside_the_rules_is_counted(stage: Stage) -> None:
    class Careless(StatusQuo):
        def propose(self, history: History, feasible: Feasible) -> Floats:
            return history.price_now * 1.5

    found = judge_policies(stage, [Careless("careless")], weeks=(1,))
    broken = [one.value for one in found if (one.contender, one.figure) == ("careless", "violations")]
    assert sum(broken) == len(stage.history.offers)


def test_rules_allow_endings_within_reach_and_margin_and_the_price_in_force() -> None:
    allowed = HardRules().feasible(np.array([1.0, 21.0, 2.0]), np.array([0.9, 5.0, 9.0])).prices
    known = [row[~np.isnan(row)].tolist() for row in allowed]
    assert known[0] == [0.99, 1.0, 1.09, 1.19]
    assert known[1][:3] == [16.89, 16.99, 17.09]
    assert [price for price in known[1] if price >= 20.0] == [
        *(20.49, 20.99, 21.0, 21.49, 21.99, 22.49, 22.99, 23.49, 23.99, 24.49, 24.99),
    ]
    assert known[2] == [2.0]
