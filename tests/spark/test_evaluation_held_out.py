import numpy as np
import pandas as pd
import pytest

from pricelake.evaluation.baselines import bounded_rows, fit_lightgbm, with_lightgbm
from pricelake.evaluation.held_out import Contender, elasticity_figures, judge, judge_by


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
    assert found["model"]["share_downward"] == pytest.approx(0.75)
    assert "share_downward" not in found["naive"]


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
