"""How far the units of a curve can be trusted, from the data.

The error of the level is the part of the squared error of a product's total over the validation periods that the
likelihood's own noise does not explain, by the method of moments, per category and shrunk to all categories. Totals
count by how well they are measured (weights of DerSimonian and Laird, *Controlled Clinical Trials* 7, 1986), so that no
product counts for much more than others because it sells more. How far
the elasticity can be trusted is in the response (:mod:`pricelake.demand.response.pooling`).
"""

from collections.abc import Mapping

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MIN_LOG_UNITS_SD, MAX_LOG_UNITS_SD = 0.05, 1.5
SHRINKAGE_ROWS = 40.0
"""Product totals a category needs until its own figure counts as much as that of all categories."""
LARGEST_RELATIVE_ERROR = 3.0
"""Of a total: what lies further from its expectation says nothing more of how well levels are known."""


def level_errors(predicted: DataFrame) -> DataFrame:
    """Moments behind the uncertainty of the level, per category.

    Args:
        predicted: validation rows with ``department``, ``category``, ``units_observed``, ``expected_units``,
            ``dispersion``.

    Returns:
        one row per category: ``value`` (as in the vocabulary), ``excess`` (sum over product totals of the squared error
        over the likelihood's variance, less 1), ``weight`` (sum of squared expected totals over the same variance),
        ``totals`` (products).
    """
    mean = F.col("expected_units")
    totals = predicted.groupBy("department", "category", "product_id", "market_id").agg(
        F.sum("units_observed").alias("observed"),
        F.sum(mean).alias("expected"),
        F.sum(mean + F.col("dispersion") * mean * mean).alias("noise"),
    )
    value = F.concat_ws("\x1f", "department", "category").alias("value")
    error = F.least(F.abs(F.col("observed") - F.col("expected")), LARGEST_RELATIVE_ERROR * F.col("expected"))
    return totals.groupBy(value).agg(
        F.sum(error**2 / F.col("noise") - 1.0).alias("excess"),
        F.sum(F.col("expected") ** 2 / F.col("noise")).alias("weight"),
        F.count(F.lit(1)).alias("totals"),
    )


def log_units_sd(moments: Mapping[str, tuple[float, float, float]]) -> dict[str, float]:
    """Uncertainty of the level per category, and under '' for categories without validation rows.

    Its square is a relative variance, of expected units.

    Args:
        moments: category value → (excess, weight, totals) of :func:`level_errors`.
    """
    excess = sum(row[0] for row in moments.values())
    weights = sum(row[1] for row in moments.values())
    overall = max(excess / weights, 0.0) if weights > 0 else 0.0

    def bounded(variance: float) -> float:
        return float(np.clip(np.sqrt(max(variance, 0.0)), MIN_LOG_UNITS_SD, MAX_LOG_UNITS_SD))

    found = {"": bounded(overall)}
    for value, (own_excess, own_weight, totals) in sorted(moments.items()):
        own = max(own_excess / own_weight, 0.0) if own_weight > 0 else overall
        share = totals / (totals + SHRINKAGE_ROWS)
        found[value] = bounded(share * own + (1.0 - share) * overall)
    return found


def period_sd(level_sd: Column, min_sold_periods: int) -> Column:
    """Uncertainty of the mean that a period's units are drawn around: ``log_units_sd`` of a curve.

    Its square is a relative variance, that of the mean over the square of expected units; where it is small it is the
    variance of the mean's log. It has three parts: how well the level is known; what a short history leaves open; and
    what moves demand in one period and nobody foresees. A negative binomial is a Poisson draw around a mean that
    scatters with the relative variance ``a``, its dispersion (Cameron and Trivedi, *Regression Analysis of Count Data*,
    2nd ed. 2013, section 3.3). The draw itself, that customers buy in whole units, is not in it:
    :mod:`pricelake.period_units` adds it.

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
