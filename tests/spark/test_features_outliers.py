"""The robust range at its edges, computed by hand."""

import math

import pytest
from pyspark.sql import SparkSession

from pricelake.features.outliers import with_outliers

STEADY = {
    # name: (units by period number, units of the last period, flagged, winsorised)
    "seven before": (dict.fromkeys(range(7), 5.0), (7, 500.0), False, 500.0),
    "eight before": (dict.fromkeys(range(8), 5.0), (8, 500.0), True, 6 * math.exp(6 * math.sqrt(5.375) / 6) - 1),
    "inside": (dict.fromkeys(range(8), 5.0), (8, 59.0), False, 59.0),
    "too low": (dict.fromkeys(range(8), 1000.0), (8, 0.0), True, 1001 * math.exp(-6 * 0.25) - 1),
    "long ago": (dict.fromkeys(range(8), 5.0), (40, 500.0), False, 500.0),
    "oldest that counts": (dict.fromkeys(range(8), 5.0), (26, 500.0), True, 6 * math.exp(6 * math.sqrt(5.375) / 6) - 1),
    "one too old": (dict.fromkeys(range(8), 5.0), (27, 500.0), False, 500.0),
    "open": (dict.fromkeys(range(8), 5.0), (8, None), False, None),
    # x = log1p: 0 0 0 0 a a a a with a = log 64; median a / 2, MAD a / 2, s = 1.4826 a / 2
    "by its own spread": (
        {n: 0.0 if n < 4 else 63.0 for n in range(8)},
        (8, 1e12),
        True,
        math.exp(math.log(64) / 2 * (1 + 6 * 1.4826)) - 1,
    ),
}
SCHEMA = "product_id string, market_id string, period_number int, units double, availability_rate double"


def test_range_follows_the_formula(spark: SparkSession) -> None:
    rows = [
        (name, "m", number, units, 1.0)
        for name, (before, last, _, _) in STEADY.items()
        for number, units in [*before.items(), last]
    ]
    frame = spark.createDataFrame(rows, SCHEMA)
    found = {(row.product_id, row.period_number): row for row in with_outliers(frame, 6.0).collect()}
    assert len(found) == len(rows)
    for name, (before, (number, units), flagged, winsorised) in STEADY.items():
        row = found[name, number]
        assert row.units == units, name
        assert row.is_outlier is flagged, name
        expected = None if winsorised is None else pytest.approx(winsorised, rel=1e-9)
        assert row.units_winsorised == expected, name
        assert not any(found[name, earlier].is_outlier for earlier in before), name


def test_an_empty_shelf_is_no_outlier(spark: SparkSession) -> None:
    """Nothing was to be had: neither is it pulled up, nor does it draw the range down."""
    often = [(n, 0.0, 0.0) if n % 2 else (n, 1000.0, 1.0) for n in range(16)]
    partly = [(n, 1000.0, 1.0) for n in range(8)]
    rows = [
        *(("empty", "m", *one) for one in [*often, (16, 0.0, 0.0), (17, 0.0, 1.0)]),
        *(("partly", "m", *one) for one in [*partly, (8, 3.0, 0.01), (9, 1e9, 0.5)]),
    ]
    found = {
        (row.product_id, row.period_number): row
        for row in with_outliers(spark.createDataFrame(rows, SCHEMA), 6.0).collect()
    }
    lowest, highest = (1001 * math.exp(sign * 6 * 0.25) - 1 for sign in (-1, 1))
    assert not any(found["empty", number].is_outlier for number in range(17))
    assert found["empty", 16].units_winsorised == 0.0
    assert found["empty", 17].is_outlier
    assert found["empty", 17].units_winsorised == pytest.approx(lowest)
    assert not found["partly", 8].is_outlier
    assert found["partly", 8].units_winsorised == 3.0
    assert found["partly", 9].is_outlier
    assert found["partly", 9].units_winsorised == pytest.approx(highest)
