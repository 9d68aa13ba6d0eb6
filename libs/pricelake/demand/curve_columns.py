"""The demand curve's closed form in Spark SQL: :mod:`pricelake.demand.curve` on columns."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def response_column(log_price_ratio: Column, low: Column, high: Column, bend: Column, steepness: Column) -> Column:
    """Change of log units against the reference price: :func:`pricelake.demand.curve.response`."""
    rise = _softplus(steepness * (log_price_ratio - bend)) - _softplus(-steepness * bend)
    return -(low * log_price_ratio + (high - low) / steepness * rise)


def elasticity_column(log_price_ratio: Column, low: Column, high: Column, bend: Column, steepness: Column) -> Column:
    """Own-price elasticity, below 0: :func:`pricelake.demand.curve.elasticity`."""
    share = 1 / (1 + F.exp(-steepness * (log_price_ratio - bend)))
    return -(low + (high - low) * share)


def _softplus(x: Column) -> Column:
    return F.greatest(x, F.lit(0.0)) + F.log1p(F.exp(-F.abs(x)))
