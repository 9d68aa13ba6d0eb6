"""Recommendations in figures: one Spark aggregation per question, each with a bounded result."""

from dataclasses import fields

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from pricelake.errors import PricingError
from pricelake.report.evidence_facts import Origin
from pricelake.report.facts import ChangeBucket, Count, DecisionTotals, ElasticityRange, Recommendation, RuleCount

BUCKET_RATE = 0.02
LARGEST_BUCKET = 50  # changes beyond 100 % share the outermost bars
MOST_CODES = 50
MOST_ORIGINS = 5
NEAR_WEAKEST = 0.1  # of an elasticity
# a rule with a lower and an upper limit has two entries in the trail of one price
ONCE_PER_RULE = """
    transform(array_distinct(transform(rules, one -> struct(one.rule, one.kind))), named -> struct(
        named.rule AS rule, named.kind AS kind,
        exists(rules, one -> one.rule = named.rule AND one.kind = named.kind AND one.binding) AS is_bound))
"""
# what held a price: the check that its binding rule names; where that is a floor or ceiling that no price within reach
# meets, the conflict
HOLDS = """
    CASE WHEN held_back_reason IS NULL THEN NULL
         WHEN exists(rules, one -> one.kind = 'hold' AND one.rule = binding_rule) THEN binding_rule
         ELSE held_back_reason END
"""
RECOMMENDATION_COLUMNS = tuple(column.name for column in fields(Recommendation))


def _sum_where(condition: Column, amount: str) -> Column:
    return F.coalesce(F.sum(F.when(condition, F.col(amount))), F.lit(0).cast("decimal(28,4)"))


def decision_totals(prices: DataFrame, weakest_elasticity: float) -> DecisionTotals:
    """All decisions in one row.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date.
        weakest_elasticity: smallest size that an elasticity may have at the usual price.

    Raises:
        PricingError: there is no recommendation to report.
    """
    changed, costed = F.col("is_changed"), F.col("profit_then_amount").isNotNull()
    assumed, forced = F.col("cost_source") == "assumed", F.array_contains("flags", "price_now_breaks_rule")
    is_low = F.col("confidence").isin("low", "none")
    row = prices.agg(
        F.count("*").alias("prices"),
        F.count_if(changed).alias("changed"),
        F.count_if(F.col("decision") == "raise").alias("raised"),
        F.count_if(F.col("decision") == "lower").alias("lowered"),
        F.count_if(F.col("decision") == "keep").alias("kept"),
        F.count_if(F.col("decision") == "hold").alias("held"),
        F.min("period_start").alias("period_first"),
        F.max("period_start").alias("period_last"),
        _sum_where(F.lit(True), "profit_now_amount").alias("profit_now"),
        _sum_where(changed & costed, "uplift_amount").alias("profit_uplift"),
        _sum_where(changed & costed, "uplift_low_amount").alias("profit_uplift_low"),
        _sum_where(changed & costed, "uplift_high_amount").alias("profit_uplift_high"),
        _sum_where(changed & costed & assumed, "uplift_amount").alias("assumed_uplift"),
        F.count_if(changed & assumed).alias("assumed_changed"),
        _sum_where(F.lit(True), "revenue_now_amount").alias("revenue_now"),
        F.coalesce(F.sum("units_now"), F.lit(0.0)).alias("units_now"),
        F.coalesce(
            F.sum(F.when(changed, F.col("revenue_then_amount") - F.col("revenue_now_amount"))),
            F.lit(0).cast("decimal(28,4)"),
        ).alias("revenue_uplift"),
        F.count_if(changed & ~costed).alias("costless_changed"),
        F.count_if(changed & is_low).alias("low_confidence_changed"),
        _sum_where(changed & costed & ~is_low, "uplift_amount").alias("trusted_uplift"),
        _sum_where(changed & costed, "profit_now_amount").alias("changed_profit_now"),
        _sum_where(changed & costed, "revenue_now_amount").alias("changed_revenue_now"),
        F.count_if(changed & forced).alias("forced_changed"),
        _sum_where(changed & costed & forced, "uplift_amount").alias("forced_uplift"),
        F.count_if((F.col("decision") == "hold") & forced).alias("forced_held"),
        F.count("elasticity").alias("with_elasticity"),
        F.count_if(F.col("elasticity") >= -(weakest_elasticity + NEAR_WEAKEST)).alias("weakest"),
    ).first()
    if row is None or row["prices"] == 0:
        raise PricingError(
            "gold.price_recommendations holds no price for this as-of date, so there is nothing to report. "
            "Run recommend_prices for the same date first."
        )
    return DecisionTotals(**row.asDict())


def _counts(codes: DataFrame) -> tuple[Count, ...]:
    """Counts by ``code``, most frequent first."""
    counted = codes.groupBy("code").agg(F.count("*").alias("prices"), F.count_if("is_changed").alias("changed"))
    rows = counted.orderBy(F.desc("prices"), "code").limit(MOST_CODES).collect()
    return tuple(Count(**row.asDict()) for row in rows)


def held_back_counts(prices: DataFrame) -> tuple[Count, ...]:
    """Reasons of the held prices, most frequent first, at most ``MOST_CODES``."""
    held = prices.where(F.col("held_back_reason").isNotNull())
    return _counts(held.select(F.col("held_back_reason").alias("code"), "is_changed"))


def flag_counts(prices: DataFrame) -> tuple[Count, ...]:
    """What is assumed or missing, most frequent first, at most ``MOST_CODES``."""
    return _counts(prices.select(F.explode("flags").alias("code"), "is_changed"))


