"""The response to price on a panel in Spark, against NumPy, a library's clustered errors, and known elasticities."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from pyspark.sql import functions as F

from pricelake.demand.curve import response
from pricelake.demand.response.fitting import Prior
from pricelake.demand.response.learning import learn_response
from pricelake.demand.response.model import CROSS_SD, ELASTICITY, with_response, with_usual_units
from pricelake.demand.response.packing import OTHERS_PRICE
from pricelake.demand.response.price_model import (
    CONTROLS,
    FOLDS,
    PriceModel,
    Tried,
    fit_price_model,
    with_deviations,
    with_price_surprise,
)
from pricelake.demand.usual import with_usual_history
from pricelake.settings import DemandSettings
from tests.demand_shop import AS_OF, ELASTICITIES, panel_frame, panel_rows, with_features

END = AS_OF - timedelta(weeks=6)
SHIPPED = DemandSettings()
PRIOR = Prior(
    elasticity=SHIPPED.prior_elasticity,
    rise=SHIPPED.prior_rise,
    rise_sd=SHIPPED.prior_rise_sd,
    feature_sd=0.2,
    surprise_sd=SHIPPED.surprise_sd,
    smallest=SHIPPED.min_elasticity,
    largest=SHIPPED.max_elasticity,
)
KEY = ["product_id", "market_id", "period_start"]


def learn(closed, prior=PRIOR, on_round=None, instruments=("cost",)):
    return learn_response(
        closed, END, F.col("age_periods") > 0, None, None, 7, prior, Tried(instruments, 23.1), on_round
    )


def shop_rows(products: int = 32) -> pd.DataFrame:
    """A panel whose costs wander; list prices follow them in part."""
    rows = panel_rows(products=products, weeks=50)
    rng = np.random.default_rng(2)
    steps = 0.05 * rng.standard_normal((products, 51)).cumsum(axis=1)
    rows["unit_cost"] = np.round(0.5 * rows["list_price"].to_numpy() ** 0.4 * np.exp(steps).ravel(), 4)
    return rows


@pytest.fixture(scope="module")
def panel(spark):
    return panel_frame(spark, shop_rows()).cache()


@pytest.fixture(scope="module")
def deviations(panel):
    rows = with_deviations(panel, F.lit(END))
    return rows.cache()


def test_deviations_are_from_the_mean_of_the_training_periods(panel, deviations):
    found = deviations.select(*KEY, "dev_target", "dev_cost", "dev_others_list_price", "log_discount").toPandas()
    rows = shop_rows().merge(found, on=KEY, validate="one_to_one")
    is_past = rows["period_start"] < END
    for column, name in (("list_price", "dev_target"), ("unit_cost", "dev_cost")):
        values = np.log(rows[column])
        means = values[is_past].groupby(rows["product_id"]).mean()
        np.testing.assert_allclose(rows[name], values - rows["product_id"].map(means), atol=1e-4)
    one = rows[(rows["category"] == "BREAD") & (rows["period_start"] == END)].reset_index(drop=True)
    weight = one["units_mean_all"] + 0.01
    others = [np.delete(one["dev_target"] * weight, i).sum() / weight.sum() for i in range(len(one))]
    np.testing.assert_allclose(one["dev_others_list_price"], others, atol=1e-6)
    seen = rows["is_price_observed"]
    np.testing.assert_allclose(rows["log_discount"][seen], np.log1p(-rows["discount_rate"][seen]), atol=1e-6)


def test_coefficients_are_those_of_least_squares_on_the_other_folds(deviations):
    past = deviations.where(F.col("period_start") < F.lit(END))
    model = fit_price_model(past, Tried())
    names = [*CONTROLS, *model.instruments]
    table = past.select("price_fold", "dev_target", *(f"dev_{name}" for name in names)).toPandas()
    varies = [i for i, name in enumerate(names) if table[f"dev_{name}"].std() > 1e-9]
    columns = table[[f"dev_{names[i]}" for i in varies]].to_numpy()
    assert model.instruments == ("cost",)
    assert table["price_fold"].nunique() == FOLDS
    for fold in range(FOLDS):
        others = (table["price_fold"] != fold).to_numpy()
        wanted = np.linalg.lstsq(columns[others], table["dev_target"].to_numpy()[others], rcond=None)[0]
        np.testing.assert_allclose(np.array(model.coefficients[fold])[varies], wanted, atol=1e-4)
    surprise = (
        with_price_surprise(past, model)
        .select("price_fold", "price_surprise", "instrumented_price", "dev_target", *(f"dev_{name}" for name in names))
        .toPandas()
    )
    own = np.array([model.coefficients[fold] for fold in surprise["price_fold"]])
    expected = (own * surprise[[f"dev_{name}" for name in names]].to_numpy()).sum(axis=1)
    np.testing.assert_allclose(surprise["price_surprise"], surprise["dev_target"] - expected, atol=1e-9)
    np.testing.assert_allclose(surprise["instrumented_price"], own[:, -1] * surprise["dev_cost"], atol=1e-9)
    assert 0.0 < model.unexplained_rate < 1.0


def test_strength_has_the_clustered_error_of_a_library(deviations):
    """Two categories are too few, so that products are the clusters."""
    past = deviations.where(F.col("period_start") < F.lit(END))
    (strength,) = fit_price_model(past, Tried(least_f=10.0)).strengths
    table = past.select("product_id", "dev_target", "dev_cost", *(f"dev_{name}" for name in CONTROLS)).toPandas()
    varies = [f"dev_{name}" for name in CONTROLS if table[f"dev_{name}"].std() > 1e-9]
    groups = table["product_id"].astype("category").cat.codes
    oracle = sm.OLS(table["dev_target"], table[["dev_cost", *varies]]).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    without = sm.OLS(table["dev_target"], table[varies]).fit()
    assert strength.clusters == 32
    assert strength.coefficient == pytest.approx(oracle.params["dev_cost"], rel=1e-3)
    assert strength.partial_r2 == pytest.approx(1 - (oracle.ssr / without.ssr), rel=1e-3)
    assert strength.standard_error == pytest.approx(oracle.bse["dev_cost"] * np.sqrt(32 / 31), rel=1e-3)
    assert strength.is_strong == (strength.f >= 10.0)


def test_a_handful_of_products_says_nothing_about_an_instrument(spark):
    past = with_deviations(panel_frame(spark, shop_rows(products=8)), F.lit(END))
    (strength,) = fit_price_model(past.where(F.col("period_start") < F.lit(END)), Tried()).strengths
    assert (strength.clusters, strength.f, strength.is_strong) == (8, 0.0, False)
    assert strength.coefficient > 0.2


def test_weeks_without_weather_say_nothing_about_it(spark):
    rows = shop_rows(products=8)
    known = rows["period_start"] >= END - timedelta(weeks=20)
    rows["temperature_c"] = np.where(known, 20.0 + rows.groupby("product_id").cumcount() % 3, 0.0)
    rows["is_weather_missing"] = ~known
    found = with_deviations(panel_frame(spark, rows), F.lit(END)).select(*KEY, "dev_temperature").toPandas()
    found = rows.merge(found, on=KEY, validate="one_to_one")
    assert (found.loc[~known, "dev_temperature"] == 0.0).all()
    assert found.loc[known, "dev_temperature"].abs().max() < 2.0


def test_an_unsold_week_has_the_discount_that_was_announced_for_all_of_it(spark):
    rows = shop_rows(products=2)
    promoted = rows["period_start"] == END
    rows.loc[promoted, "units"] = 0.0
    rows.loc[promoted, ["promotion_depth_rate", "announced_discount_rate", "price_cut_rate"]] = [0.4, 0.1, 0.25]
    rows.loc[promoted, "is_price_observed"] = False
    found = with_deviations(panel_frame(spark, rows), F.lit(END)).where(F.col("period_start") == F.lit(END))
    assert [row[0] for row in found.select("log_discount").collect()] == pytest.approx([np.log(0.9)] * 2)


def test_a_cut_of_unknown_depth_is_no_usual_discount(spark):
    rows = shop_rows(products=2).assign(discount_rate=0.0)
    cut = rows["period_start"] < END - timedelta(weeks=20)
    rows.loc[cut, ["discount_rate", "price_cut_rate"]] = [0.5, 1.0]
    unsold = rows["period_start"] == END
    rows.loc[unsold, "is_price_observed"] = False
    found = with_deviations(panel_frame(spark, rows), F.lit(END)).where(F.col("period_start") == F.lit(END))
    assert [row[0] for row in found.select("log_discount").collect()] == pytest.approx([0.0, 0.0])


def test_an_assumed_cost_is_no_instrument(spark):
    rows = shop_rows(products=8).assign(cost_source="assumed")
    past = with_deviations(panel_frame(spark, rows), F.lit(END)).where(F.col("period_start") < F.lit(END))
    model = fit_price_model(past, Tried())
    assert model.instruments == ()
    assert model.strengths[0].f == 0.0
    assert len(model.coefficients[0]) == len(CONTROLS)


@pytest.mark.parametrize(("noise", "is_derived"), [(0.0, True), (0.02, False)])
def test_a_cost_worked_out_from_the_price_is_no_instrument(spark, noise, is_derived):
    """Its F is the largest there is: the price explains itself, and whatever moved it would pass for exogenous."""
    rows = shop_rows()
    own = np.exp(noise * np.random.default_rng(4).standard_normal(len(rows)))
    rows["unit_cost"] = np.round(0.7 * rows["list_price"] * own, 2)
    past = with_deviations(panel_frame(spark, rows), F.lit(END)).where(F.col("period_start") < F.lit(END))
    model = fit_price_model(past, Tried(least_f=23.1, most_r2=0.995))
    (strength,) = model.strengths
    assert strength.f > 1000.0
    assert strength.partial_r2 > 0.8
    assert (strength.is_derived, strength.is_strong) == (is_derived, not is_derived)
    assert model.instruments == (() if is_derived else ("cost",))


def rows_of_markets(products: int = 24, markets: int = 6, weeks: int = 40) -> pd.DataFrame:
    """List prices follow a cost that all markets share and no table holds, and the demand of their own market."""
    rng = np.random.default_rng(5)
    wanders = (0.5**0.5 * 0.06 * rng.standard_normal((products, weeks + 1))).cumsum(axis=1)
    frames = []
    for number in range(products):
        category = list(ELASTICITIES)[number % 2]
        for market in range(markets):
            wanted = 0.5 * rng.standard_normal(weeks + 1)
            log_price = wanders[number] + 0.1 * wanted
            mean = 12.0 * np.exp(ELASTICITIES[category] * log_price + wanted)
            frames.append(
                pd.DataFrame(
                    {
                        "product_id": f"p{number:03d}",
                        "market_id": f"m{market}",
                        "period_start": [AS_OF - timedelta(weeks=weeks - week) for week in range(weeks + 1)],
                        "department": "FOOD",
                        "category": category,
                        "subcategory": category,
                        "brand": "brand",
                        "list_price": np.round(3.0 * np.exp(log_price), 2),
                        "display_rate": 0.0,
                        "true_mean": mean,
                        "units": rng.poisson(mean).astype(float),
                    }
                )
            )
    rows = pd.concat(frames, ignore_index=True)
    return with_features(rows.assign(true_price=rows["list_price"])).assign(cost_source="assumed")


def test_the_mean_price_of_other_markets_is_that_of_the_rows_there_are(spark):
    rows = rows_of_markets(products=4, markets=3)
    gone = (rows["market_id"] == "m2") & (rows["product_id"] == "p001")
    alone = (rows["market_id"] != "m0") & (rows["product_id"] == "p003")
    rows = rows[~(gone | alone)].reset_index(drop=True)
    wanted = with_deviations(panel_frame(spark, rows), F.lit(END), instruments=("other_markets",))
    assert "dev_cost" not in wanted.columns
    found = wanted.select(*KEY, "dev_target", "dev_other_markets").toPandas()
    for row in found.itertuples():
        same = (found["product_id"] == row.product_id) & (found["period_start"] == row.period_start)
        others = found.loc[same & (found["market_id"] != row.market_id), "dev_target"]
        assert row.dev_other_markets == pytest.approx(others.mean() if len(others) else 0.0, abs=1e-12)
    assert found.groupby("product_id")["dev_other_markets"].std().gt(0.0).to_dict() == {
        "p000": True,
        "p001": True,
        "p002": True,
        "p003": False,
    }


def test_a_shop_of_one_market_has_no_other_markets_prices(spark):
    rows = panel_frame(spark, rows_of_markets(markets=1))
    past = with_deviations(rows, F.lit(END), instruments=("cost", "other_markets"))
    model = fit_price_model(past.where(F.col("period_start") < F.lit(END)), Tried(("cost", "other_markets")))
    assert [(one.instrument, one.clusters, one.is_strong) for one in model.strengths] == [
        ("cost", 0, False),
        ("other_markets", 0, False),
    ]
    assert model.instruments == ()


def test_prices_of_other_markets_tell_what_own_ones_hide(spark):
    """Own prices followed demand: alone they say that nothing identifies how units answer."""
    closed = panel_frame(spark, rows_of_markets()).where("not is_open").cache()
    without, beside = (learn(closed, instruments=tried) for tried in (("cost",), ("cost", "other_markets")))
    assert without.model.price.instruments == ()
    assert without.facts["categories_by_identification"] == {"weak": 2}
    assert beside.model.price.instruments == ("other_markets",)
    assert beside.facts["categories_by_identification"] == {"instruments": 2}
    truth = {name: -size for name, size in ELASTICITIES.items()}
    found = beside.model.kinds.set_index("category")["elasticity"]
    assert {name: found[name] for name in truth} == pytest.approx(truth, abs=0.4)
    assert found["CHEESE"] - found["BREAD"] > 0.8
    blind = without.model.kinds.set_index("category")["elasticity"]
    assert max(abs(blind[name] - truth[name]) for name in truth) > 0.5
    unsure = without.model.kinds.set_index("category")["elasticity_sd"]
    assert all(abs(blind[name] - truth[name]) < 1.645 * unsure[name] for name in truth)
    surprise = with_response(closed, beside.model).agg(F.stddev("price_surprise")).first()[0]
    assert surprise == pytest.approx(0.05, rel=0.25)  # what followed the market's own demand


@pytest.fixture(scope="module")
def learnt(panel):
    closed = panel.where("not is_open")
    rounds = []
    found = learn(closed, on_round=lambda done, most: rounds.append(done))
    assert rounds == list(range(1, len(rounds) + 1))
    return found


def test_known_elasticities_are_told_apart(learnt):
    products = learnt.model.products.set_index("product_id")["elasticity"]
    category = shop_rows().drop_duplicates("product_id").set_index("product_id")["category"]
    means = products.groupby(category.reindex(products.index)).mean()
    # sixteen products of a category leave a standard error of 0.14
    assert means["BREAD"] == pytest.approx(-ELASTICITIES["BREAD"], abs=0.5)
    assert means["CHEESE"] == pytest.approx(-ELASTICITIES["CHEESE"], abs=0.5)
    assert means["CHEESE"] - means["BREAD"] > 0.4
    assert learnt.facts["converged"]
    assert learnt.facts["products"] == 32
    assert learnt.facts["coefficients"]["display"] == pytest.approx(0.8, abs=0.15)
    assert sum(learnt.facts["categories_by_identification"].values()) == 2


def test_no_kind_is_outside_the_bounds(panel):
    closed = panel.where("not is_open")
    bounded = replace(PRIOR, smallest=1.9, largest=2.2)
    found = learn(closed, bounded).model
    for table in (found.kinds, found.products):
        assert table["elasticity"].between(1.9, 2.2).all()
        assert table["elasticity"].nunique() > 1


def test_a_slip_in_one_price_moves_nothing_else(spark, learnt):
    rows = shop_rows()
    slip = (rows["product_id"] == "p000") & (rows["period_start"] == END - timedelta(weeks=9))
    for name in ("list_price", "unit_price"):
        rows[name] = rows[name].where(~slip, 100 * rows[name])
    closed = panel_frame(spark, rows).where("not is_open")
    found = learn(closed).model.products.set_index("product_id")
    clean = learnt.model.products.set_index("product_id")
    moved = (found["elasticity"] - clean["elasticity"]).drop("p000")
    assert moved.abs().max() < 0.25


def test_a_cost_that_no_price_follows_identifies_nothing(spark):
    """The other category's prices follow it, and so it is a strong instrument of the shop."""
    rows = shop_rows(products=80)
    cheese = rows["category"] == "CHEESE"
    first = rows.groupby("product_id")["list_price"].transform("first")
    rows["unit_cost"] = rows["unit_cost"].where(cheese, 0.6 * rows["list_price"])
    for name in ("list_price", "unit_price", "reference_price"):
        rows[name] = rows[name].where(~cheese, first)
    rows.loc[cheese, "discount_rate"] = 0.0
    found = learn(panel_frame(spark, rows).where("not is_open"))
    assert found.model.price.instruments == ("cost",)
    assert dict(found.model.kinds.set_index("category")["identification"].drop("")) == {
        "BREAD": "instruments",
        "CHEESE": "weak",
    }


