"""How far the units of a curve can be trusted, from the data.

The error of the level is the part of the squared error of a product's total over the validation periods that the
likelihood's own noise does not explain, by the method of moments, per category and shrunk to all categories. How far
the elasticity can be trusted is in the response (:mod:`pricelake.demand.response.pooling`).
"""

from collections.abc import Mapping

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MIN_LOG_UNITS_SD, MAX_LOG_UNITS_SD = 0.05, 1.5
SHRINKAGE_ROWS = 40.0
"""Product totals a category needs until its own figure counts as much as that of all categories."""


def level_errors(predicted: DataFrame) -> DataFrame:
    """Moments behind the uncertainty of the level, per category.

    Args:
        predicted: validation rows with ``department``, ``category``, ``units_observed``, ``expected_units``,
            ``dispersion``.

    Returns:
        one row per category: ``value`` (as in the vocabulary), ``excess`` (summed squared error of product totals
        beyond the likelihood's variance), ``squared_mean`` (summed squared expected totals), ``totals`` (products).
    """
    mean = F.col("expected_units")
    totals = predicted.groupBy("department", "category", "product_id", "market_id").agg(
        F.sum("units_observed").alias("observed"),
        F.sum(mean).alias("expected"),
        F.sum(mean + F.col("dispersion") * mean * mean).alias("noise"),
    )
    value = F.concat_ws("\x1f", "department", "category").alias("value")
    excess = (F.col("observed") - F.col("expected")) ** 2 - F.col("noise")
    return totals.groupBy(value).agg(
        F.sum(excess).alias("excess"),
        F.sum(F.col("expected") ** 2).alias("squared_mean"),
        F.count(F.lit(1)).alias("totals"),
    )


def log_units_sd(moments: Mapping[str, tuple[float, float, float]]) -> dict[str, float]:
    """Uncertainty of the level per category, and under '' for categories without validation rows.

    Args:
        moments: category value → (excess, squared_mean, totals) of :func:`level_errors`.
    """
    excess = sum(row[0] for row in moments.values())
    squares = sum(row[1] for row in moments.values())
    overall = max(excess / squares, 0.0) if squares > 0 else 0.0

    def bounded(variance: float) -> float:
        return float(np.clip(np.sqrt(max(variance, 0.0)), MIN_LOG_UNITS_SD, MAX_LOG_UNITS_SD))

    found = {"": bounded(overall)}
    for value, (own_excess, own_squares, totals) in sorted(moments.items()):
        own = max(own_excess / own_squares, 0.0) if own_squares > 0 else overall
        weight = totals / (totals + SHRINKAGE_ROWS)
        found[value] = bounded(weight * own + (1.0 - weight) * overall)
    return found


def period_sd(level_sd: Column, min_sold_periods: int) -> Column:
    """Uncertainty of the log of what a period's demand will be, around ``log_units``: ``log_units_sd`` of a curve.

    It has three parts: how well the level is known; what a short history leaves open; and what moves demand in one
    period and nobody foresees. A negative binomial is a Poisson draw around a mean that scatters with the relative
    variance ``a``, its dispersion (Cameron and Trivedi, *Regression Analysis of Count Data*, 2nd ed. 2013, section
    3.3). The draw itself, that customers buy in whole units, is not in it.

    The mean of ``n`` periods of a negative binomial with mean ``m`` and dispersion ``a`` has the relative variance
    ``(1 / m + a) / n``. Of products that sold in ``min_sold_periods`` periods it is in the measured error already.

    Args:
        level_sd: of the category (:func:`log_units_sd`); its rows have ``log_units``, ``dispersion``, ``sold_periods``
            and ``age_periods``, the periods that are known.
        min_sold_periods: periods with sales of the products that the error was measured on.
    """
    known = F.greatest("age_periods", F.lit(1))
    of_mean = (F.exp(-F.col("log_units")) + F.col("dispersion")) / known
    short = F.when(F.col("sold_periods") < min_sold_periods, of_mean).otherwise(F.lit(0.0))
    return F.least(F.sqrt(level_sd * level_sd + short + F.col("dispersion")), F.lit(MAX_LOG_UNITS_SD))
