"""How much a customer likes a product, from what the customer did."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pricelake.features.periods import Periods

EVENT_WEIGHTS = {"purchase": 1.0, "cart": 0.5, "wish": 0.4, "search": 0.2, "view": 0.1}
SECONDS_PER_DAY = 86_400.0


def aggregate_to_interactions(behaviour: DataFrame, periods: Periods, half_life_days: float) -> DataFrame:
    """A rating in [0, 1] per customer and product, weighted by recency and count.

    With a = age in days at the as-of date, h = ``half_life_days`` and d = 2^(-a / h):

        w = Σ type weight × d  over purchases (1), carts (0.5), wishes (0.4), searches (0.2) and views (0.1)
        taste = 1 - exp(-w)
        v = Σ d over reviews,  s = Σ d × stars / v
        rating = taste + (s - taste) × v / (1 + v)

    The count behind a preference follows Hu, Koren and Volinsky (ICDM 2008), who make confidence grow with it; the
    exponential decay follows Ding and Li (CIKM 2005). 1 - exp(-w) is the chance of at least one event of a Poisson
    process with mean w: it keeps the rating below 1 and lets the second purchase say more than the tenth. A fresh
    review pulls half the way to its stars, up or down. The type weights are conventions, not estimates.

    Args:
        behaviour: result of :func:`pricelake.features.behaviour.collect_behaviour`; rows without a product are ignored.
        periods: calendar of the run.
        half_life_days: age at which an interaction counts half, above 0.

    Returns:
        columns of ``gold.interactions``; ``interactions`` = w + v.
    """
    as_of = F.lit(periods.midnight(periods.as_of))
    age_days = (as_of.cast("double") - F.col("occurred_at").cast("double")) / SECONDS_PER_DAY
    weight = F.lit(0.0)
    for kind, value in EVENT_WEIGHTS.items():
        weight = F.when(F.col("event_type") == kind, value).otherwise(weight)
    is_review = F.col("event_type") == "review"
    decay = F.col("decay")
    summed = (
        behaviour.where(F.col("product_id").isNotNull())
        .withColumn("decay", F.pow(F.lit(2.0), -age_days / half_life_days))
        .groupBy("customer_id", "product_id")
        .agg(
            F.sum(weight * decay).alias("w"),
            F.sum(F.when(is_review, decay).otherwise(0.0)).alias("v"),
            F.sum(F.when(is_review, decay * F.col("stars")).otherwise(0.0)).alias("starred"),
            F.min("occurred_at").alias("first_at"),
            F.max("occurred_at").alias("last_at"),
            F.count(F.when(F.col("event_type") == "purchase", 1)).cast("int").alias("purchases"),
        )
    )
    taste = -F.expm1(-F.col("w"))
    # (taste + starred) / (1 + v) is the formula above without the division by v, which may be 0
    rating = (taste + F.col("starred")) / (1.0 + F.col("v"))
    return summed.select(
        "customer_id",
        "product_id",
        F.least(F.greatest(rating, F.lit(0.0)), F.lit(1.0)).alias("rating"),
        (F.col("w") + F.col("v")).alias("interactions"),
        "first_at",
        "last_at",
        "purchases",
    )


def aggregate_to_sequences(behaviour: DataFrame, max_events: int) -> DataFrame:
    """A customer's latest events in order of time.

    Args:
        behaviour: result of :func:`pricelake.features.behaviour.collect_behaviour`.
        max_events: latest events kept per customer, 1 or more.

    Returns:
        columns of ``gold.sequences``; events of the same moment in the order of type, product and id.
    """
    latest = Window.partitionBy("customer_id").orderBy(
        F.desc("occurred_at"), F.desc("event_type"), F.desc("product"), F.desc("source_id")
    )
    event = F.struct("occurred_at", "event_type", "product", "source_id")
    return (
        behaviour.withColumn("product", F.coalesce("product_id", F.lit("")))
        .withColumn("position", F.row_number().over(latest))
        .where(F.col("position") <= max_events)
        .groupBy("customer_id")
        .agg(F.sort_array(F.collect_list(event)).alias("events"))
        .select(
            "customer_id",
            F.col("events.product").alias("product_ids"),
            F.col("events.event_type").alias("event_types"),
            F.col("events.occurred_at").alias("occurred_at"),
            F.size("events").alias("event_count"),
        )
    )
