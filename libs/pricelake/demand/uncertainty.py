"""How far a curve can be trusted: version one, simple and from the data.

Elasticity. With information ``I = S x mean / (1 + dispersion x mean)``, where ``S`` is the sum of squared deviations of
the product's observed log prices, the normal approximation to the posterior of its elasticity has variance
``1 / (1 / prior² + I)``: the Fisher information of a negative binomial log-linear model (Cameron and Trivedi 2013,
section 3.3) with a normal prior between products. A product that never changed its price keeps the prior.

Level. The part of the squared error of a product's total over the validation periods that the likelihood's own noise
does not explain, by the method of moments, per category and shrunk to all categories.

Neither covers confounding: prices that followed demand. That is said in the report.
"""

from collections.abc import Mapping

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

PRIOR_ELASTICITY_SD = 1.0
"""Spread of elasticities between products of a category before a product's own prices are seen. The meta-analysis of
Bijmolt, van Heerde and Pieters (Journal of Marketing Research 42, 2005) has 2.2 over 81 studies of all kinds of goods;
within one category of one shop it is less."""

MIN_LOG_UNITS_SD, MAX_LOG_UNITS_SD = 0.05, 1.5
SHRINKAGE_ROWS = 40.0
"""Product totals a category needs until its own figure counts as much as that of all categories."""


def price_variation(encoded: DataFrame) -> DataFrame:
    """Evidence on price of each product and market.

    Args:
        encoded: training rows with ``is_price_observed`` and ``log_price_ratio``.

    Returns:
        ``product_id``, ``market_id``, ``squared_deviation`` (sum of squared deviations of the observed log price
        ratios, 0 or more).
    """
    seen = encoded.where("is_price_observed").groupBy("product_id", "market_id")
    squares = F.var_pop(F.col("log_price_ratio").cast("double")) * F.count(F.lit(1))
    return seen.agg(F.coalesce(squares, F.lit(0.0)).alias("squared_deviation"))


def elasticity_sd(squared_deviation: Column, mean: Column, dispersion: Column) -> Column:
    """Standard deviation of the elasticity at the reference price, above 0, at most the prior's.

    Args:
        squared_deviation: of :func:`price_variation`, 0 or more.
        mean: expected units per period, above 0.
        dispersion: negative binomial alpha, above 0.
    """
    information = squared_deviation * mean / (1 + dispersion * mean)
    return 1 / F.sqrt(F.lit(PRIOR_ELASTICITY_SD**-2) + information)


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
    """Uncertainty of ``log_units`` per category, and under '' for categories without validation rows.

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
