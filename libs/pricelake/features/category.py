"""What a product's category did one period before, from the categories' own totals."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

CATEGORY = ("market_id", "department", "category")
MEAN_PERIODS = 8


def aggregate_to_category_context(known: DataFrame) -> DataFrame:
    """Category features for each period, from the periods before it.

    Args:
        known: one row per product, market and period with sales: ``units``, ``revenue_amount``, ``list_price``.

    Returns:
        market × department × category × period_number; ``category_units_lag_1``: units one period before / mean units
        of the (up to) 8 periods before since the category's first sale, periods without sales as 0;
        ``category_discount_rate``: 1 - revenue / units at list price one period before, 0–1, 0 without sales. No row
        where the category sold nothing in the 8 periods before.
    """
    at_list = F.col("list_price").cast("double") * F.col("units")
    sold = (
        known.where(F.col("units") > 0)
        .groupBy(*CATEGORY, "period_number")
        .agg(
            F.sum("units").alias("units"),
            F.sum(F.col("revenue_amount").cast("double")).alias("revenue"),
            F.sum(at_list).alias("at_list"),
        )
        .withColumn("first_number", F.min("period_number").over(Window.partitionBy(*CATEGORY)))
    )
    one_before = F.col("ahead") == 1
    counted = F.least(F.col("period_number") - F.min("first_number"), F.lit(MEAN_PERIODS))
    mean = F.sum("units") / counted
    discount = 1 - F.sum(F.when(one_before, F.col("revenue"))) / F.sum(F.when(one_before, F.col("at_list")))
    return (
        sold.withColumn("ahead", F.explode(F.sequence(F.lit(1), F.lit(MEAN_PERIODS))))
        .withColumn("period_number", F.col("period_number") + F.col("ahead"))
        .groupBy(*CATEGORY, "period_number")
        .agg(
            (F.coalesce(F.sum(F.when(one_before, F.col("units"))), F.lit(0.0)) / mean).alias("category_units_lag_1"),
            F.greatest(F.coalesce(discount, F.lit(0.0)), F.lit(0.0)).alias("category_discount_rate"),
        )
    )


def join_category_context(rows: DataFrame, context: DataFrame) -> DataFrame:
    """Rows of the panel with their category's features: 1 and 0 where the category is unknown in the 8 periods before.

    Neither needs an indicator. The category is unknown only where none of its products was sold in those periods, the
    row's own product among them, so that ``periods_since_sale`` and ``sold_periods`` tell it. A discount rate of 0 for
    want of sales in the last period comes with ``category_units_lag_1`` 0.

    Args:
        rows: one row per product, market and period.
        context: result of :func:`aggregate_to_category_context`.
    """
    joined = rows.join(context, on=[*CATEGORY, "period_number"], how="left")
    return joined.withColumns(
        {
            "category_units_lag_1": F.coalesce("category_units_lag_1", F.lit(1.0)),
            "category_discount_rate": F.coalesce("category_discount_rate", F.lit(0.0)),
        }
    )
