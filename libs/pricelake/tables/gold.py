"""Gold contracts for panel, tastes and sequences: what the models read."""

from pyspark.sql.types import ArrayType

from pricelake.tables.contract import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    MONEY,
    TEXT,
    TIME,
    VECTOR,
    TableContract,
    optional,
    rate_check,
    required,
)

PANEL_KEY = (
    required("product_id", TEXT, "product"),
    required("market_id", TEXT, "market"),
    required("period_start", DATE, "first day of the period in the shop's time zone; weeks start on Monday"),
)

DEMAND_PANEL = TableContract(
    "gold.demand_panel",
    "One product in one market and period, from its first sale to the period that contains the as-of date; "
    "features know only what was known before the period, plus the period's own price and planned promotions",
    (
        *PANEL_KEY,
        required("is_open", BOOLEAN, "true: the period being priced, not yet observed; units and revenue are null"),
        required("department", TEXT, "top level of the category path"),
        required("category", TEXT, "middle level of the category path"),
        required("subcategory", TEXT, "lowest level of the category path"),
        required("brand", TEXT, "brand or manufacturer"),
        # outcome
        optional("units", DOUBLE, "units sold, 0 or more; null only while the period is open"),
        optional("revenue_amount", MONEY, "received for them, shop currency; null only while the period is open"),
        required("is_outlier", BOOLEAN, "units are outside the product's robust range (see features.outliers)"),
        optional("units_winsorised", DOUBLE, "units pulled back to the robust range; null only while open"),
        # price
        required(
            "unit_price",
            MONEY,
            "paid per unit; without a sale the last one known before; open: list_price less the announced discount",
        ),
        required("is_price_observed", BOOLEAN, "false: no sale in the period, unit_price is carried forward"),
        # no indicators beside the guesses below: a shelf price holds until the next one; the other rows whose value is
        # a stand-in are told apart by columns that are there (features.grid, .facts, .history, .category say which)
        required(
            "list_price",
            MONEY,
            "regular shelf price per unit, brought or worked out from payments; carried forward where not seen",
        ),
        required("discount_rate", DOUBLE, "1 - unit_price / list_price, 0–1"),
        required(
            "reference_price", MONEY, "mean unit_price of the 8 periods before; the first known price at the start"
        ),
        optional("unit_cost", MONEY, "cost per unit, shop currency; null: unknown"),
        optional("cost_source", TEXT, "brought or assumed; null: unknown"),
        # promotion and availability
        required("display_rate", DOUBLE, "share of the market's store-days with a display, 0–1"),
        required("feature_rate", DOUBLE, "share of the market's store-days with a feature or mailer, 0–1"),
        required("coupon_rate", DOUBLE, "share of the market's store-days with a coupon, 0–1"),
        required(
            "price_cut_rate",
            DOUBLE,
            "share of the market's store-days with an announced price cut, 0–1; 0 for shops that bring sales_panel",
        ),
        required("promotion_depth_rate", DOUBLE, "deepest announced reduction, 0–1; 0 without promotion or if unknown"),
        required(
            "announced_discount_rate",
            DOUBLE,
            "announced reduction of the list price times its share of store-days, the largest of all promotions but "
            "coupons, 0–1; 0 without",
        ),
        required(
            "availability_rate",
            DOUBLE,
            "share of the period in stock, 0–1; 1 where not recorded, or recorded as 0 in a period with sales",
        ),
        required(
            "is_availability_missing",
            BOOLEAN,
            "true: availability was not recorded or contradicts sales; open: nor in the period before",
        ),
        # context known in advance or last seen
        required("holiday_days", INTEGER, "days of the period with a public holiday or a shop event"),
        required("days_to_holiday", INTEGER, "days from the period's start to the next public holiday, capped at 28"),
        required("season_sin_1", DOUBLE, "sin of the yearly angle, -1–1"),
        required("season_cos_1", DOUBLE, "cos of the yearly angle, -1–1"),
        required("season_sin_2", DOUBLE, "sin of twice the yearly angle, -1–1"),
        required("season_cos_2", DOUBLE, "cos of twice the yearly angle, -1–1"),
        required("temperature_c", DOUBLE, "mean of the last period's days; 0 where missing"),
        required("precipitation_mm", DOUBLE, "mean of the last period's days; 0 where missing"),
        required("is_weather_missing", BOOLEAN, "true: no weather brought for the last period"),
        required("competitor_index", DOUBLE, "own list_price / median competitor price known before; 1 where missing"),
        required("is_competitor_missing", BOOLEAN, "true: no competitor price known"),
        # history, strictly before the period
        required(
            "age_periods", INTEGER, "periods since the first sale or launch within the periods read, 0 in the first"
        ),
        required("sold_periods", INTEGER, "earlier periods with sales"),
        required("periods_since_sale", INTEGER, "periods since the last one with sales, capped at 52; 0 in the first"),
        required("price_changes", INTEGER, "earlier moves of unit_price by more than 1 %"),
        required("units_lag_1", DOUBLE, "winsorised units one period before, 0 before the first"),
        required("units_lag_2", DOUBLE, "two periods before"),
        required("units_lag_3", DOUBLE, "three periods before"),
        required("units_lag_4", DOUBLE, "four periods before"),
        required("units_mean_4", DOUBLE, "mean winsorised units of the 4 periods before"),
        required("units_mean_8", DOUBLE, "mean winsorised units of the 8 periods before"),
        required("units_mean_13", DOUBLE, "mean winsorised units of the 13 periods before"),
        required("units_mean_all", DOUBLE, "mean winsorised units of all periods before"),
        required("units_max_8", DOUBLE, "largest winsorised units of the 8 periods before"),
        required(
            "revenue_rate_8", DOUBLE, "units at the reference price: log1p of mean units x reference price, 8 periods"
        ),
        required("views_lag_1", DOUBLE, "times the product was looked at one period before, all markets; 0 if unknown"),
        required("views_mean_4", DOUBLE, "mean views of the 4 periods before; 0 if unknown"),
        required("views_mean_13", DOUBLE, "mean views of the 13 periods before; 0 if unknown"),
        required("is_views_missing", BOOLEAN, "true: none of the 13 periods before has its views recorded"),
        required("price_lag_ratio", DOUBLE, "unit_price one period before / reference_price; 1 without one"),
        required("promotion_lag_1", DOUBLE, "largest of the promotion rates one period before, 0–1"),
        required(
            "category_units_lag_1", DOUBLE, "category's units one period before / its mean of 8 before; 1 if unknown"
        ),
        required(
            "category_discount_rate", DOUBLE, "category's discount rate one period before, weighted by units, 0–1"
        ),
    ),
    key=("product_id", "market_id", "period_start"),
    checks={
        "units_unless_open": "is_open = (units IS NULL) AND is_open = (revenue_amount IS NULL)",
        "units_not_negative": "units IS NULL OR units >= 0",
        "unit_price_above_zero": "unit_price > 0",
        "list_price_above_zero": "list_price > 0",
        "reference_price_above_zero": "reference_price > 0",
        "discount_is_rate": rate_check("discount_rate"),
        "display_is_rate": rate_check("display_rate"),
        "feature_is_rate": rate_check("feature_rate"),
        "coupon_is_rate": rate_check("coupon_rate"),
        "price_cut_is_rate": rate_check("price_cut_rate"),
        "depth_is_rate": rate_check("promotion_depth_rate"),
        "announced_is_rate": rate_check("announced_discount_rate"),
        "availability_is_rate": rate_check("availability_rate"),
        "cost_has_source": "(unit_cost IS NULL) = (cost_source IS NULL)",
    },
    cluster_by=("period_start", "product_id"),
    is_finite=True,
)

