"""The price of each row, its cost and what competitors ask."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pricelake.features.facts import PROMOTION_RATES
from pricelake.features.grid import MONEY
from pricelake.settings.shop import AssumedCosts


def with_unit_price(filled: DataFrame) -> DataFrame:
    """The price of a row and its discount against the list price.

    Args:
        filled: result of :func:`pricelake.features.grid.fill_periods`.

    Returns:
        ``unit_price``: revenue / units where something was sold; without a sale the last price paid before, and before
        the first sale the list price less the announced discount; in the open period always the list price less the
        announced discount. ``is_price_observed``; ``discount_rate`` = 1 - unit_price / list_price, 0–1, 0 where more
        than the list price was paid.
    """
    announced = F.coalesce(F.col("announced_discount_rate"), F.lit(0.0))
    planned = (F.col("list_price").cast("double") * (1 - announced)).cast(MONEY)
    price = F.when(F.col("is_open"), planned).otherwise(F.coalesce("paid_price", "last_paid_price", planned))
    discount = 1 - F.col("unit_price").cast("double") / F.col("list_price").cast("double")
    return filled.withColumn("unit_price", price).withColumns(
        {
            "is_price_observed": F.col("paid_price").isNotNull(),
            "discount_rate": F.greatest(discount, F.lit(0.0)),
        }
    )


def with_unit_cost(rows: DataFrame, assumed: AssumedCosts) -> DataFrame:
    """The brought cost, else an assumed share of the list price, else null.

    Args:
        rows: with ``known_unit_cost``, ``list_price``, ``department``, ``category``.
        assumed: cost / list price, 0–1: the category's rate, else the department's, else the default.

    Returns:
        ``unit_cost`` (decimal(18,4)) and ``cost_source``: brought, assumed, or null with the cost.
    """
    rate: Column = F.lit(assumed.default_rate).cast("double")
    for level, rates in (("department", assumed.department_rates), ("category", assumed.category_rates)):
        for name, known in rates.items():
            rate = F.when(F.col(level) == name, F.lit(known)).otherwise(rate)
    assumed_cost = (F.col("list_price").cast("double") * rate).cast(MONEY)
    source = F.when(F.col("known_unit_cost").isNotNull(), "brought").when(rate.isNotNull(), "assumed")
    return rows.withColumns({"unit_cost": F.coalesce("known_unit_cost", assumed_cost), "cost_source": source})


def with_period_facts(rows: DataFrame) -> DataFrame:
    """Promotion, availability and competitor columns with their missing-value policy.

    A promotion that no table lists did not take place, so 0 is its value and not a guess, and needs no indicator. A
    period without a stock record or a competitor's price had one that is unknown, so the guess is flagged. So had one
    whose record says that it was sold out all the time and in which something was sold: stock that is counted when the
    day's goods are gone, for one.

    Args:
        rows: filled rows with prices; rates null where nothing was recorded.

    Returns:
        promotion rates with 0 for none; ``promotion_depth_rate`` and ``announced_discount_rate`` 0 for none;
        ``availability_rate`` 1 where not recorded or contradicted, with ``is_availability_missing``;
        ``competitor_index`` = list_price / competitor_price, 1 where missing, with ``is_competitor_missing``.
    """
    promotion = (*PROMOTION_RATES, "promotion_depth_rate", "announced_discount_rate")
    is_contradicted = (F.col("availability_rate") == 0) & (F.coalesce("units", F.lit(0.0)) > 0)
    availability = F.when(~is_contradicted, F.col("availability_rate"))
    index = F.col("list_price").cast("double") / F.col("competitor_price")
    return rows.withColumns(
        {
            **{name: F.coalesce(F.col(name), F.lit(0.0)) for name in promotion},
            "is_availability_missing": availability.isNull(),
            "availability_rate": F.coalesce(availability, F.lit(1.0)),
            "is_competitor_missing": F.col("competitor_price").isNull(),
            "competitor_index": F.coalesce(index, F.lit(1.0)),
        }
    )
