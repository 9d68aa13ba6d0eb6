from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.demand.inputs import (
    AS_SOLD_SQL,
    CONTEXT_SQL,
    LEVEL_SQL,
    YEARLY,
    encode,
    fit_encoding,
    fit_vocabulary,
    model_columns,
)
from pricelake.demand.prediction import at_usual_price
from pricelake.demand.response.kernel import price_effect
from pricelake.demand.response.model import EFFECTS, ELASTICITY, ResponseModel, with_response, with_usual_units
from pricelake.demand.response.price_model import CONTROLS, FOLDS, PriceModel
from pricelake.demand.usual import with_usual_history
from tests.demand_shop import AS_OF, factors_frame, panel_frame, panel_rows

SPLIT = AS_OF - timedelta(weeks=8)


@pytest.fixture(scope="module")
def rows():
    return panel_rows(products=8, weeks=40)


EFFECT = {"display": 0.5, "feature": 0.3, "coupon": 0.1, "price_cut": 0.0, "others_price": 0.0, "others_price_sd": 0.0}
RESPONSE = ResponseModel(
    PriceModel((), tuple((0.0,) * len(CONTROLS) for _ in range(FOLDS)), (), 1.0),
    0.25,
    pd.DataFrame([], columns=["product_id", *ELASTICITY, "identification"]),
    pd.DataFrame(
        [["", "", 2.0, 0.5, 0.2, 0.1, "weak", *(EFFECT[name] for name in EFFECTS)]],
        columns=["department", "category", *ELASTICITY, "identification", *EFFECTS],
    ),
    SPLIT,
)
"""Every product has an elasticity of -2, and no list price is expected to move."""


def with_history(panel: DataFrame) -> DataFrame:
    return at_usual_price(panel, RESPONSE, 7)


@pytest.fixture(scope="module")
def fitted(spark, rows):
    panel = with_history(panel_frame(spark, rows)).cache()
    train = panel.where(F.col("period_start") < F.lit(SPLIT))
    vocabulary = fit_vocabulary(train).cache()
    factors = factors_frame(spark, rows)
    return panel, vocabulary, factors, fit_encoding(train, vocabulary, factors, 280, 20)


@pytest.fixture(scope="module")
def encoded(fitted):
    panel, vocabulary, factors, encoding = fitted
    names = [name for name, _ in model_columns(encoding.factor_names)]
    kept = ["is_open", "product_id", "period_start", "units_observed", "panel_log_price_ratio", "log_price_ratio"]
    kept += [*AS_SOLD_SQL, *names]
    found = encode(panel, vocabulary, factors, encoding).select(*kept).toPandas()
    return found.sort_values(["product_id", "period_start"], ignore_index=True)


def test_columns_and_types_are_the_training_schema(fitted):
    panel, vocabulary, factors, encoding = fitted
    found = dict(encode(panel, vocabulary, factors, encoding).dtypes)
    spark_names = {"float32": "float", "int32": "int"}
    assert {n: found[n] for n, _ in model_columns(encoding.factor_names)} == {
        name: spark_names[kind] for name, kind in model_columns(encoding.factor_names)
    }


def test_numbers_equal_pandas(encoded, rows):
    rows = rows.sort_values(["product_id", "period_start"], ignore_index=True)
    for name in ("lag_1", "mean_8", "mean_all"):
        np.testing.assert_allclose(encoded[f"log_units_{name}"], np.log1p(rows[f"units_{name}"]), rtol=1e-5)
    ratio = np.log(rows["unit_price"] / rows["reference_price"])
    seen = rows["is_price_observed"]
    np.testing.assert_allclose(encoded["panel_log_price_ratio"], ratio, atol=1e-4)
    np.testing.assert_allclose(encoded["log_price_ratio"][seen], ratio[seen], atol=1e-4)
    past = rows[rows["period_start"] < SPLIT]
    usual = rows["product_id"].map(np.log(past["list_price"]).groupby(past["product_id"]).mean())
    own, reference = (np.log(rows[name]) - usual for name in ("unit_price", "reference_price"))
    moved = price_effect(own.to_numpy(), np.full(len(rows), 2.0), 0.25)
    at_reference = price_effect(reference.to_numpy(), np.full(len(rows), 2.0), 0.25)
    np.testing.assert_allclose(encoded["log_price_effect"][seen], (moved - at_reference)[seen], atol=1e-4)
    np.testing.assert_allclose(encoded["log_offset"], at_reference + 0.5 * rows["display_rate"], atol=1e-4)
    base = pd.Series(rows["units_winsorised"] * np.exp(-moved - 0.5 * rows["display_rate"]))
    before = base.groupby(rows["product_id"]).shift(1).fillna(0.0)
    was_seen = seen.groupby(rows["product_id"]).shift(1, fill_value=True) | (before == 0)
    np.testing.assert_allclose(encoded["log_usual_lag_1"][was_seen], np.log1p(before)[was_seen], atol=1e-4)
    train = rows[rows["period_start"] < SPLIT]
    mean = np.log(train["reference_price"]).groupby(train["category"]).mean()
    expected = np.log(rows["reference_price"]) - rows["category"].map(mean)
    np.testing.assert_allclose(encoded["log_relative_price"], expected, atol=1e-4)