def test_rare_products_are_not_among_the_others(panel, learnt):
    """However many there are: the coefficients were learnt without them."""
    names = ("price_surprise", "others_surprise", "promotion_effect", "category_share")
    alone = with_response(panel, learnt.model).select(*KEY, *names).toPandas().sort_values(KEY)
    rare = panel.withColumn("product_id", F.concat(F.lit("rare "), "product_id"))
    crowd = with_response(panel.unionByName(rare), learnt.model).select(*KEY, *names).toPandas()
    is_rare = crowd["product_id"].str.startswith("rare")
    known = crowd[~is_rare].sort_values(KEY)
    np.testing.assert_allclose(known[list(names)], alone[list(names)], atol=1e-12)
    assert crowd.loc[is_rare, "category_share"].between(0.0, 0.6).all()


def test_rows_carry_the_curve_and_units_at_the_usual_price(panel, learnt):
    answered = with_usual_units(with_response(panel, learnt.model))
    found = with_usual_history(answered, 7).toPandas().sort_values(KEY, ignore_index=True)
    shape = [found[name] for name in ("elasticity_low", "elasticity_high", "bend", "steepness")]
    moved = response(found["log_price"] - found["log_reference"], *shape)
    np.testing.assert_allclose(found["price_effect"] - found["reference_effect"], moved, atol=1e-9)
    closed = found[~found["is_open"]]
    effects = closed[["department", "category"]].merge(learnt.model.kinds, how="left")
    others = closed["dev_others_list_price"] + closed["dev_others_discount"]
    promoted = effects["display"].to_numpy() * closed["display_rate"] + effects[OTHERS_PRICE].to_numpy() * others
    assert effects.groupby("category")["display"].first().nunique() > 1
    np.testing.assert_allclose(closed["cross_elasticity"], effects[OTHERS_PRICE], rtol=1e-9)
    np.testing.assert_allclose(closed["cross_elasticity_sd"], effects[CROSS_SD], rtol=1e-9)
    wanted = closed["units_winsorised"] * np.exp(-closed["price_effect"] - promoted)
    np.testing.assert_allclose(closed["usual_units"], wanted, rtol=1e-9)
    assert found.loc[found["is_open"], "usual_units"].isna().all()
    group = found.groupby("product_id")["usual_units"]
    np.testing.assert_allclose(found["usual_lag_2"], group.shift(2).fillna(0.0))
    rolled = group.transform(lambda units: units.shift(1).rolling(4, min_periods=1).mean()).fillna(0.0)
    np.testing.assert_allclose(found["usual_mean_4"], rolled)


