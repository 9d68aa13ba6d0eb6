from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pricelake.evaluation.baselines import bounded_rows, fit_lightgbm, with_lightgbm, with_naive_forecasts
from pricelake.evaluation.held_out import Contender, elasticity_figures, judge, judge_by, score_bias


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(2)
    count = 60
    return pd.DataFrame(
        {
            "product_id": [f"p{i % 6}" for i in range(count)],
            "market_id": "north",
            "category": ["A" if i % 3 else "B" for i in range(count)],
            "units_observed": rng.poisson(4.0, count).astype(float),
            "is_price_observed": rng.random(count) < 0.7,
            "model": rng.gamma(4.0, 1.0, count),
            "naive": rng.gamma(4.0, 1.0, count),
            "elasticity": -rng.gamma(4.0, 0.5, count),
        }
    ).assign(model_raised=lambda r: np.where(np.arange(count) % 4, r["model"] * 0.8, r["model"]))


CONTENDERS = (Contender("model", "model", "model_raised"), Contender("naive", "naive"))


def test_figures_equal_those_of_pandas(spark, rows):
    found = judge(spark.createDataFrame(rows), CONTENDERS)
    units = rows["units_observed"]
    for name in ("model", "naive"):
        assert found[name]["wape"] == pytest.approx((rows[name] - units).abs().sum() / units.sum())
        assert found[name]["bias"] == pytest.approx(rows[name].sum() / units.sum() - 1)
        seen = rows[rows["is_price_observed"]]
        error = (seen[name] - seen["units_observed"]).abs().sum()
        assert found[name]["wape_price_observed"] == pytest.approx(error / units.sum())
        assert found[name]["rows"] == 60
        assert found[name]["not_finite"] == 0
    assert found["model"]["share_rows_downward"] == pytest.approx(0.75)
    assert {"share_downward", "share_rows_downward"}.isdisjoint(found["naive"])


def test_running_out_of_stock_is_no_bias(spark):
    """Purchases of a week at a rate that scatters, until the stock is gone; the true rate is forecast."""
    rng = np.random.default_rng(4)
    count, dispersion = 20_000, 0.3
    rate = np.exp(rng.normal(2.5, 0.5, count))
    wanted = rng.poisson(rate * rng.gamma(1 / dispersion, dispersion, count))
    stock = np.ceil(rate * rng.uniform(0.5, 2.0, count))
    is_out = wanted >= stock
    # purchases are spread evenly over the week: the last unit goes at the stock's place among them
    gone = rng.beta(stock, np.maximum(wanted - stock, 0) + 1)
    exposure = np.where(is_out, gone, 1.0)
    rows = pd.DataFrame(
        {"units_observed": np.minimum(wanted, stock), "model": rate * exposure, "dispersion": dispersion}
    )
    frame = spark.createDataFrame(rows)
    assert is_out.mean() > 0.3
    assert rows["model"].sum() / rows["units_observed"].sum() - 1 > 0.05
    assert score_bias(frame, "model", "dispersion") == pytest.approx(0.0, abs=0.01)
    assert score_bias(frame.withColumn("model", frame["model"] * 1.2), "model", "dispersion") > 0.15


def test_a_product_slopes_down_by_its_sum_over_the_held_out_periods(spark):
    """a answers in one step of four; b rises more than it falls; c, in two markets, never answers in one of them."""
    plan = {
        ("a", "north"): [(2.0, 2.0), (2.0, 2.0), (2.0, 2.0), (2.0, 1.9)],
        ("b", "north"): [(3.0, 2.0), (1.0, 2.5)],
        ("c", "north"): [(1.0, 1.0), (1.0, 1.0)],
        ("c", "south"): [(1.0, 0.9), (1.0, 0.9)],
    }
    rows = pd.DataFrame(
        [(*pair, 1.0, True, *row) for pair, weeks in plan.items() for row in weeks],
        columns=["product_id", "market_id", "units_observed", "is_price_observed", "model", "model_raised"],
    )
    found = judge(spark.createDataFrame(rows), CONTENDERS[:1])["model"]
    assert found["share_downward"] == pytest.approx(2 / 4)
    assert found["share_rows_downward"] == pytest.approx(4 / 10)