def test_what_was_usual_counts_periods_by_their_time_in_stock(spark, rows):
    out = rows["product_id"].eq("p001") & rows["age_periods"].isin([20, 21, 22, 23]) & ~rows["is_open"]
    partly = rows["product_id"].eq("p001") & rows["age_periods"].eq(15)
    rows = rows.assign(availability_rate=np.where(out, 0.0, np.where(partly, 0.25, 1.0)))
    rows = rows.assign(units_winsorised=np.where(out, 0.0, rows["units_winsorised"]))
    usual = with_usual_units(with_response(panel_frame(spark, rows), RESPONSE))
    found = with_usual_history(usual, 7).toPandas().sort_values("period_start")
    found = found[found["product_id"] == "p001"].set_index("age_periods")
    exposure = found["availability_rate"].clip(lower=1e-6)
    base = found["usual_units"] * exposure

    def mean(first, last):
        return base.loc[first:last].sum() / exposure.loc[first:last].sum()

    assert found["usual_mean_4"][18] == pytest.approx(mean(14, 17))
    assert found["usual_mean_8"][24] == pytest.approx(mean(16, 23))
    assert found["usual_lag_1"][20] == pytest.approx(found["usual_units"][19])
    # four periods without stock: what was usual before stands for them
    assert found["usual_mean_4"][24] == found["usual_mean_8"][24] > 0.0
    assert [found[f"usual_lag_{back}"][24] for back in (1, 4)] == [found["usual_mean_4"][24]] * 2
    assert found["usual_max_8"][24] == pytest.approx(found["usual_units"].loc[16:19].max())
    assert found["usual_lag_1"][0] == found["usual_mean_all"][0] == 0.0


def test_statistics_are_those_of_the_training_rows_alone(fitted, encoded):
    encoding = fitted[3]
    train = encoded[encoded["period_start"] < SPLIT]
    for name, mean, deviation in zip(CONTEXT_SQL, encoding.means, encoding.deviations, strict=True):
        assert mean == pytest.approx(train[name].mean(), abs=2e-3), name
        spread = train[name].std(ddof=0)
        assert deviation == pytest.approx(spread if spread > 1e-4 else 1.0, rel=2e-3), name


def test_indices_are_dense_and_zero_means_unknown(spark, fitted, rows):
    _, vocabulary, factors, encoding = fitted
    stored = vocabulary.toPandas()
    for level, size in encoding.vocabulary_sizes:
        assert sorted(stored.loc[stored["level"] == level, "index"]) == list(range(1, size))
    assert dict(encoding.vocabulary_sizes)["product"] == 9
    stranger = with_history(panel_frame(spark, rows.head(1).assign(product_id="new", brand="new", category="NEW")))
    row = encode(stranger, vocabulary, factors, encoding).first()
    assert [row[f"{level}_index"] for level in LEVEL_SQL] == [1, 0, 0, 0, 0, 1]
    assert row["is_factor_known"] == 0.0
    assert row["log_relative_price"] == pytest.approx(
        float(np.log(rows["reference_price"][0])) - encoding.default_log_price, abs=1e-5
    )


