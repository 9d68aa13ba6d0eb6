from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pricelake.demand.inputs import (
    CONTEXT_SQL,
    LEVEL_SQL,
    YEARLY,
    encode,
    filter_eligible,
    fit_encoding,
    fit_vocabulary,
    model_columns,
)
from tests.demand_shop import AS_OF, factors_frame, panel_frame, panel_rows

SPLIT = AS_OF - timedelta(weeks=8)


@pytest.fixture(scope="module")
def rows():
    return panel_rows(products=8, weeks=40)


@pytest.fixture(scope="module")
def fitted(spark, rows):
    panel = panel_frame(spark, rows).cache()
    train = panel.where(F.col("period_start") < F.lit(SPLIT))
    vocabulary = fit_vocabulary(train).cache()
    factors = factors_frame(spark, rows)
    return panel, vocabulary, factors, fit_encoding(train, vocabulary, factors, 280)


@pytest.fixture(scope="module")
def encoded(fitted):
    panel, vocabulary, factors, encoding = fitted
    names = [name for name, _ in model_columns(encoding.factor_names)]
    kept = ["is_open", "product_id", "period_start", "units_observed", "panel_log_price_ratio", *names]
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
    np.testing.assert_allclose(encoded["panel_log_price_ratio"], ratio, atol=1e-4)
    np.testing.assert_allclose(encoded["log_price_ratio"], ratio.where(rows["is_price_observed"], 0.0), atol=1e-4)
    train = rows[rows["period_start"] < SPLIT]
    mean = np.log(train["reference_price"]).groupby(train["category"]).mean()
    expected = np.log(rows["reference_price"]) - rows["category"].map(mean)
    np.testing.assert_allclose(encoded["log_relative_price"], expected, atol=1e-4)
    assert (encoded["log_exposure"] == 0).all()


def test_statistics_are_those_of_the_training_rows_alone(fitted, encoded):
    encoding = fitted[3]
    train = encoded[encoded["period_start"] < SPLIT]
    for name, mean, deviation in zip(CONTEXT_SQL, encoding.means, encoding.deviations, strict=True):
        assert mean == pytest.approx(train[name].mean(), abs=2e-3), name
        spread = train[name].std(ddof=0)
        assert deviation == pytest.approx(spread if spread > 1e-4 else 1.0, rel=2e-3), name
    assert encoding.rows == len(train)


def test_indices_are_dense_and_zero_means_unknown(spark, fitted, rows):
    _, vocabulary, factors, encoding = fitted
    stored = vocabulary.toPandas()
    for level, size in encoding.vocabulary_sizes:
        assert sorted(stored.loc[stored["level"] == level, "index"]) == list(range(1, size))
    assert dict(encoding.vocabulary_sizes)["product"] == 9
    stranger = panel_frame(spark, rows.head(1).assign(product_id="new", brand="new", category="NEW"))
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
    panel, vocabulary, factors, encoding = fitted
    names = [*CONTEXT_SQL, *encoding.factor_names, "log_exposure"]
    moved = rows.assign(
        unit_price=rows["unit_price"] * 1.3,
        list_price=rows["list_price"] * 1.3,
        discount_rate=0.5,
        promotion_depth_rate=0.5,
        units=rows["units"] + 1,
        units_winsorised=rows["units"] + 1,
    )
    key = ["product_id", "period_start"]
    one, other = (
        encode(p, vocabulary, factors, encoding).select(*key, *names).orderBy(*key).toPandas()
        for p in (panel, panel_frame(spark, moved))
    )
    pd.testing.assert_frame_equal(one, other)


def test_an_open_row_is_encoded_as_a_closed_one(spark, fitted, rows):
    panel, vocabulary, factors, encoding = fitted
    closed = rows[rows["is_open"]].assign(is_open=False, units=3.0, units_winsorised=3.0, revenue_amount=1.0)
    names = [name for name, _ in model_columns(encoding.factor_names) if name != "units"]
    one, other = (
        encode(p, vocabulary, factors, encoding).select("product_id", *names).orderBy("product_id").toPandas()
        for p in (panel.where("is_open"), panel_frame(spark, closed))
    )
    pd.testing.assert_frame_equal(one, other)


def test_yearly_columns_are_silent_until_two_years_are_known(spark, fitted, rows):
    panel, vocabulary, factors, encoding = fitted
    assert not encoding.knows_season
    yearly = panel_frame(spark, rows.assign(season_sin_1=0.7, holiday_days=2))
    short = encode(yearly, vocabulary, factors, encoding).first()
    assert all(short[name] == 0.0 for name in YEARLY)
    long = fit_encoding(panel.where("not is_open"), vocabulary, factors, 728)
    assert long.knows_season
    assert encode(yearly, vocabulary, factors, long).first()["season_sin_1"] == pytest.approx(0.7)


def test_eligible_products_sold_often_enough_before_the_held_out_periods(spark, rows):
    rare = (rows["product_id"] == "p001") & (rows["period_start"] >= SPLIT - timedelta(weeks=3))
    only_late = rows.assign(units=rows["units"].where((rows["product_id"] != "p001") | rare, 0.0))
    only_late["units"] = only_late["units"].where(~rows["is_open"], np.nan).clip(lower=0)
    panel = panel_frame(spark, only_late).where("not is_open")
    kept = filter_eligible(panel, F.lit(SPLIT), 5)
    assert "p001" not in {row[0] for row in kept.select("product_id").distinct().collect()}
    assert kept.agg(F.min("age_periods")).first()[0] == 1
    assert kept.columns == panel.columns


def test_without_a_recommender_there_are_no_factor_columns(fitted):
    panel, vocabulary, _, _ = fitted
    encoding = fit_encoding(panel.where("not is_open"), vocabulary, None, 280)
    assert encoding.factor_names == ()
    assert "factor_0" not in encode(panel, vocabulary, None, encoding).columns