INTERACTIONS = TableContract(
    "gold.interactions",
    "A customer's taste for a product as far as behaviour shows it up to the as-of date",
    (
        required("customer_id", TEXT, "pseudonym"),
        required("product_id", TEXT, "product"),
        required("rating", DOUBLE, "taste, 0–1 (see features.interactions)"),
        required("interactions", DOUBLE, "recency-weighted count behind the rating, above 0"),
        required("first_at", TIME, "first interaction, UTC"),
        required("last_at", TIME, "latest interaction, UTC"),
        required("purchases", INTEGER, "order lines among them"),
    ),
    key=("customer_id", "product_id"),
    checks={"rating_is_rate": rate_check("rating")},
    cluster_by=("customer_id",),
)

SEQUENCES = TableContract(
    "gold.sequences",
    "A customer's latest events in order of time; the arrays are parallel",
    (
        required("customer_id", TEXT, "pseudonym"),
        required("product_ids", ArrayType(TEXT, False), "product of each event, '' where none"),
        required("event_types", ArrayType(TEXT, False), "purchase, view, search, cart, wish or review"),
        required("occurred_at", ArrayType(TIME, False), "moment of each event, ascending, UTC"),
        required("event_count", INTEGER, "length of the arrays, at most features.max_sequence_events"),
    ),
    key=("customer_id",),
    checks={"arrays_parallel": "size(product_ids) = event_count AND size(event_types) = event_count"},
)

