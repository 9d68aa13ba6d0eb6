"""What each bronze table says about a product in a market and period.

Every function returns rows of the same grain, product × market × period (by ``period_number``), each with columns of
its own, so that all of them are brought together by one union and one aggregation instead of one join each.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pricelake.features.periods import Periods

PAIR = ("product_id", "market_id")
FACT_KEY = (*PAIR, "period_number")
PANEL_RATES = ("display_rate", "feature_rate", "coupon_rate")
PROMOTION_RATES = (*PANEL_RATES, "price_cut_rate")


def aggregate_to_period_sales(order_lines: DataFrame, periods: Periods) -> DataFrame:
    """Sales of the closed periods from order lines.

    Args:
        order_lines: rows of ``bronze.order_lines``.
        periods: calendar of the run.

    Returns:
        fact key; ``units``; ``revenue_amount``; ``shelf_price``, the regular price per unit before discounts
        (Σ paid + discount over Σ quantity, float64) over the lines that recorded a discount, else over all lines;
        ``on_sale``, true.
    """
    recorded = F.col("discount_amount").isNotNull()
    quantity, paid = F.col("quantity"), F.col("paid_amount").cast("double")
    regular = F.sum(F.when(recorded, paid + F.col("discount_amount").cast("double")))
    return (
        order_lines.where(periods.in_closed_periods("ordered_at"))
        .withColumn("period_number", periods.number(periods.local_date("ordered_at")))
        .groupBy(*FACT_KEY)
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("paid_amount").cast("decimal(18,4)").alias("revenue_amount"),
            F.coalesce(regular / F.sum(F.when(recorded, quantity)), F.sum(paid) / F.sum("quantity")).alias(
                "shelf_price"
            ),
            F.lit(True).alias("on_sale"),
        )
    )


def conform_sales_panel(sales_panel: DataFrame, periods: Periods) -> DataFrame:
    """Sales of the closed periods from a shop's own totals; rows with 0 units say that the product was on sale.

    Args:
        sales_panel: rows of ``bronze.sales_panel``; ``period_start`` is a first day of a period.
        periods: calendar of the run.

    Returns:
        as :func:`aggregate_to_period_sales`, with the promotion rates and the availability that the totals carry;
        ``price_cut_rate`` is not among them.
    """
    number = periods.number(F.col("period_start"))
    revenue = F.col("revenue_amount").cast("double")
    return (
        sales_panel.withColumn("period_number", number)
        .where(F.col("period_number").between(periods.first_number, periods.open_number - 1))
        .select(
            *FACT_KEY,
            "units",
            "revenue_amount",
            F.coalesce(F.col("list_price").cast("double"), F.when(F.col("units") > 0, revenue / F.col("units"))).alias(
                "shelf_price"
            ),
            F.lit(True).alias("on_sale"),
            *PANEL_RATES,
            "availability_rate",
        )
    )


def launches(sales: DataFrame, list_prices: DataFrame | None, products: DataFrame, periods: Periods) -> DataFrame:
    """The period in which a product came on sale, in each market that sold it or has a list price for it.

    Args:
        sales: fact rows with ``product_id``, ``market_id``.
        list_prices: rows of ``bronze.list_prices``, or None.
        products: rows of ``bronze.products``; those with ``launched_on`` inside the periods read count.
        periods: calendar of the run.

    Returns:
        fact key and ``on_sale``, true.
    """
    pairs = sales.select(*PAIR)
    if list_prices is not None:
        pairs = pairs.unionByName(list_prices.where(_known_before(periods)).select(*PAIR))
    launched = (
        products.select("product_id", periods.number(F.col("launched_on")).alias("period_number"))
        .where(F.col("period_number").between(periods.first_number, periods.open_number))
    )  # fmt: skip
    return pairs.distinct().join(launched, on="product_id", how="inner").select(*FACT_KEY, F.lit(True).alias("on_sale"))


def price_facts(frame: DataFrame, column: str, name: str, periods: Periods) -> DataFrame:
    """A price or cost at the first period that begins on or after its first day; it holds until the next row.

    Args:
        frame: product, market, ``valid_from`` and ``column`` (decimal(18,4)).
        column: column that holds the amount.
        name: its name in the result.
        periods: calendar of the run; rows valid from the as-of date on are not known yet.

    Returns:
        fact key and ``name``; of several rows in one period the latest. Rows older than the periods read count at the
        first of them; rows of the open period before the as-of date count in it.
    """
    number = F.least(
        F.greatest(periods.number_from(F.col("valid_from")), F.lit(periods.first_number)), F.lit(periods.open_number)
    )
    return (
        frame.where(_known_before(periods))
        .withColumn("period_number", number)
        .groupBy(*FACT_KEY)
        .agg(F.max_by(column, "valid_from").alias(name))
    )


def _known_before(periods: Periods) -> Column:
    return F.col("valid_from") < F.lit(periods.as_of)


def promotion_facts(promotions: DataFrame, periods: Periods) -> DataFrame:
    """Promotions as shares of the store-days of a period; the open period gets the planned ones.

    Args:
        promotions: rows of ``bronze.promotions``, past and planned.
        periods: calendar of the run.

    Returns:
        fact key; ``display_rate``, ``feature_rate``, ``coupon_rate`` and, of the kind ``discount``,
        ``price_cut_rate``: Σ coverage × days it ran / days of the period, at most 1; ``promotion_depth_rate``: deepest
        announced reduction, 0–1; ``announced_discount_rate``: largest reduction × share of store-days over promotions
        that lower the shelf price (all kinds but coupons), below 1 (a plan to give the product away is not a price and
        does not count). An unknown depth counts 0 in the last two; no indicator is needed, as the promotion stays in
        the rate of its kind, and a price cut of unknown depth is one with ``price_cut_rate`` above 0 at depth 0.
    """
    first, last = F.lit(periods.first_number), F.lit(periods.open_number)
    since, until = periods.number(F.col("starts_on")), periods.number(F.col("ends_on"))
    start = periods.start(F.col("period_number"))
    end = F.date_add(start, periods.days - 1)
    days = F.datediff(F.least(F.col("ends_on"), end), F.greatest(F.col("starts_on"), start)) + 1
    depth = F.coalesce(F.col("depth_rate"), F.lit(0.0))
    share = F.coalesce(F.col("coverage_rate"), F.lit(1.0)) * days / periods.days
    rates = [
        F.least(F.sum(F.when(F.col("kind") == kind, F.col("share")).otherwise(0.0)), F.lit(1.0)).alias(rate)
        for kind, rate in zip(("display", "feature", "coupon", "discount"), PROMOTION_RATES, strict=True)
    ]
    lowers_price = (F.col("kind") != "coupon") & (F.col("depth") < 1.0)
    return (
        promotions.where((since <= last) & (until >= first))
        .withColumn("period_number", F.explode(F.sequence(F.greatest(since, first), F.least(until, last))))
        .select(*FACT_KEY, "kind", depth.alias("depth"), share.alias("share"))
        .groupBy(*FACT_KEY)
        .agg(
            *rates,
            F.max("depth").alias("promotion_depth_rate"),
            F.max(F.when(lowers_price, F.col("depth") * F.col("share"))).alias("announced_discount_rate"),
        )
    )


def availability_facts(inventory: DataFrame, periods: Periods) -> DataFrame:
    """Mean daily availability over the days that recorded it.

    Args:
        inventory: rows of ``bronze.inventory``; without ``availability_rate`` a day counts 1 with stock, else 0.
        periods: calendar of the run; only closed periods are used.

    Returns:
        fact key and ``availability_rate``, 0–1; no row where nothing was recorded.
    """
    on_hand = F.when(F.col("on_hand_units") > 0, 1.0).when(F.col("on_hand_units") <= 0, 0.0)
    return (
        inventory.where((F.col("date") >= F.lit(periods.first_start)) & (F.col("date") < F.lit(periods.open_start)))
        .select(
            *PAIR,
            periods.number(F.col("date")).alias("period_number"),
            F.coalesce("availability_rate", on_hand).alias("day_rate"),
        )
        .where(F.col("day_rate").isNotNull())
        .groupBy(*FACT_KEY)
        .agg(F.avg("day_rate").alias("availability_rate"))
    )
