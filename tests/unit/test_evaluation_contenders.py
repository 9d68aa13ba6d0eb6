"""Contenders find what is known of made-up histories, and fail as failures are counted."""

from typing import Any

import numpy as np
import pytest

from pricelake.evaluation.contenders.curves import GuessedElasticity, HierarchicalOls, LogLogOls
from pricelake.evaluation.contenders.double_ml import DoubleMl
from pricelake.evaluation.contenders.interface import DemandModel, Feasible, Floats, ModelPolicy, Policy
from pricelake.evaluation.contenders.lazy import CompetitorMedian, CostPlus, RatingRule, StatusQuo, UniformMove
from pricelake.evaluation.contenders.mlp import Mlp
from pricelake.evaluation.contenders.trees import LightGbm
from tests.made_up_history import made_up_history, within


def elasticities(model: DemandModel, history: Any) -> Floats:
    model.fit(history)
    prices = history.price_now[:, None] * np.array([[0.99, 1.01]])
    units = model.units(prices)
    return np.asarray(np.log(units[:, 1] / units[:, 0]) / np.log(1.01 / 0.99))


def test_least_squares_finds_elasticities_where_prices_do_not_follow_demand() -> None:
    history, true = made_up_history(spread=0.5)
    by_product = elasticities(LogLogOls(), history)
    assert by_product.mean() == pytest.approx(true.mean(), abs=0.15)
    assert np.corrcoef(by_product, true)[0, 1] > 0.7
    shrunk = elasticities(HierarchicalOls(), history)
    assert shrunk.mean() == pytest.approx(true.mean(), abs=0.2)
    assert np.abs(shrunk - true).mean() < np.abs(by_product - true).mean()


def test_shrinking_goes_all_the_way_where_products_do_not_differ() -> None:
    history, true = made_up_history(seed=3, spread=0.0)
    shrunk = elasticities(HierarchicalOls(), history)
    assert shrunk.std() < 0.3 * elasticities(LogLogOls(), history).std()
    assert shrunk == pytest.approx(true, abs=0.3)


def test_an_instrument_undoes_what_confounding_does() -> None:
    history, true = made_up_history(seed=5, confounding=0.3)
    assert elasticities(HierarchicalOls(), history).mean() > true.mean() + 0.7
    model = DoubleMl()
    assert elasticities(model, history).mean() == pytest.approx(true.mean(), abs=0.4)
    assert model.instrumented


def test_a_weak_instrument_is_not_used() -> None:
    history, _ = made_up_history(seed=6)
    history.closed["unit_cost"] = np.exp(1e-3 * np.random.default_rng(1).standard_normal(len(history.closed)))
    model = DoubleMl()
    model.fit(history)
    assert not model.instrumented


def test_lightgbm_sells_less_when_dearer_where_the_data_say_so() -> None:
    history, _ = made_up_history(seed=2)
    model = LightGbm()
    model.fit(history)
    units = model.units(history.price_now[:, None] * np.array([[0.9, 1.0, 1.1]]))
    assert units[:, 0].sum() > units[:, 1].sum() > units[:, 2].sum()
    assert model.units(np.full((len(history.offers), 1), np.nan)).shape == (len(history.offers), 1)


def test_the_plain_network_learns_levels_from_what_it_is_given() -> None:
    history, _ = made_up_history(seed=8)
    history.buyers["age"] = np.linspace(20.0, 70.0, len(history.buyers))
    ages = history.closed["product_id"].map(history.buyers["age"])
    history.closed["units"] = (2.0 * ages - 8.0 * history.closed["unit_price"]).clip(lower=0.0)
    model = Mlp()
    model.fit(history)
    now = model.units(history.price_now[:, None] * np.array([[1.0, 1.2]]))
    wanted = 2.0 * history.buyers["age"].to_numpy() - 8.0 * history.price_now
    assert np.corrcoef(now[:, 0], wanted)[0, 1] > 0.95
    assert now[:, 0].sum() > now[:, 1].sum()
    assert np.isnan(model.units(np.full((len(history.offers), 1), np.nan))).all()


def test_a_model_is_priced_at_the_best_allowed_candidate() -> None:
    history, _ = made_up_history()
    feasible = within(history)
    model = GuessedElasticity(-3.0)
    model.fit(history)
    chosen = ModelPolicy(model).propose(history, feasible)
    wanted = history.unit_cost * 3.0 / 2.0  # cost x e / (e + 1)
    reached = (wanted > feasible.prices[:, 0]) & (wanted < feasible.prices[:, -1])
    assert reached.sum() > 5
    assert chosen[reached] == pytest.approx(wanted[reached], rel=0.01)


def test_what_a_model_could_not_learn_has_no_price() -> None:
    history, _ = made_up_history()
    first = history.closed["product_id"] == "p00"
    history.closed.loc[first, "unit_price"] = 3.0
    model = LogLogOls()
    model.fit(history)
    chosen = ModelPolicy(model).propose(history, within(history))
    assert np.isnan(chosen[0])
    assert not np.isnan(chosen[1:]).any()


@pytest.mark.parametrize(
    ("policy", "factor"),
    [(StatusQuo(), 1.0), (UniformMove(0.1), 1.1), (UniformMove(-0.1), 0.9), (UniformMove(0.5), 1.2)],
)
def test_lazy_moves(policy: Policy, factor: float) -> None:
    history, _ = made_up_history()
    assert policy.propose(history, within(history)) == pytest.approx(factor * history.price_now)


def test_rules_of_thumb() -> None:
    history, _ = made_up_history()
    wide = within(history, reach=0.9, steps=3601)
    ratio = CostPlus().propose(history, wide) / history.unit_cost
    assert ratio.std() < 0.01
    matched = CompetitorMedian().propose(history, wide) / history.price_now
    assert matched[0] == pytest.approx(1.0)  # no competitor is known
    assert matched[1:] == pytest.approx(1.0 / 1.1, abs=1e-3)
    ruled = RatingRule().propose(history, wide)
    for name, rows in history.offers.groupby("category").indices.items():
        rating = history.ratings.to_numpy()[rows]
        line = np.polyfit(rating, history.price_now[rows], 1)
        assert ruled[rows] == pytest.approx(np.polyval(line, rating), rel=1e-2), name


def test_nearest_and_best_pass_over_what_is_not_allowed() -> None:
    feasible = Feasible(np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0]]))
    assert feasible.nearest(np.array([9.0, 3.6])).tolist() == [2.0, 4.0]
    assert feasible.best(np.array([[1.0, 0.5, 99.0], [np.nan, 1.0, 2.0]])).tolist() == [1.0, 5.0]
    with pytest.raises(ValueError, match="no candidate of an offer has a worth"):
        feasible.best(np.array([[np.nan, np.nan, 1.0], [1.0, 1.0, 1.0]]))
