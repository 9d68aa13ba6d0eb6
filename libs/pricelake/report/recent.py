"""What the priced products brought and what was paid for them lately, beside what is expected; all bounded."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.report.facts import PromotedShares, RecentPeriods, Recommendation

KEY = ("product_id", "market_id", "period_start")
# name → what is above 0 where a product is promoted this way
PROMOTED = {
    "display": "display_rate",
    "feature": "feature_rate",
    "coupon": "coupon_rate",
    "discount": "greatest(discount_rate, promotion_depth_rate, price_cut_rate)",
    "anyhow": "greatest(display_rate, feature_rate, coupon_rate, discount_rate, promotion_depth_rate, price_cut_rate)",
}


def recent_periods(
    prices: DataFrame, panel: DataFrame, period_start: date, periods: int, period_days: int
) -> RecentPeriods | None:
    """The last closed periods of the products with a demand curve, and the promotions of the period that is priced.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date.
        panel: ``gold.demand_panel``.
        period_start: the period that is priced.
        periods: closed periods before it at most.
        period_days: days of a period.

    Returns:
        None where the panel holds no earlier period of these products, or not the period that is priced.
    """
    priced = prices.where((F.col("period_start") == F.lit(period_start)) & F.col("units_now").isNotNull())
    first = F.date_sub(F.lit(period_start), periods * period_days)
    is_priced = F.col("is_open") & (F.col("period_start") == F.lit(period_start))
    is_recent = ~F.col("is_open") & F.col("period_start").between(first, F.date_sub(F.lit(period_start), 1))
    rows = (
        panel.where(is_priced | is_recent)
        .join(priced.select("product_id", "market_id").distinct(), on=["product_id", "market_id"], how="left_semi")
        .groupBy("is_open")
        .agg(
            F.count_distinct("period_start").alias("periods"),
            F.sum("units").alias("units"),
            F.sum("revenue_amount").alias("revenue"),
            *((F.count_if(F.expr(sql) > 0) / F.count("*")).alias(name) for name, sql in PROMOTED.items()),
        )
        .collect()  # open and closed
    )
    found = {row["is_open"]: row for row in rows}
    if len(found) < 2:
        return None
    promoted, planned = (PromotedShares(*(found[is_open][name] for name in PROMOTED)) for is_open in (False, True))
    closed = found[False]
    return RecentPeriods(
        periods=closed["periods"],
        units=closed["units"] / closed["periods"],
        revenue=closed["revenue"] / closed["periods"],
        promoted=promoted,
        planned=planned,
    )


def with_price_paid(prices: DataFrame, panel: DataFrame) -> DataFrame:
    """``prices`` with ``price_paid``: mean price paid in the 8 periods before; null where the panel does not have it.

    Args:
        prices: ``gold.price_recommendations``.
        panel: ``gold.demand_panel``.
    """
    paid = panel.where("is_open").select(*KEY, F.col("reference_price").alias("price_paid"))
    return prices.join(paid, on=list(KEY), how="left")


def margin_paid(prices: DataFrame, panel: DataFrame) -> float | None:
    """Share of what the changed products bring that is profit, at the mean price paid and today's expected units.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date; changed rows with a cost count.
        panel: ``gold.demand_panel``.

    Returns:
        a rate below 1; None where no such price is known.
    """
    costed = prices.where("is_changed AND profit_now_amount IS NOT NULL")
    row = (
        with_price_paid(costed, panel)
        .where("price_paid IS NOT NULL")
        .selectExpr("units_now * double(price_paid) AS revenue", "units_now * double(unit_cost) AS cost")
        .agg(F.sum("revenue"), F.sum("cost"))
        .collect()[0]  # an aggregate without groups is one row
    )
    return 1 - row[1] / row[0] if row[0] else None


def prices_paid(panel: DataFrame, chosen: Iterable[Recommendation]) -> dict[tuple[str, str, date], Decimal]:
    """Mean price paid in the 8 periods before, by product, market and period; absent where the panel lacks it.

    Args:
        panel: ``gold.demand_panel``.
        chosen: bounded choice of recommendations.
    """
    wanted = {(one.product_id, one.market_id, one.period_start) for one in chosen}
    products, markets, periods = (sorted({key[place] for key in wanted}) for place in range(3))
    rows = (
        panel.where(F.col("is_open") & F.col("product_id").isin(products))
        .where(F.col("market_id").isin(markets) & F.col("period_start").isin(periods))
        .select(*KEY, "reference_price")
        .limit(len(products) * len(markets) * len(periods))
        .collect()
    )
    return {key: paid for *parts, paid in rows if (key := tuple(parts)) in wanted}