def test_factors_come_at_unit_length_and_zero_where_unknown(encoded):
    known = encoded[encoded["is_factor_known"] == 1.0]
    names = [name for name in encoded if name.startswith("factor_")]
    assert len(names) == 4
    np.testing.assert_allclose(np.linalg.norm(known[names], axis=1), 1.0, rtol=1e-5)
    unknown = encoded[encoded["is_factor_known"] == 0.0]
    assert set(unknown["product_id"]) == {"p007"}
    assert (unknown[names] == 0).all().all()


def test_the_context_knows_nothing_of_the_price_of_its_period(spark, fitted, rows):
    _, vocabulary, factors, encoding = fitted
    names = [name for name in CONTEXT_SQL if name != "price_surprise"] + [*encoding.factor_names, "log_offset"]
    last = rows["period_start"] == AS_OF - timedelta(weeks=1)
    moved = rows.copy()
    for name in ("unit_price", "list_price"):
        moved[name] = rows[name] * np.where(last, 1.3, 1.0)
    moved["discount_rate"] = rows["discount_rate"].where(~last, 0.5)
    moved["promotion_depth_rate"] = rows["promotion_depth_rate"].where(~last, 0.5)
    for name in ("units", "units_winsorised"):
        moved[name] = rows[name] + last
    one, other = (
        encode(with_history(panel_frame(spark, p)), vocabulary, factors, encoding)
        .where(F.col("period_start") == F.lit(AS_OF - timedelta(weeks=1)))
        .select("product_id", "price_surprise", *names)
        .orderBy("product_id")
        .toPandas()
        for p in (rows, moved)
    )
    pd.testing.assert_frame_equal(one[names], other[names])
    # the list price is in it for what it tells about the seller
    np.testing.assert_allclose(other["price_surprise"] - one["price_surprise"], np.log(1.3), atol=1e-3)


def test_an_open_row_is_encoded_as_a_closed_one(spark, fitted, rows):
    panel, vocabulary, factors, encoding = fitted
    closed = rows.assign(
        is_open=False,
        units=rows["units"].fillna(3.0),
        units_winsorised=rows["units_winsorised"].fillna(3.0),
        revenue_amount=rows["revenue_amount"].fillna(1.0),
    )
    names = [name for name, _ in model_columns(encoding.factor_names) if name != "units"]
    one, other = (
        encode(p, vocabulary, factors, encoding).select("product_id", *names).orderBy("product_id").toPandas()
        for p in (
            panel.where("is_open"),
            with_history(panel_frame(spark, closed)).where(F.col("period_start") == AS_OF),
        )
    )
    pd.testing.assert_frame_equal(one, other)


def test_yearly_columns_are_silent_until_two_years_are_known(spark, fitted, rows):
    panel, vocabulary, factors, encoding = fitted
    assert not encoding.knows_season
    yearly = with_history(panel_frame(spark, rows.assign(season_sin_1=0.7, holiday_days=2)))
    short = encode(yearly, vocabulary, factors, encoding).first()
    assert all(short[name] == 0.0 for name in YEARLY)
    long = fit_encoding(panel.where("not is_open"), vocabulary, factors, 728, 20)
    assert long.knows_season
    assert encode(yearly, vocabulary, factors, long).first()["season_sin_1"] == pytest.approx(0.7)


def test_a_product_has_no_name_before_it_has_sold_often_enough(spark, fitted, rows):
    panel, vocabulary, factors, encoding = fitted
    found = encode(panel, vocabulary, factors, encoding).select("sold_periods", "product_index", "brand_index")
    table = found.toPandas()
    early = table["sold_periods"] < 20
    assert 0.2 < early.mean() < 0.8
    assert (table.loc[early, "product_index"] == 0).all()
    assert (table.loc[~early, "product_index"] > 0).mean() > 0.8
    assert (table.loc[early, "brand_index"] > 0).mean() > 0.8


def test_without_a_recommender_there_are_no_factor_columns(fitted):
    panel, vocabulary, _, _ = fitted
    encoding = fit_encoding(panel.where("not is_open"), vocabulary, None, 280, 20)
    assert encoding.factor_names == ()
    assert "factor_0" not in encode(panel, vocabulary, None, encoding).columns
