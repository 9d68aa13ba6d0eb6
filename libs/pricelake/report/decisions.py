"""Recommendations in figures: one Spark aggregation per question, each with a bounded result."""

from dataclasses import fields
from decimal import Decimal
from statistics import NormalDist

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
HAS_COST = "profit_then_amount IS NOT NULL"
OF_CATEGORY = ("kind", "diversion")  # parts of the uplift's error that products of a category share
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


def decision_totals(
    prices: DataFrame, products: DataFrame, weakest_elasticity: float, interval_rate: float
) -> DecisionTotals:
    """All decisions in one row.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date.
        products: ``bronze.products``.
        weakest_elasticity: smallest size that an elasticity may have at the usual price.
        interval_rate: coverage of the stated intervals, 0–1.

    Raises:
        PricingError: there is no recommendation to report.
    """
    changed, costed = F.col("is_changed"), F.expr(HAS_COST)
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
    found = row.asDict()
    half = _quantile(interval_rate) * total_uplift_sd(prices, products, interval_rate)
    ends = {end: found["profit_uplift"] + round(Decimal(sign * half), 4) for end, sign in (("low", -1), ("high", 1))}
    return DecisionTotals(**found, profit_uplift_low=ends["low"], profit_uplift_high=ends["high"])


def total_uplift_sd(prices: DataFrame, products: DataFrame, interval_rate: float) -> float:
    """Standard deviation of the whole gain in profit of the changed prices, shop currency.

    Errors of an elasticity that belong to the product go one way in all its markets, those of its kind and of what
    others gain by lost units in all products of the category, and those that all products share everywhere; each is
    added up with its sign before it is squared, so that raised prices make up for lowered ones. What is left of each
    row's interval, demand that nobody foresees, is independent of the others.

    Args:
        prices: ``gold.price_recommendations`` of one as-of date.
        products: ``bronze.products``.
        interval_rate: coverage of the stated intervals, 0–1.
    """
    shared = ("product", *OF_CATEGORY, "common")
    parts = {name: F.col(f"uplift_{name}_sd_amount").cast("double") for name in shared}
    whole = (F.col("uplift_high_amount") - F.col("uplift_low_amount")).cast("double") / (2 * _quantile(interval_rate))
    rest = F.greatest(whole**2 - sum(part**2 for part in parts.values()), F.lit(0.0))
    changed = prices.where(f"is_changed AND {HAS_COST}")
    of_product = changed.groupBy("product_id").agg(
        F.sum(rest).alias("rest"), *(F.sum(part).alias(name) for name, part in parts.items())
    )
    of_category = (
        of_product.join(products.select("product_id", "department", "category"), "product_id", how="left")
        .groupBy("department", "category")
        .agg(
            F.sum(F.col("rest") + F.col("product") ** 2).alias("rest"),
            *(F.sum(name).alias(name) for name in (*OF_CATEGORY, "common")),
        )
    )
    apart = F.col("rest") + sum(F.col(name) ** 2 for name in OF_CATEGORY)
    row = of_category.agg((F.sum(apart) + F.sum("common") ** 2).alias("variance")).first()
    return 0.0 if row is None or row["variance"] is None else float(row["variance"]) ** 0.5


def _quantile(interval_rate: float) -> float:
    """Standard deviations from the middle of a normal interval to its ends."""
    return NormalDist().inv_cdf(0.5 + min(interval_rate, 1 - 1e-9) / 2)


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
