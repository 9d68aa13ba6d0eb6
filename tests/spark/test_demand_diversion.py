"""Diversion ratios against a logit market and against sums by hand."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from pricelake.demand.diversion import with_diversion_ratio

WEEK = date(2024, 3, 4)
COLUMNS = (
    "product_id string, market_id string, department string, category string, period_start date, log_units double, "
    "elasticity_low double, elasticity_high double, bend double, steepness double, cross_elasticity double, "
    "cross_elasticity_sd double"
)


def found(
    spark: SparkSession, products: list[tuple[str, str, float, float]], cross: float, cross_sd: float = 0.0
) -> dict[str, Any]:
    """Rows by product; a product is its name, its category, its units and the size of its elasticity."""
    rows = [
        (name, "north", "FOOD", category, WEEK, float(np.log(units)), size, size, 0.0, 5.0, cross, cross_sd)
        for name, category, units, size in products
    ]
    frame = with_diversion_ratio(spark.createDataFrame(rows, COLUMNS))
    return {row["product_id"]: row for row in frame.collect()}


def test_a_logit_market_is_given_back(spark: SparkSession) -> None:
    """Products alike, so that the mean elasticity of the category is each one's: share_j / (1 - share_i) exactly."""
    products, outside, slope = 5, 0.3, 4.0
    share = (1.0 - outside) / products
    own, cross = slope * (1.0 - share), slope * share
    units = 1000.0 * share
    rows = found(spark, [(f"p{i}", "BREAD", units, own) for i in range(products)], cross * products)
    for row in rows.values():
        assert row["diversion_ratio"] == pytest.approx((products - 1) * share / (1.0 - share))


def test_ratios_go_by_shares_of_units_and_by_the_mean_elasticity(spark: SparkSession) -> None:
    products = [("a", "BREAD", 10.0, 4.0), ("b", "BREAD", 30.0, 2.0), ("alone", "CHEESE", 5.0, 3.0)]
    rows = found(spark, products, 0.5, 0.2)
    mean = (4.0 + 2.0) / 2
    assert rows["a"]["diversion_ratio"] == pytest.approx(0.5 / mean * 30 / 40)
    assert rows["b"]["diversion_ratio"] == pytest.approx(0.5 / mean * 10 / 40)
    assert rows["a"]["diversion_ratio_sd"] == pytest.approx(0.2 / mean * 30 / 40)
    assert (rows["alone"]["diversion_ratio"], rows["alone"]["diversion_ratio_sd"]) == (0.0, 0.0)


def test_others_never_get_more_than_is_lost(spark: SparkSession) -> None:
    rows = found(spark, [("a", "BREAD", 1.0, 0.4), ("b", "BREAD", 999.0, 0.4)], 3.0, 9.0)
    assert rows["a"]["diversion_ratio"] == pytest.approx(0.999)
    assert rows["a"]["diversion_ratio_sd"] == pytest.approx(0.999)
