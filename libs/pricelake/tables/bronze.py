"""Bronze contracts: what a shop can bring, as received and typed."""

from pyspark.sql.types import MapType

from pricelake.tables.contract import (
    BOOLEAN,
    DATE,
    DOUBLE,
    MONEY,
    TEXT,
    TIME,
    VECTOR,
    TableContract,
    optional,
    rate_check,
    required,
)

ORDER_LINES = TableContract(
    "bronze.order_lines",
    "One line of an order: one product bought once",
    (
        required("order_id", TEXT, "order or basket"),
        required("line_id", TEXT, "line within the order"),
        optional("customer_id", TEXT, "pseudonym of the customer; null: bought anonymously"),
        required("product_id", TEXT, "product bought"),
        required("market_id", TEXT, "where one price holds: store, region or channel"),
        required("ordered_at", TIME, "moment of the order, UTC"),
        required("quantity", DOUBLE, "units bought, above 0"),
        required(
            "paid_amount", MONEY, "what the shop received for the line, after discounts, in shop currency, above 0"
        ),
        optional("discount_amount", MONEY, "reduction against list price on the line, 0 or more; null: not recorded"),
    ),
    key=("order_id", "line_id"),
    checks={
        "quantity_above_zero": "quantity > 0",
        "paid_amount_above_zero": "paid_amount > 0",
        "discount_not_negative": "discount_amount IS NULL OR discount_amount >= 0",
    },
    cluster_by=("ordered_at", "product_id"),
)

SALES_PANEL = TableContract(
    "bronze.sales_panel",
    "Totals of one product in one market and period, for shops that keep no order lines",
    (
        required("product_id", TEXT, "product sold"),
        required("market_id", TEXT, "where one price holds"),
        required("period_start", DATE, "first day of the period"),
        required("units", DOUBLE, "units sold, 0 or more"),
        required("revenue_amount", MONEY, "received for them, in shop currency, 0 or more"),
        optional("list_price", MONEY, "regular shelf price per unit; null: derived from revenue"),
        optional("availability_rate", DOUBLE, "share of the period in stock, 0–1; null: not recorded"),
        optional("display_rate", DOUBLE, "share of the market's stores with a display, 0–1; null: none recorded"),
        optional(
            "feature_rate", DOUBLE, "share of the market's stores with a feature or mailer, 0–1; null: none recorded"
        ),
        optional("coupon_rate", DOUBLE, "share of the market's stores with a coupon, 0–1; null: none recorded"),
    ),
    key=("product_id", "market_id", "period_start"),
    checks={
        "units_not_negative": "units >= 0",
        "revenue_not_negative": "revenue_amount >= 0",
        "revenue_only_with_units": "units > 0 OR revenue_amount = 0",
        "list_price_above_zero": "list_price IS NULL OR list_price > 0",
        "availability_is_rate": rate_check("availability_rate", nullable=True),
        "display_is_rate": rate_check("display_rate", nullable=True),
        "feature_is_rate": rate_check("feature_rate", nullable=True),
        "coupon_is_rate": rate_check("coupon_rate", nullable=True),
    },
    cluster_by=("period_start", "product_id"),
)

PRODUCTS = TableContract(
    "bronze.products",
    "One product",
    (
        required("product_id", TEXT, "product"),
        required("name", TEXT, "name as shown to customers"),
        required("department", TEXT, "top level of the category path"),
        required("category", TEXT, "middle level of the category path"),
        required("subcategory", TEXT, "lowest level of the category path"),
        required("brand", TEXT, "brand or manufacturer"),
        optional("description", TEXT, "text shown to customers; null: none"),
        optional("size_amount", DOUBLE, "pack size in size_unit, above 0; null: unknown"),
        optional("size_unit", TEXT, "unit of size_amount; null: unknown"),
        optional("launched_on", DATE, "first day on sale; null: taken from the first sale"),
        optional("image_embedding", VECTOR, "picture embedding; null: none"),
    ),
    key=("product_id",),
    checks={"size_above_zero": "size_amount IS NULL OR size_amount > 0"},
)

CUSTOMERS = TableContract(
    "bronze.customers",
    "One customer; attributes are never used to set a price",
    (
        required("customer_id", TEXT, "pseudonym (keyed hash)"),
        optional("age_band", TEXT, "age band; null: unknown"),
        optional("segment", TEXT, "segment; null: unknown"),
        optional("attributes", MapType(TEXT, TEXT, False), "further attributes by name; null: none"),
    ),
    key=("customer_id",),
)

EVENTS = TableContract(
    "bronze.events",
    "One step of a customer in the shop",
    (
        required("event_id", TEXT, "event"),
        required("customer_id", TEXT, "pseudonym of the customer"),
        optional("product_id", TEXT, "product concerned; null for a search without a click"),
        required("event_type", TEXT, "view, search, cart or wish"),
        required("occurred_at", TIME, "moment, UTC"),
        optional("query", TEXT, "search words; null outside searches"),
    ),
    key=("event_id",),
    checks={"event_type_known": "event_type IN ('view', 'search', 'cart', 'wish')"},
    cluster_by=("occurred_at",),
)

REVIEWS = TableContract(
    "bronze.reviews",
    "One review of a product",
    (
        required("review_id", TEXT, "review"),
        required("customer_id", TEXT, "pseudonym of the customer"),
        required("product_id", TEXT, "product reviewed"),
        required("rating", DOUBLE, "stars mapped to 0–1 by the shop file"),
        optional("text", TEXT, "words of the review; null: none"),
        required("reviewed_at", TIME, "moment, UTC"),
    ),
    key=("review_id",),
    checks={"rating_is_rate": rate_check("rating")},
)

