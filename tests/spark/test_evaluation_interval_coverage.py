"""How often intervals hold, against scipy's count of the same rows."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from scipy.stats import nbinom

from pricelake.evaluation.interval_coverage import interval_coverage
from pricelake.period_units import coverage_names

RATES = (0.5, 0.8)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Units drawn as a count around a mean of the stated relative variance, part of them in half a week in stock."""
    rng = np.random.default_rng(8)
    count = 20_000
    in_stock = np.where(rng.random(count) < 0.3, 0.5, 1.0)
    forecast = np.exp(rng.normal(1.5, 1.0, count)) * in_stock
    variance = rng.uniform(0.05, 1.0, count)
    units = rng.poisson(forecast * rng.gamma(1 / variance, variance)).astype(float)
    return pd.DataFrame({"units_observed": units, "forecast": forecast, "variance": variance})


def covered(spark: SparkSession, rows: pd.DataFrame) -> dict[str, float]:
    return interval_coverage(spark.createDataFrame(rows), "forecast", "variance", RATES)


def test_shares_are_those_that_scipy_counts_and_honest_intervals_hold_as_stated(spark, rows) -> None:
    found = covered(spark, rows)
    assert list(found) == ["coverage_50", "coverage_50_expected", "coverage_80", "coverage_80_expected"]
    held = nbinom(1 / rows["variance"], 1 / (1 + rows["variance"] * rows["forecast"]))
    for rate in RATES:
        low = np.minimum(held.ppf((1 - rate) / 2), np.floor(rows["forecast"]))
        high = np.maximum(held.ppf((1 + rate) / 2), np.ceil(rows["forecast"]))
        inside, expected = coverage_names(rate)
        assert found[inside] == pytest.approx(rows["units_observed"].between(low, high).mean())
        assert found[expected] == pytest.approx((held.cdf(high) - held.cdf(low - 1)).mean())
        assert found[expected] > rate
        assert found[inside] == pytest.approx(found[expected], abs=0.01)


@pytest.mark.parametrize("change", [{"forecast": 2.0}, {"forecast": 1 / 1.5}, {"variance": 0.25}, {"variance": 4.0}])
def test_intervals_that_are_shifted_narrow_or_wide_are_told(spark, rows, change: dict[str, float]) -> None:
    found = covered(spark, rows.assign(**{name: rows[name] * factor for name, factor in change.items()}))
    apart = [found[coverage_names(rate)[0]] - found[coverage_names(rate)[1]] for rate in RATES]
    assert max(np.abs(apart)) > 0.03
    assert (np.array(apart) > 0).all() == (change == {"variance": 4.0})


def test_a_row_without_forecast_leaves_no_figure_and_neither_do_no_rows(spark, rows) -> None:
    unknown = covered(spark, rows.assign(forecast=rows["forecast"].where(rows.index > 0)))
    nothing = interval_coverage(spark.createDataFrame(rows).where("false"), "forecast", "variance", RATES)
    assert list(nothing) == list(unknown)
    assert all(np.isnan(value) for value in [*nothing.values(), *unknown.values()])


def test_the_rate_stands_in_the_name() -> None:
    assert coverage_names(0.975) == ("coverage_97.5", "coverage_97.5_expected")
