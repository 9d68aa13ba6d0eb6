"""Contenders find what is known of made-up histories, and fail as failures are counted."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pricelake.evaluation.contenders import mlp, trees
from pricelake.evaluation.contenders.curves import (
    GuessedElasticity,
    HierarchicalOls,
    LogLogOls,
    level_at,
    serial_inflation,
)
from pricelake.evaluation.contenders.double_ml import (
    DoubleMl,
    Estimate,
    first_stage_f,
    product_deviations,
    shrunk_theta,
)
from pricelake.evaluation.contenders.interface import DemandModel, Feasible, Floats, ModelPolicy, Policy
from pricelake.evaluation.contenders.lazy import CompetitorMedian, CostPlus, RatingRule, StatusQuo, UniformMove
from pricelake.evaluation.contenders.mlp import Mlp
from pricelake.evaluation.contenders.nuisances import period_folds
from pricelake.evaluation.contenders.regressors import KEY, log_demand, read_sample, with_demand
from pricelake.evaluation.contenders.shrinkage import shrink
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


def test_products_of_a_category_differ_where_their_own_weeks_say_so() -> None:
    history, true = made_up_history(seed=5, spread=0.8)
    model = DoubleMl()
    said = elasticities(model, history)
    assert model.instrumented
    alike = pd.Series(said).groupby(history.offers["category"]).transform("mean").to_numpy()
    assert np.corrcoef(said - alike, true)[0, 1] > 0.6
    assert np.abs(said - true).mean() < 0.9 * np.abs(alike - true).mean()


def test_deviations_of_products_are_shrunk_centred_and_nothing_where_the_price_did_not_move() -> None:
    rng = np.random.default_rng(21)
    true = np.array([-3.0, -1.0, -2.0, 0.0, -4.0, -4.0])  # of the fourth the price never moves; two categories
    category = np.array([0, 0, 0, 0, 1, 1])
    offers = np.repeat(np.arange(6), 400)
    price = rng.standard_normal(len(offers)) * (offers != 3)
    used = np.ones(len(offers), dtype=bool)

    def deviations(noise: float) -> Floats:
        demand = true[offers] * price + noise * rng.standard_normal(len(offers))
        return product_deviations(Estimate(np.zeros(2), used, demand, price, None), offers, category)

    clear, vague = deviations(0.5), deviations(30.0)
    assert clear == pytest.approx(0.8 * np.array([-1.0, 1.0, 0.0, 0.0, 0.0, 0.0]), abs=0.25)
    assert np.abs(vague).max() < 0.7 * 30.0 / 20.0  # a slope alone would err by about 1.5
    for found in (clear, vague):
        assert [found[:3].sum(), found[3], found[4:].sum()] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def test_a_category_whose_costs_never_move_gets_the_mean_of_the_others() -> None:
    history, true = made_up_history(seed=5, confounding=0.3)
    closed = history.closed
    closed.loc[closed["category"] == "odd", "unit_cost"] = 2.0
    model = DoubleMl()
    said = elasticities(model, history)
    odd = history.offers["category"].eq("odd").to_numpy()
    assert said[odd] == pytest.approx(true[odd], abs=0.4)  # one theta: their residuals are not used
    assert said[~odd].mean() == pytest.approx(true[~odd].mean(), abs=0.4)
    assert model.instrumented


@pytest.mark.parametrize("model", [HierarchicalOls(), DoubleMl()])
def test_few_units_a_week_do_not_bias(model: DemandModel) -> None:
    history, true = made_up_history(seed=11, level=3.0)
    assert elasticities(model, history).mean() == pytest.approx(true.mean(), abs=0.2)


@pytest.mark.parametrize("model", [HierarchicalOls(), DoubleMl(), LogLogOls()])
def test_weeks_that_sold_out_do_not_bias(model: DemandModel) -> None:
    history, true = made_up_history(seed=12, stock=1.1)
    assert (history.closed["availability_rate"] < 1.0).mean() > 0.3
    assert elasticities(model, history).mean() == pytest.approx(true.mean(), abs=0.25)
    history.closed["availability_rate"] = 1.0
    assert elasticities(model, history).mean() > true.mean() + 0.5


def test_prices_of_weeks_without_a_sale_are_those_asked() -> None:
    history, _ = made_up_history(seed=13, level=3.0)
    sold = with_demand(history.closed)
    history.closed["list_price"] = history.closed["unit_price"]
    history.closed.loc[history.closed["units"] == 0.0, "unit_price"] = 99.0
    assert with_demand(history.closed)["price"].tolist() == sold["price"].tolist()


def test_without_an_instrument_controls_are_held_fixed() -> None:
    history, true = made_up_history(seed=14)
    rng = np.random.default_rng(14)
    closed = history.closed
    closed["display_rate"] = (rng.random(len(closed)) < 0.3).astype(float)
    closed["unit_price"] *= np.exp(-0.15 * closed["display_rate"])
    lift = np.exp((true.mean() * -0.15 + 0.5) * closed["display_rate"])
    closed["units"] = (closed["units"] * lift).round()
    closed["unit_cost"] = np.nan
    assert elasticities(LogLogOls(), history).mean() < true.mean() - 0.4
    for model in (HierarchicalOls(), DoubleMl()):
        assert elasticities(model, history).mean() == pytest.approx(true.mean(), abs=0.25)


def test_an_ill_known_product_takes_after_its_category() -> None:
    history, true = made_up_history(seed=15, spread=0.6)
    even = history.offers["category"].eq("even").to_numpy()
    closed = history.closed
    hardly_moved = closed["product_id"] == "p00"
    closed.loc[hardly_moved, "unit_price"] = 3.2 * np.exp(0.01 * (closed["units"] > closed["units"].median()))
    own = elasticities(LogLogOls(), history)
    shrunk = elasticities(HierarchicalOls(), history)
    others = shrunk[even][1:].mean()
    assert abs(own[0] - others) > 10.0
    assert abs(shrunk[0] - others) < 1.0
    assert np.abs(shrunk - true)[1:].mean() < 0.4


def test_shrinking_in_closed_form() -> None:
    together, apart = np.array([0, 0, 0, 0]), np.array([0, 0, 1, 1])
    known = shrink(np.array([-2.0, -4.0, -3.0, 7.0]), np.array([1e-9, 1e-9, 1e-9, np.inf]), together)
    assert known == pytest.approx([-2.0, -4.0, -3.0, -3.0], abs=1e-6)
    assert shrink(np.array([-2.0, -4.0]), np.array([9.0, 3.0]), together[:2]) == pytest.approx([-3.5, -3.5])
    far = shrink(np.array([-2.0, -2.0, -5.0, -5.0]), np.full(4, 0.01), apart)
    assert far == pytest.approx([-2.0, -2.0, -5.0, -5.0], abs=0.01)
    # variance 4 around the mean, of which 1 is noise: 3 / 4 of each deviation is kept
    half = shrink(np.array([-1.0, -3.0, -5.0]), np.full(3, 1.0), together[:3])
    assert half == pytest.approx([-1.5, -3.0, -4.5])


def test_shocks_that_last_make_slopes_less_certain() -> None:
    rng = np.random.default_rng(16)
    codes = np.repeat(np.arange(50), 100)
    fresh = rng.standard_normal((50, 100))
    assert serial_inflation(fresh.ravel(), codes) < 1.15
    lasting = fresh.copy()
    for week in range(1, 100):
        lasting[:, week] += 0.5 * lasting[:, week - 1]
    assert 2.0 < serial_inflation(lasting.ravel(), codes) < 3.0  # (1 + 0.5) / (1 - 0.5) = 3 with all lags


def test_folds_are_blocks_of_all_of_the_history() -> None:
    history, _ = made_up_history()
    period = history.closed["period_start"]
    folds = period_folds(period)
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(range(len(period)))
    for train, test in folds:
        assert not set(period.iloc[train]) & set(period.iloc[test])
        assert period.iloc[test].nunique() > 20
    assert len(period_folds(period[period.isin(sorted(set(period))[:8])])) == 4


@pytest.mark.parametrize("model", [GuessedElasticity(), LogLogOls(), HierarchicalOls(), LightGbm(), DoubleMl()])
def test_offers_of_little_or_no_history(model: DemandModel) -> None:
    history, _ = made_up_history(seed=17)
    recent = sorted(set(history.closed["period_start"]))[-2:]
    closed = history.closed
    kept = closed["period_start"].isin(recent) | (closed["product_id"] != "p01")
    opened = history.open.copy()
    unknown = [name for name in opened.columns if name not in ("product_id", "market_id", "category")]
    opened[unknown] = opened[unknown].astype(object)
    opened.loc[0, unknown] = np.nan
    numbers = [name for name in unknown if name not in ("brand", "period_start", "is_competitor_missing")]
    opened = opened.astype(dict.fromkeys(numbers, float))
    closed = closed[kept & (closed["product_id"] != "p00")].reset_index(drop=True)
    partial = replace(history, closed=closed, open=opened)
    model.fit(partial)
    units = model.units(partial.price_now[:, None] * np.array([[1.0, 1.1]]))
    # what is pooled or grown on all products says something of a product without sales
    assert np.isnan(units[0]).all() == isinstance(model, LogLogOls | GuessedElasticity)
    assert not np.isnan(units[2:]).any()
    assert np.isnan(units[1]).all() == isinstance(model, LogLogOls)


def test_a_guess_rests_on_what_was_sold_in_the_last_eight_periods() -> None:
    history, _ = made_up_history(seed=4)
    closed = history.closed
    last = sorted(set(closed["period_start"]))[-1]
    closed.loc[(closed["product_id"] == "p03") & (closed["period_start"] == last), "units"] = 5000.0
    history.open["units_mean_8"] = 1.0  # of winsorised units, which tell less
    model = GuessedElasticity(-2.0)
    model.fit(replace(history, closed=closed.sample(frac=1.0, random_state=1)))
    reference = history.open["reference_price"].to_numpy()
    told = model.units(reference[:, None] * np.array([[1.0, 2.0]]))
    for place, product in enumerate(history.offers["product_id"]):
        sold = closed.loc[closed["product_id"] == product].sort_values("period_start")["units"].to_list()[-8:]
        assert told[place] == pytest.approx([sum(sold) / 8, sum(sold) / 8 / 4])


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


@pytest.mark.parametrize("is_better", [True, False])
def test_lightgbm_takes_codes_for_categories_where_that_is_better(
    monkeypatch: pytest.MonkeyPatch, is_better: bool
) -> None:
    history, _ = made_up_history(seed=2)
    tried = iter([*[0.5] * 12, 0.4 if is_better else 0.6])
    monkeypatch.setattr(trees, "validation_wape", lambda *_: next(tried))
    model = LightGbm()
    model.fit(history)
    # a split by category tests for equality, one by number for order
    assert ('"=="' in json.dumps(model._model.dump_model())) is is_better
    assert next(tried, None) is None


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
    history.open.loc[0, ["temperature_c", "precipitation_mm", "holiday_days"]] = np.nan  # the panel does not know it
    assert np.isnan(model.units(history.price_now[:, None])).ravel().tolist() == [True] + [False] * 23


def test_the_plain_network_learns_what_was_wanted_at_the_price_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    history, _ = made_up_history(seed=8)
    closed = history.closed
    closed["units"], closed["availability_rate"], closed["unit_price"] = 30.0, 0.5, 3.2
    closed.loc[closed["product_id"] == "p00", "availability_rate"] = 0.05  # hardly in stock: tells nothing
    # nothing was sold of the second: what was paid weeks ago is carried forward
    unsold = closed["product_id"] == "p01"
    closed.loc[unsold, ["unit_price", "list_price"]] = [99.0, 4.0]
    closed.loc[unsold, "announced_discount_rate"] = 0.25
    closed["is_price_observed"] = ~unsold
    seen: list[pd.Series] = []

    def inputs(rows: pd.DataFrame, price: Floats, buyers: pd.DataFrame) -> Floats:
        seen.append(pd.Series(price, rows["product_id"]))
        return made(rows, price, buyers)

    made = mlp.inputs
    monkeypatch.setattr(mlp, "inputs", inputs)
    model = Mlp()
    model.fit(history)
    learnt = seen[0].groupby(level=0).agg(["min", "max"])
    assert "p00" not in learnt.index
    assert learnt.loc["p01"].tolist() == [3.0, 3.0]  # asked: a quarter below the list price
    assert learnt.loc["p02"].tolist() == [3.2, 3.2]
    said = model.units(np.full((len(history.offers), 1), 3.2))
    assert np.median(said) == pytest.approx(60.0, rel=0.05)  # 30 in half a week


def test_the_plain_network_learns_from_the_last_periods_once_it_is_tuned() -> None:
    history, _ = made_up_history(seed=8)
    closed, last = history.closed, sorted(set(history.closed["period_start"]))[-8:]
    # products that were only ever sold in the last periods, to buyers of another age than all others
    young = closed["product_id"].isin(["p00", "p01", "p02", "p03"])
    kept = closed[~young | closed["period_start"].isin(last)].reset_index(drop=True)
    new = kept["product_id"].isin(["p00", "p01", "p02", "p03"])
    kept["units"] = np.where(new, 400.0, 20.0)
    history.buyers["age"] = np.where(history.buyers.index.isin(["p00", "p01", "p02", "p03"]), 80.0, 30.0)
    model = Mlp()
    model.fit(replace(history, closed=kept))
    said = model.units(history.price_now[:, None])[:, 0]
    assert said[:4].mean() > 100.0
    assert said[4:].mean() == pytest.approx(20.0, abs=15.0)
    # the chosen settings from the same start on all rows: what tuning learnt is not kept
    again = Mlp()
    again.fit(replace(history, closed=kept.copy()))
    assert again.units(history.price_now[:, None])[:, 0] == pytest.approx(said, rel=1e-4)


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


def test_a_level_follows_demand_and_not_the_prices_it_was_sold_at() -> None:
    history, true = made_up_history(seed=18, level=400.0)
    rows = with_demand(history.closed)
    recent = rows["period_start"] >= sorted(set(rows["period_start"]))[-3]
    factor = np.where(recent, 0.7, 1.0)
    rows["price"] = 3.2 * factor
    rows["demand"] = 400.0 * factor ** true[0]
    curve = level_at(rows, pd.Series(true, pd.MultiIndex.from_frame(history.offers[KEY])), history.offers)
    assert curve.units(np.full((len(true), 1), 3.2)) == pytest.approx(400.0)
    rows["demand"] *= np.where(rows["period_start"] >= sorted(set(rows["period_start"]))[-10], 2.0, 1.0)
    curve = level_at(rows, pd.Series(true, pd.MultiIndex.from_frame(history.offers[KEY])), history.offers)
    assert curve.units(np.full((len(true), 1), 3.2)) == pytest.approx(800.0, rel=0.01)


def test_log_demand_moves_one_to_one_with_what_is_expected_even_of_one_unit_a_week() -> None:
    rng = np.random.default_rng(19)
    codes = np.repeat(np.arange(20), 2000)
    expected = np.exp(0.2 * rng.standard_normal(len(codes)))
    units = rng.poisson(expected).astype(float)
    rows = pd.DataFrame({"units": units, "demand": units})
    slope = np.polyfit(np.log(expected), log_demand(rows, codes), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.05)
    assert np.polyfit(np.log(expected), np.log(units + 0.5), 1)[0] < 0.8


def test_other_products_prices_are_those_of_the_same_category_and_week() -> None:
    history, _ = made_up_history()
    sample = read_sample(history.closed)
    wide = pd.DataFrame({"p": sample.log_price, "o": sample.controls[:, -2]}).set_index(
        [sample.rows["period_start"], sample.rows["product_id"]]
    )
    own, others = wide["p"].unstack(), wide["o"].unstack()
    odd = [f"p{n:02d}" for n in range(3, 24, 2)]
    assert (others["p01"] - others["p01"].mean()).to_numpy() == pytest.approx(own[odd].mean(axis=1).to_numpy())


def test_categories_with_a_weak_instrument_neither_spread_nor_draw_the_mean_to_zero() -> None:
    rng = np.random.default_rng(20)
    offers, category = np.repeat(np.arange(800), 20), np.repeat(np.arange(200), 80)
    instrument, shock, noise = rng.standard_normal((3, len(offers)))
    price = 0.2 * instrument + shock
    true = -2.5 + 0.5 * rng.standard_normal(200)
    demand = true[category] * price + shock + noise
    crossed = np.bincount(category, instrument * price)
    own = np.bincount(category, instrument * demand) / crossed
    strength = [first_stage_f(instrument[rows], price[rows], offers[rows]) for rows in np.split(np.arange(16000), 200)]
    assert np.mean(np.array(strength) < 10.0) > 0.6
    found = Estimate(own, np.ones(len(offers), dtype=bool), demand, price, instrument)
    theta = shrunk_theta(found, offers, category)
    assert theta.mean() == pytest.approx(-2.5, abs=0.3)
    assert theta.std() < 1.0 < own.std()
    # under each category's own theta, the small in size look precise
    left = instrument * (demand - own[category] * price)
    precision = crossed**2 / np.bincount(category, left**2)
    assert np.average(own, weights=precision) > theta.mean() + 0.2
