"""Gold contracts for models and prices: curves, metrics and recommendations."""

from pyspark.sql.types import ArrayType, StructType

from pricelake.tables.contract import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    MONEY,
    TEXT,
    TableContract,
    optional,
    required,
)

DEMAND_METRICS = TableContract(
    "gold.demand_metrics",
    "A figure of one contender on the held-out last periods, or of how the response to price was learnt",
    (
        required("as_of_date", DATE, "as-of date of the run"),
        required(
            "contender",
            TEXT,
            "pricelake, mean_8_weeks, last_week, lightgbm, ...; price_response: how the response was learnt",
        ),
        required("figure", TEXT, "wape, bias, share_downward, coverage_80, median_elasticity, rows, ..."),
        required("value", DOUBLE, "the figure; units and meaning: docs/tables.md"),
        required("model_version", TEXT, "registered version that was judged"),
    ),
    key=("as_of_date", "contender", "figure"),
)

DEMAND_CURVES = TableContract(
    "gold.demand_curves",
    "Expected units of a product in a market and period as a closed form of price (see demand.curve)",
    (
        required("as_of_date", DATE, "as-of date of the run"),
        required("product_id", TEXT, "product"),
        required("market_id", TEXT, "market"),
        required("period_start", DATE, "period the curve is for"),
        required("reference_price", MONEY, "price at which the log price ratio is 0"),
        required("log_units", DOUBLE, "log of expected units at the reference price"),
        required("elasticity_low", DOUBLE, "size of the elasticity far below the reference price, above 0"),
        required("elasticity_high", DOUBLE, "size of the elasticity far above the reference price, above 0"),
        required("bend", DOUBLE, "log price ratio where the elasticity is half-way between the two"),
        required("steepness", DOUBLE, "how fast it moves from one to the other, per unit of log price, above 0"),
        required("dispersion", DOUBLE, "negative-binomial alpha: variance = mean + alpha x mean squared, above 0"),
        required("elasticity_sd", DOUBLE, "uncertainty of the elasticity at the reference price, 0 or more"),
        required("elasticity_kind_sd", DOUBLE, "part of elasticity_sd that products of the category share"),
        required("elasticity_common_sd", DOUBLE, "part of elasticity_sd that all products share"),
        required(
            "log_units_sd",
            DOUBLE,
            "standard deviation of the mean that the period's units are drawn around, over expected units, 0 or more",
        ),
        required(
            "diversion_ratio",
            DOUBLE,
            "share of the units it loses when it becomes dearer that the category's other products sell instead, 0-1",
        ),
        required("diversion_ratio_sd", DOUBLE, "uncertainty of diversion_ratio, which products of the category share"),
        required(
            "identification", TEXT, "what tells the elasticity: instruments, discounts, or weak: its kind and belief"
        ),
        required("model_version", TEXT, "registered version that drew it"),
    ),
    key=("as_of_date", "product_id", "market_id", "period_start"),
    checks={
        "slopes_downward": "elasticity_low > 0 AND elasticity_high > 0",
        "steepness_above_zero": "steepness > 0",
        "deviations_not_below_zero": "elasticity_sd >= 0 AND elasticity_kind_sd >= 0 AND elasticity_common_sd >= 0 AND "
        "log_units_sd >= 0 AND diversion_ratio_sd >= 0",
        "diversion_is_a_share": "diversion_ratio BETWEEN 0 AND 1",
    },
    cluster_by=("as_of_date", "product_id"),
    is_finite=True,
)

RULE_TRAIL = ArrayType(
    StructType(
        [
            required("rule", TEXT, "name in the rules file"),
            required("kind", TEXT, "floor, ceiling, step, range, ending, hold"),
            required("bound_price", TEXT, "the price limit it set, decimal as text; '' for holds and endings"),
            required("binding", BOOLEAN, "true: the objective alone would have gone beyond it"),
        ]
    ),
    False,
)


def interval_check(name: str, suffix: str = "") -> str:
    """SQL for "its interval surrounds ``name``, wherever that is known"; a missing end breaks it too.

    Args:
        name: column without its suffix.
        suffix: ``_amount`` for money; the ends are ``<name>_low<suffix>`` and ``<name>_high<suffix>``.
    """
    return f"{name}{suffix} IS NULL OR {name}{suffix} BETWEEN {name}_low{suffix} AND {name}_high{suffix}"


