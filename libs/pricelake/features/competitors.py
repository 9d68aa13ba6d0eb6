"""What competitors asked for the same product, as known before a period."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.features.facts import FACT_KEY, PAIR
from pricelake.features.periods import Periods


def competitor_facts(
    competitor_prices: DataFrame, periods: Periods, max_age_days: int, min_confidence: float
) -> DataFrame:
    """Median over competitors of the latest price observed before the period begins.

    A competitor whose latest observation says sold out does not count, nor does an observation older than
    ``max_age_days`` at the period's start or matched with less than ``min_confidence`` (not stated: trusted).

    Args:
        competitor_prices: rows of ``bronze.competitor_prices``.
        periods: calendar of the run.
        max_age_days: days an observation stays good, 1 or more.
        min_confidence: least confidence of the product match, 0–1.

    Returns:
        fact key and ``competitor_price``, float64, shop currency per unit; no row where none is known.
    """
    seen = periods.local_date("observed_at")
    first = periods.number_from(F.date_add(seen, 1))
    last = F.least(periods.number(F.date_add(seen, max_age_days)), F.lit(periods.open_number))
    trusted = F.coalesce(F.col("match_confidence"), F.lit(1.0)) >= min_confidence
    latest = F.max_by(F.struct(F.col("price").cast("double").alias("price"), "in_stock"), "observed_at")
    return (
        competitor_prices.where(trusted & periods.happened_before_as_of("observed_at"))
        .withColumn("first", F.greatest(first, F.lit(periods.first_number)))
        .withColumn("last", last)
        .where(F.col("first") <= F.col("last"))
        .withColumn("period_number", F.explode(F.sequence("first", "last")))
        .groupBy(*FACT_KEY, "competitor_id")
        .agg(latest.alias("latest"))
        .where(F.coalesce(F.col("latest.in_stock"), F.lit(True)))
        .groupBy(*PAIR, "period_number")
        .agg(F.percentile(F.col("latest.price"), F.lit(0.5)).alias("competitor_price"))
    )
