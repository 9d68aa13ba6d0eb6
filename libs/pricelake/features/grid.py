"""The rows of the panel: every period in which a product was on sale, with the prices known in it."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pricelake.features.facts import FACT_KEY, PAIR, PROMOTION_RATES
from pricelake.features.periods import Periods

MONEY = "decimal(18,4)"
FACT_TYPES = {
    "units": "double",
    "revenue_amount": MONEY,
    "shelf_price": "double",
    "on_sale": "boolean",
    "brought_list_price": MONEY,
    "brought_unit_cost": MONEY,
    **dict.fromkeys(PROMOTION_RATES, "double"),
    "promotion_depth_rate": "double",
    "announced_discount_rate": "double",
    "availability_rate": "double",
    "competitor_price": "double",
}
SUMMED = ("units", "revenue_amount")
DIMENSIONS = ("department", "category", "subcategory", "brand")
OF_THE_PERIOD = (
    *SUMMED,
    "paid_price",
    *PROMOTION_RATES,
    "promotion_depth_rate",
    "announced_discount_rate",
    "availability_rate",
    "competitor_price",
)


def merge_facts(facts: Sequence[DataFrame], products: DataFrame) -> DataFrame:
    """All facts of a product, market and period in one row, with the product's place in the assortment.

    Args:
        facts: frames with the fact key, at most one row per key each, and any columns of ``FACT_TYPES``.
        products: rows of ``bronze.products``.

    Returns:
        fact key, ``DIMENSIONS`` (null where the product is unknown) and every column of ``FACT_TYPES``, null where no
        frame says anything; units and revenue add up, of anything else the largest value counts.
    """
    everything = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), facts)
    merged = []
    for name, kind in FACT_TYPES.items():
        column = F.col(name) if name in everything.columns else F.lit(None).cast(kind)
        merged.append((F.sum(column) if name in SUMMED else F.max(column)).cast(kind).alias(name))
    return everything.groupBy(*FACT_KEY).agg(*merged).join(
        products.select("product_id", *DIMENSIONS), on="product_id", how="left"
    )  # fmt: skip


def with_known_prices(facts: DataFrame) -> DataFrame:
    """Prices and costs carried forward from the last period that said something about them, the own one included.

    Args:
        facts: result of :func:`merge_facts`.

    Returns:
        further columns: ``paid_price``, revenue / units of the period itself, null without a sale (or where it rounds
        to 0.0000); ``last_paid_price``; ``list_price``: the brought one, else the regular price seen in sales; null
        before any price is known. A shelf price holds until the next one is set, so the last one is its value and
        needs no indicator; whether it was brought is a fact of the shop, not of a period, and the report says it.
        ``known_unit_cost``; ``first_on_sale``, ``last_on_sale``: period numbers of the first and latest period up to
        this one that shows the product on sale; ``next_number``: the pair's next row.
    """
    order = Window.partitionBy(*PAIR).orderBy("period_number")
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)

    def last(column: Column) -> Column:
        return F.last(column, ignorenulls=True).over(so_far)

    paid = (F.col("revenue_amount").cast("double") / F.col("units")).cast(MONEY)
    shelf = F.col("shelf_price").cast(MONEY)
    on_sale = F.when(F.col("on_sale"), F.col("period_number"))
    return (
        facts.withColumn("paid_price", F.when((F.col("units") > 0) & (paid > 0), paid))
        .withColumns(
            {
                "last_paid_price": last(F.col("paid_price")),
                "list_price": F.coalesce(last(F.col("brought_list_price")), last(F.when(shelf > 0, shelf))),
                "known_unit_cost": last(F.col("brought_unit_cost")),
                "first_on_sale": F.min(on_sale).over(so_far),
                "last_on_sale": F.max(on_sale).over(so_far),
                "next_number": F.lead("period_number").over(order),
            }
        )
    )  # fmt: skip


def fill_periods(known: DataFrame, periods: Periods, delisted_days: int) -> DataFrame:
    """One row per period while a product is on sale, up to and including the open period.

    A product counts as on sale from its launch or first sale until ``delisted_days`` after the latest one; a sale
    after a longer silence starts it again. The rule knows only the past, so a row's presence tells nothing about later
    sales. Rows begin once any price is known. The gaps are filled from each row to the next one, without a join.

    Args:
        known: result of :func:`with_known_prices`.
        periods: calendar of the run.
        delisted_days: days without a sale after which a product is taken for delisted.

    Returns:
        rows of ``known``'s pairs with ``period_start``, ``is_open``; columns of the period itself are null in filled
        rows, except ``units`` and ``revenue_amount``: 0 in closed periods, null in the open one.
    """
    delisted_after = max(1, delisted_days // periods.days)
    last = F.least(
        F.coalesce(F.col("next_number") - 1, F.lit(periods.open_number)),
        F.col("last_on_sale") + delisted_after,
        F.lit(periods.open_number),
    )
    filled = (
        known.withColumn("last_number", last)
        .where(F.col("last_on_sale").isNotNull() & F.col("list_price").isNotNull())
        .where(F.col("last_number") >= F.col("period_number"))
        .withColumn("offset", F.explode(F.sequence(F.lit(0), F.col("last_number") - F.col("period_number"))))
    )
    own = F.col("offset") == 0
    is_open = F.col("period_number") == periods.open_number
    sold = {name: F.when(~is_open, F.coalesce(F.col(name), F.lit(0).cast(FACT_TYPES[name]))) for name in SUMMED}
    return (
        filled.withColumns({name: F.when(own, F.col(name)) for name in OF_THE_PERIOD})
        .withColumn("period_number", F.col("period_number") + F.col("offset"))
        .withColumns({"period_start": periods.start(F.col("period_number")), "is_open": is_open, **sold})
        .drop("offset", "last_number", "next_number", "on_sale")
    )