def rule_counts(prices: DataFrame) -> tuple[RuleCount, ...]:
    """Rules that applied, those that bound most often first, at most ``MOST_CODES``."""
    once = prices.select("binding_rule", F.expr(HOLDS).alias("held_by"), F.inline(F.expr(ONCE_PER_RULE)))
    decided = F.when(F.col("held_by").isNull(), F.col("binding_rule") == F.col("rule")).otherwise(
        (F.col("kind") == "hold") & (F.col("held_by") == F.col("rule"))
    )
    counted = once.groupBy("rule", "kind").agg(
        F.count("*").alias("applied"),
        F.count_if("is_bound").alias("bound"),
        F.count_if(F.col("is_bound") & decided).alias("decided"),
    )
    rows = counted.orderBy(F.desc("bound"), F.desc("applied"), "rule", "kind").limit(MOST_CODES).collect()
    return tuple(RuleCount(**row.asDict()) for row in rows)


def change_buckets(prices: DataFrame) -> tuple[ChangeBucket, ...]:
    """Changed prices by relative change in steps of 2 %, ascending; changes beyond 100 % are in the outermost step.

    A change on an edge belongs to the step nearer to 0: a raise of 10 % lies in the step from 8 to 10 %, as a largest
    change of 10 % says.
    """
    rate = F.col("price_recommended").cast("double") / F.col("price_now").cast("double") - 1
    # rounded first: 1.10 / 1.00 - 1 is a hair above 0.1 in floating point
    steps = F.round(rate / BUCKET_RATE, 6)
    bucket = F.when(steps > 0, F.ceil(steps) - 1).otherwise(F.floor(steps))
    bucket = F.greatest(F.lit(-LARGEST_BUCKET), F.least(F.lit(LARGEST_BUCKET - 1), bucket)).cast("int")
    changed = prices.where("is_changed AND price_now > 0")
    rows = changed.groupBy(bucket.alias("bucket")).agg(F.count("*").alias("prices")).orderBy("bucket")
    return tuple(
        ChangeBucket(round(row["bucket"] * BUCKET_RATE, 4), round((row["bucket"] + 1) * BUCKET_RATE, 4), row["prices"])
        for row in rows.limit(2 * LARGEST_BUCKET).collect()
    )


def _as_recommendation(row: Row) -> Recommendation:
    content = {name: row[name] for name in RECOMMENDATION_COLUMNS}
    return Recommendation(**{**content, "flags": tuple(content["flags"])})


def largest_opportunities(prices: DataFrame, limit: int) -> tuple[Recommendation, ...]:
    """Changed prices with the largest expected uplift, best first.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date.
        limit: rows at most.
    """
    best = prices.where("is_changed AND uplift_amount IS NOT NULL").orderBy(
        F.desc("uplift_amount"), "product_id", "market_id", "period_start"
    )
    return tuple(_as_recommendation(row) for row in best.select(*RECOMMENDATION_COLUMNS).limit(limit).collect())


def choice_of_products(prices: DataFrame, limit: int) -> tuple[Recommendation, ...]:
    """Products whose curves are worth looking at: turn by turn the next best raise, cut, kept and held price.

    Within a decision the largest expected uplift comes first, then the largest expected revenue. Only the first
    period of a product and market is taken, and only prices with a demand curve.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date.
        limit: rows at most.
    """
    keys = ("product_id", "market_id")
    first_period = Window.partitionBy(*keys).orderBy("period_start")
    by_decision = Window.partitionBy("decision").orderBy(
        F.desc(F.coalesce(F.col("uplift_amount"), F.lit(0))), F.desc("revenue_now_amount"), *keys
    )
    drawn = prices.where("units_now IS NOT NULL").select(*RECOMMENDATION_COLUMNS)
    drawn = drawn.withColumn("place", F.row_number().over(first_period)).where("place = 1")
    ranked = drawn.withColumn("place", F.row_number().over(by_decision)).where(F.col("place") <= limit)
    order = F.expr("array_position(array('raise', 'lower', 'keep', 'hold'), decision)")
    return tuple(_as_recommendation(row) for row in ranked.orderBy("place", order).limit(limit).collect())


def elasticity_ranges(prices: DataFrame, products: DataFrame, limit: int) -> tuple[ElasticityRange, ...]:
    """Quantiles of the own-price elasticity: all products first, then the categories with the largest revenue.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date; rows without an elasticity are left out.
        products: ``bronze.products``.
        limit: categories at most.

    Returns:
        empty where no price has an elasticity. Quantiles are approximate (relative rank error 1 / 10 000).
    """
    quantiles = F.percentile_approx("elasticity", [0.05, 0.25, 0.5, 0.75, 0.95], 10_000).alias("quantiles")
    known = prices.where("elasticity IS NOT NULL").join(
        products.select("product_id", "category"), on="product_id", how="left"
    )
    figures = [F.count("*").alias("prices"), quantiles]
    revenue = F.coalesce(F.sum("revenue_now_amount"), F.lit(0))
    by_category = (
        known.groupBy(F.coalesce(F.col("category"), F.lit("(unknown)")).alias("category"))
        .agg(*figures, revenue.alias("revenue"))
        .orderBy(F.desc("revenue"), "category")
        .limit(limit)
    )
    together = known.agg(*figures).withColumn("category", F.lit("All products")).where("prices > 0")
    rows = [*together.collect(), *by_category.collect()]
    return tuple(ElasticityRange(row["category"], row["prices"], *row["quantiles"]) for row in rows)


def origins(prices: DataFrame) -> tuple[Origin, ...]:
    """Distinct versions behind the recommendations, at most ``MOST_ORIGINS``; normally one."""
    names = [column.name for column in fields(Origin)]
    rows = prices.select(*names).distinct().orderBy(*names).limit(MOST_ORIGINS).collect()
    return tuple(Origin(**row.asDict()) for row in rows)
