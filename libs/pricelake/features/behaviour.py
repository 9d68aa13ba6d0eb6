"""Purchases, events and reviews as one stream of customer behaviour."""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.features.periods import Periods


def collect_behaviour(
    order_lines: DataFrame | None, events: DataFrame | None, reviews: DataFrame | None, periods: Periods
) -> DataFrame | None:
    """Everything known customers did before the as-of date.

    Args:
        order_lines: rows of ``bronze.order_lines``; anonymous ones are left out.
        events: rows of ``bronze.events``.
        reviews: rows of ``bronze.reviews``.
        periods: calendar of the run; history older than it keeps counts too.

    Returns:
        one row per line, event or review: ``customer_id``; ``product_id``, null for a search without a click;
        ``event_type``: purchase, view, search, cart, wish or review; ``occurred_at``; ``source_id``, which breaks ties
        of time; ``stars``, 0–1, null unless a review. None where the shop brings none of the three tables.
    """
    none = F.lit(None).cast("double").alias("stars")
    parts = []
    if order_lines is not None:
        line = F.concat_ws("/", "order_id", "line_id").alias("source_id")
        kind = F.lit("purchase").alias("event_type")
        bought = order_lines.where(F.col("customer_id").isNotNull() & periods.happened_before_as_of("ordered_at"))
        parts.append(
            bought.select("customer_id", "product_id", kind, F.col("ordered_at").alias("occurred_at"), line, none)
        )
    if events is not None:
        happened = events.where(periods.happened_before_as_of("occurred_at"))
        source = F.col("event_id").alias("source_id")
        parts.append(happened.select("customer_id", "product_id", "event_type", "occurred_at", source, none))
    if reviews is not None:
        written = reviews.where(periods.happened_before_as_of("reviewed_at"))
        kind, moment = F.lit("review").alias("event_type"), F.col("reviewed_at").alias("occurred_at")
        source, stars = F.col("review_id").alias("source_id"), F.col("rating").alias("stars")
        parts.append(written.select("customer_id", "product_id", kind, moment, source, stars))
    return reduce(DataFrame.unionByName, parts) if parts else None