def test_a_product_that_came_later_has_what_its_category_has(spark, panel, learnt):
    renamed = panel.where("product_id = 'p000'").withColumn("product_id", F.lit("new"))
    odd = renamed.withColumn("product_id", F.lit("odd")).withColumn("category", F.lit("NEVER SEEN"))
    found = with_response(renamed.unionByName(odd), learnt.model).select("product_id", *ELASTICITY, "identification")
    rows = {row["product_id"]: row for row in found.distinct().collect()}
    kinds = learnt.model.kinds.set_index("category")
    assert rows["new"]["elasticity"] == pytest.approx(kinds.loc["BREAD", "elasticity"])
    assert rows["odd"]["elasticity"] == pytest.approx(kinds.loc["", "elasticity"])
    assert rows["odd"]["identification"] == "weak"
    # what all share is as uncertain there as anywhere, and what its kind has is known by nothing
    assert {row["elasticity_common_sd"] for row in rows.values()} == {round(learnt.facts["common_sd"], 8)}
    assert rows["odd"]["elasticity_sd"] > rows["odd"]["elasticity_common_sd"]
    relative = kinds.drop("")["elasticity_sd"] / kinds.drop("")["elasticity"]
    assert rows["odd"]["elasticity_sd"] / rows["odd"]["elasticity"] >= relative.mean() - 1e-3


def test_no_price_ever_moved(spark):
    rows = shop_rows(products=8)
    still = rows.assign(list_price=2.0, unit_price=2.0, reference_price=2.0, discount_rate=0.0, unit_cost=1.0)
    closed = panel_frame(spark, still).where("not is_open")
    found = learn(closed)
    assert found.model.products["elasticity"].to_numpy() == pytest.approx(2.0, abs=0.3)
    assert set(found.model.products["identification"]) == {"weak"}
    assert isinstance(found.model.price, PriceModel)
    # no wider than what is believed before: an interval that can be priced on
    assert found.model.products["elasticity_sd"].between(0.1, 3.0).all()