PRODUCT_FACTORS = TableContract(
    "gold.product_factors",
    "Latent factors of a product from ALS",
    (
        required("product_id", TEXT, "product"),
        required("factors", VECTOR, "recommender.rank numbers, dimensionless; identifiable up to rotation"),
        required("model_version", TEXT, "fit they come from; factors of different fits do not compare"),
    ),
    key=("product_id",),
)

CUSTOMER_FACTORS = TableContract(
    "gold.customer_factors",
    "Latent factors of a customer from ALS",
    (
        required("customer_id", TEXT, "pseudonym"),
        required("factors", VECTOR, "recommender.rank numbers, dimensionless"),
        required("model_version", TEXT, "fit they come from"),
    ),
    key=("customer_id",),
)

RECOMMENDATIONS = TableContract(
    "gold.recommendations",
    "A product recommended to a customer",
    (
        required("customer_id", TEXT, "pseudonym"),
        required("position", INTEGER, "1 is best"),
        required("product_id", TEXT, "product"),
        required("score", DOUBLE, "predicted preference; comparable within one customer and source"),
        required("source", TEXT, "als, or popularity for customers ALS does not know"),
        required("model_version", TEXT, "fit it comes from"),
    ),
    key=("customer_id", "position"),
    cluster_by=("customer_id",),
)

SIMILAR_PRODUCTS = TableContract(
    "gold.similar_products",
    "A product whose factors point the same way",
    (
        required("product_id", TEXT, "product"),
        required("position", INTEGER, "1 is most similar"),
        required("similar_product_id", TEXT, "the other product"),
        required("similarity", DOUBLE, "cosine of the factors -1–1, or 0 for the category fallback"),
        required(
            "source", TEXT, "als; without factors: category, department or popularity, whose best sellers these are"
        ),
        required("model_version", TEXT, "fit it comes from"),
    ),
    key=("product_id", "position"),
    cluster_by=("product_id",),
)

RECOMMENDER_METRICS = TableContract(
    "gold.recommender_metrics",
    "Ranking quality of one contender on held-out last days",
    (
        required("as_of_date", DATE, "as-of date of the run"),
        required("contender", TEXT, "als, popularity or repeat"),
        required("purchases", TEXT, "all, repeat or first_time: which held-out purchases count as relevant"),
        required("precision", DOUBLE, "at 10, 0–1"),
        required("recall", DOUBLE, "at 10, 0–1"),
        required("f1", DOUBLE, "harmonic mean of precision and recall, 0–1"),
        required("ndcg_at_10", DOUBLE, "0–1"),
        required("coverage", DOUBLE, "share of the known products that were recommended to somebody, 0–1"),
        required("customers", INTEGER, "customers with at least one relevant purchase"),
        required("model_version", TEXT, "fit that was judged"),
    ),
    key=("as_of_date", "contender", "purchases"),
)