PRICE_RECOMMENDATIONS = TableContract(
    "gold.price_recommendations",
    "The price recommended for a product in a market and period, with its reason",
    (
        required("as_of_date", DATE, "as-of date of the run"),
        required("product_id", TEXT, "product"),
        required("market_id", TEXT, "market"),
        required("period_start", DATE, "period the price is for"),
        required("price_now", MONEY, "list price in force, per unit"),
        required("price_recommended", MONEY, "price to set; price_now where the price is held"),
        required("is_changed", BOOLEAN, "price_recommended differs from price_now"),
        required("decision", TEXT, "raise, lower, keep (best as it is) or hold (a rule stopped the change)"),
        required("reason", TEXT, "one sentence for a pricing manager"),
        optional("held_back_reason", TEXT, "code of what stopped the price; null unless decision is hold"),
        optional("range_low", MONEY, "lowest candidate the rules leave; null when held"),
        optional("range_high", MONEY, "highest candidate the rules leave; null when held"),
        optional("unit_cost", MONEY, "cost per unit; null: unknown"),
        optional("cost_source", TEXT, "brought or assumed; null: unknown"),
        optional("units_now", DOUBLE, "expected units of the period at price_now; null: no demand curve"),
        optional("units_now_low", DOUBLE, "lower end of the interval of the period's units at price_now, whole"),
        optional("units_now_high", DOUBLE, "upper end"),
        optional("units_then", DOUBLE, "expected units at price_recommended"),
        optional("units_then_low", DOUBLE, "lower end of the interval of the period's units then, whole"),
        optional("units_then_high", DOUBLE, "upper end"),
        optional("revenue_now_amount", MONEY, "expected revenue of the period at price_now; null: no demand curve"),
        optional("revenue_now_low_amount", MONEY, "lower end of its interval"),
        optional("revenue_now_high_amount", MONEY, "upper end"),
        optional("revenue_then_amount", MONEY, "expected revenue at price_recommended"),
        optional("revenue_then_low_amount", MONEY, "lower end of its interval"),
        optional("revenue_then_high_amount", MONEY, "upper end"),
        optional("profit_now_amount", MONEY, "expected profit at price_now, below 0 under cost; null: no cost"),
        optional("profit_now_low_amount", MONEY, "lower end of its interval"),
        optional("profit_now_high_amount", MONEY, "upper end"),
        optional("profit_then_amount", MONEY, "expected profit at price_recommended"),
        optional("profit_then_low_amount", MONEY, "lower end of its interval"),
        optional("profit_then_high_amount", MONEY, "upper end"),
        optional(
            "uplift_amount",
            MONEY,
            "profit_then - profit_now and what the category's other products gain; revenue where no cost is known",
        ),
        optional("uplift_low_amount", MONEY, "lower end of the interval of the expected uplift"),
        optional("uplift_high_amount", MONEY, "upper end"),
        optional(
            "uplift_product_sd_amount",
            MONEY,
            "change of the uplift if the elasticity is nearer 0 than stated by one standard deviation of the error "
            "that is the product's own",
        ),
        optional("uplift_kind_sd_amount", MONEY, "the same of the error that products of the category share"),
        optional("uplift_common_sd_amount", MONEY, "the same of the error that all products share"),
        optional(
            "uplift_diversion_sd_amount",
            MONEY,
            "change of the uplift if the category's other products get more of what is lost than stated by one "
            "standard deviation",
        ),
        optional("elasticity", DOUBLE, "own-price elasticity at price_now, below 0; null: no demand curve"),
        required("confidence", TEXT, "high, medium, low or none"),
        required("flags", ArrayType(TEXT, False), "what was assumed or is missing: assumed_cost, no_competitors, ..."),
        required("rules", RULE_TRAIL, "every rule that applied"),
        optional("binding_rule", TEXT, "the rule that bound; null: none did"),
        required("objective", TEXT, "what was maximised"),
        required("model_version", TEXT, "demand model"),
        required("rules_version", TEXT, "hash of the rule set"),
        required("panel_version", LONG, "Delta version of gold.demand_panel"),
        required("seed", INTEGER, "seed of the model's training"),
    ),
    key=("as_of_date", "product_id", "market_id", "period_start"),
    checks={
        "price_above_zero": "price_recommended > 0",
        "hold_keeps_price": "decision <> 'hold' OR price_recommended = price_now",
        "hold_has_reason": "(decision = 'hold') = (held_back_reason IS NOT NULL)",
        "within_range": "range_low IS NULL OR NOT is_changed OR price_recommended BETWEEN range_low AND range_high",
        "units_now_in_interval": interval_check("units_now"),
        "units_then_in_interval": interval_check("units_then"),
        "revenue_now_in_interval": interval_check("revenue_now", "_amount"),
        "revenue_then_in_interval": interval_check("revenue_then", "_amount"),
        "profit_now_in_interval": interval_check("profit_now", "_amount"),
        "profit_then_in_interval": interval_check("profit_then", "_amount"),
        "uplift_in_interval": interval_check("uplift", "_amount"),
    },
    cluster_by=("as_of_date", "product_id"),
    is_finite=True,
)