LIST_PRICES = TableContract(
    "bronze.list_prices",
    "A regular shelf price from a day on, until the next row",
    (
        required("product_id", TEXT, "product"),
        required("market_id", TEXT, "where the price holds"),
        required("valid_from", DATE, "first day of the price"),
        required("list_price", MONEY, "regular price per unit, above 0"),
    ),
    key=("product_id", "market_id", "valid_from"),
    checks={"list_price_above_zero": "list_price > 0"},
)

COSTS = TableContract(
    "bronze.costs",
    "A unit cost from a day on, until the next row",
    (
        required("product_id", TEXT, "product"),
        required("market_id", TEXT, "where the cost holds"),
        required("valid_from", DATE, "first day of the cost"),
        required("unit_cost", MONEY, "cost per unit in shop currency, above 0"),
    ),
    key=("product_id", "market_id", "valid_from"),
    checks={"unit_cost_above_zero": "unit_cost > 0"},
)

PROMOTIONS = TableContract(
    "bronze.promotions",
    "A promotion of a product in a market, past or planned",
    (
        required("product_id", TEXT, "product"),
        required("market_id", TEXT, "where it runs"),
        required("kind", TEXT, "display, feature, discount or coupon"),
        required("starts_on", DATE, "first day"),
        required("ends_on", DATE, "last day"),
        optional("depth_rate", DOUBLE, "reduction against list price, 0–1; null: unknown or none"),
        optional("coverage_rate", DOUBLE, "share of the market's stores that run it, 0–1; null: all"),
    ),
    key=("product_id", "market_id", "kind", "starts_on"),
    checks={
        "kind_known": "kind IN ('display', 'feature', 'discount', 'coupon')",
        "ends_after_start": "ends_on >= starts_on",
        "depth_is_rate": rate_check("depth_rate", nullable=True),
        "coverage_is_rate": rate_check("coverage_rate", nullable=True),
    },
    cluster_by=("starts_on", "product_id"),
)

COMPETITOR_PRICES = TableContract(
    "bronze.competitor_prices",
    "A competitor's price as observed",
    (
        required("product_id", TEXT, "our product it was matched to"),
        required("competitor_id", TEXT, "competitor"),
        required("market_id", TEXT, "market it competes in"),
        required("observed_at", TIME, "moment of observation, UTC"),
        required("price", MONEY, "competitor's price per unit, above 0"),
        optional("in_stock", BOOLEAN, "false: sold out at the competitor; null: unknown"),
        optional("match_confidence", DOUBLE, "confidence of the product match, 0–1; null: not stated"),
    ),
    key=("product_id", "competitor_id", "market_id", "observed_at"),
    checks={
        "price_above_zero": "price > 0",
        "confidence_is_rate": rate_check("match_confidence", nullable=True),
    },
    cluster_by=("observed_at", "product_id"),
)

INVENTORY = TableContract(
    "bronze.inventory",
    "Stock of a product in a market on a day",
    (
        required("product_id", TEXT, "product"),
        required("market_id", TEXT, "market"),
        required("date", DATE, "day"),
        optional("on_hand_units", DOUBLE, "units in stock at the end of the day, 0 or more; null: unknown"),
        optional("availability_rate", DOUBLE, "share of the day in stock, 0–1; null: derived from on_hand_units"),
    ),
    key=("product_id", "market_id", "date"),
    checks={
        "on_hand_not_negative": "on_hand_units IS NULL OR on_hand_units >= 0",
        "availability_is_rate": rate_check("availability_rate", nullable=True),
    },
    cluster_by=("date", "product_id"),
)

CALENDAR = TableContract(
    "bronze.calendar",
    "What is special about a day in a market, beyond public holidays",
    (
        required("market_id", TEXT, "market"),
        required("date", DATE, "day"),
        optional("holiday", TEXT, "name of the holiday; null: none"),
        optional("event", TEXT, "name of another event; null: none"),
    ),
    key=("market_id", "date"),
)

WEATHER = TableContract(
    "bronze.weather",
    "Weather of a day in a market",
    (
        required("market_id", TEXT, "market"),
        required("date", DATE, "day"),
        optional("temperature_c", DOUBLE, "mean temperature, degrees Celsius; null: not measured"),
        optional("precipitation_mm", DOUBLE, "precipitation of the day, mm, 0–2000; null: not measured"),
    ),
    key=("market_id", "date"),
    checks={
        "temperature_on_earth": "temperature_c IS NULL OR temperature_c BETWEEN -90 AND 60",
        "precipitation_on_earth": "precipitation_mm IS NULL OR precipitation_mm BETWEEN 0 AND 2000",
    },
)

QUARANTINE = TableContract(
    "bronze.quarantine",
    "A source row that broke a contract and was not taken",
    (
        required("table_name", TEXT, "table it was meant for"),
        required("row_hash", TEXT, "SHA-256 of the original row and its occurrence number"),
        required("rule", TEXT, "name of the first rule it broke"),
        required("reason", TEXT, "what was wrong, with the value"),
        required("source_row", TEXT, "the row as received, JSON; customer ids already pseudonymous"),
        optional("source_file", TEXT, "file it came from; null: not a file"),
    ),
    key=("table_name", "row_hash"),
)

SHOP_TABLES = (
    ORDER_LINES,
    SALES_PANEL,
    PRODUCTS,
    CUSTOMERS,
    EVENTS,
    REVIEWS,
    LIST_PRICES,
    COSTS,
    PROMOTIONS,
    COMPETITOR_PRICES,
    INVENTORY,
    CALENDAR,
    WEATHER,
)
BRONZE = (*SHOP_TABLES, QUARANTINE)