def test_naive_forecasts_are_of_units_as_sold_strictly_before(spark):
    """``a`` sold 100 in one week that the panel pulls back to 6; ``b`` was off sale in weeks 3 to 6."""
    start = date(2024, 1, 1)
    sold = {"a": [1, 2, 100, 4, 5, 6, 7, 8, 9, 1000, 2000], "b": [3, 5, 7, None, None, None, None, 1, 2, 5, 8]}
    panel = pd.DataFrame(
        [
            (product, "north", start + timedelta(weeks=week), float(units), min(float(units), 6.0))
            for product, weeks in sold.items()
            for week, units in enumerate(weeks)
            if units is not None
        ],
        columns=["product_id", "market_id", "period_start", "units", "units_winsorised"],
    )
    first = start + timedelta(weeks=9)
    held_out = panel.loc[panel["period_start"] >= first, ["product_id", "market_id", "period_start"]]
    frame = with_naive_forecasts(spark.createDataFrame(held_out), spark.createDataFrame(panel), first, 7, F.lit(1.0))
    found = frame.toPandas().set_index(["product_id", "period_start"])
    weeks = (first, first + timedelta(weeks=1))
    assert [found.loc[("a", week), "last_week"] for week in weeks] == [9.0, 1000.0]
    assert [found.loc[("b", week), "last_week"] for week in weeks] == [2.0, 5.0]
    a, b = ([None if u is None else float(u) for u in sold[name]] for name in ("a", "b"))
    for number, week in enumerate(weeks, start=9):
        for product, units in (("a", a), ("b", b)):
            before = [u for u in units[number - 8 : number] if u is not None]
            assert found.loc[(product, week), "mean_8_weeks"] == pytest.approx(sum(before) / len(before))


def test_the_mean_by_time_in_stock_is_of_demand(spark):
    """Ten units a period in stock; lately half of each period was, so that five were sold."""
    first = date(2024, 3, 4)
    columns = "product_id string, market_id string, period_start date, units double, share double"
    rows = [("a", "north", first - timedelta(weeks=n), 5.0 if n else 10.0, 0.5 if n else 1.0) for n in range(10)]
    panel = spark.createDataFrame(rows, columns)
    last = panel.where("share = 1").drop("units", "share")
    row = with_naive_forecasts(last, panel, first, 7, F.col("share")).first()
    assert (row["mean_8_weeks"], row["mean_8_weeks_in_stock"]) == (5.0, 10.0)


def test_a_naive_forecast_without_anything_before_is_zero(spark):
    columns = "product_id string, market_id string, period_start date, units double"
    first = date(2024, 3, 4)
    panel = spark.createDataFrame([("new", "north", first, 7.0)], columns)
    row = with_naive_forecasts(panel.drop("units"), panel, first, 7, F.lit(1.0)).first()
    assert (row["mean_8_weeks"], row["last_week"]) == (0.0, 0.0)


def test_forecasts_that_are_no_numbers_are_counted(spark, rows):
    broken = rows.assign(model=rows["model"].mask(rows.index < 2).where(rows.index != 5, np.inf)).assign(naive=-1.0)
    found = judge(spark.createDataFrame(broken), CONTENDERS)
    assert found["model"]["not_finite"] == 3
    assert found["naive"]["not_finite"] == 60


def test_nothing_sold_gives_no_figure_rather_than_a_good_one(spark, rows):
    found = judge(spark.createDataFrame(rows.assign(units_observed=0.0)), CONTENDERS)
    assert np.isnan(found["model"]["wape"])
    assert np.isnan(found["model"]["bias"])


def test_figures_by_category(spark, rows):
    found = judge_by(spark.createDataFrame(rows), CONTENDERS, "category", 1).toPandas()
    assert list(found["group"]) == ["A"]
    own = rows[rows["category"] == "A"]
    wape = (own["model"] - own["units_observed"]).abs().sum() / own["units_observed"].sum()
    assert found["model_wape"][0] == pytest.approx(wape)


def test_elasticity_counts_each_product_once(spark, rows):
    means = rows.groupby("product_id")["elasticity"].mean().sort_values()
    found = elasticity_figures(spark.createDataFrame(rows), "elasticity")
    assert found["median_elasticity"] == pytest.approx(means.iloc[2])
    assert found["elasticity_p05"] == pytest.approx(means.iloc[0])


def test_a_sample_is_the_same_every_time_and_near_its_size(spark):
    frame = spark.range(20_000).withColumnRenamed("id", "product_id")
    first = bounded_rows(frame, ["product_id"], 20_000, 5_000, 3)
    again = bounded_rows(frame.repartition(3), ["product_id"], 20_000, 5_000, 3)
    assert 4_600 < first.count() < 5_400
    assert first.exceptAll(again).isEmpty()
    assert bounded_rows(frame, ["product_id"], 20_000, 20_000, 3) is frame


def test_lightgbm_learns_and_is_scored_where_it_was_not_trained(spark):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"u": rng.normal(0, 0.3, 3000), "c": rng.integers(0, 3, 3000), "noise": rng.normal(size=3000)})
    data["units"] = rng.poisson(np.exp(1.5 - 2.0 * data["u"] + 0.3 * data["c"])).astype(float)
    booster = fit_lightgbm(data[:2000], data[2000:2500], ["u", "c", "noise"], ["c"], "units", 1, 2)
    assert booster.rows == 2000
    assert booster.objective in ("tweedie", "poisson", "regression")
    rest = data[2500:]
    forecast = with_lightgbm(spark.createDataFrame(rest), booster, "trees", "u").toPandas()
    wape = (forecast["trees"] - rest["units"].to_numpy()).abs().sum() / rest["units"].sum()
    naive = (rest["units"] - data["units"][:2000].mean()).abs().sum() / rest["units"].sum()
    assert wape < 0.8 * naive
    assert forecast["trees_raised"].mean() < forecast["trees"].mean()
