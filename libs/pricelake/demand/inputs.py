"""From the panel to the flat numbers the network reads: one encoding for training, evaluation and prediction.

The network tells what would be sold at the usual price; what the price does to it comes from the response
(:mod:`pricelake.demand.response`) as an offset. Every column of the context is known before the period, with one
exception: what the category's other products cost is in the offset and in ``price_surprise``, of a closed period as it
was paid and of an open one as far as it is announced. None depends on the period's own discount. The list price is in
it as ``price_surprise`` alone, which is no column of the price but of what the seller may have known when it was set:
for a period to be priced it is that of the list price in force.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pricelake.demand.response.pack import MIN_AVAILABILITY_RATE

PAIR = ("product_id", "market_id")
ROW_KEY = (*PAIR, "period_start")
CATEGORY_KEY = ("market_id", "department", "category", "period_start")
"""Of the rows of one category, which are compared with each other."""

RECENT = tuple(f"log_usual_{name}" for name in ("lag_1", "lag_2", "mean_4", "mean_8", "mean_13", "mean_all"))

_LOGS = ("lag_1", "lag_2", "lag_3", "lag_4", "mean_4", "mean_8", "mean_13", "mean_all", "max_8")
_COUNTS = ("age_periods", "sold_periods", "periods_since_sale", "price_changes")
_PLAIN = (
    "display_rate",
    "feature_rate",
    "coupon_rate",
    "price_cut_rate",
    "promotion_lag_1",
    "category_units_lag_1",
    "category_discount_rate",
    "temperature_c",
    "precipitation_mm",
    "revenue_rate_8",
)
_SUPPORT = ("display_rate", "feature_rate", "promotion_lag_1")
_VIEWS = ("lag_1", "mean_4", "mean_13")
_FLAGS = ("is_availability_missing", "is_weather_missing", "is_competitor_missing", "is_views_missing")
YEARLY = ("season_sin_1", "season_cos_1", "season_sin_2", "season_cos_2", "holiday_days", "days_to_holiday")
"""Columns that repeat every year. With less than two years they only name the week, and a model that reads them learns
the trend of that one year as its season; the encoding then sets them to 0."""

YEARLY_MIN_DAYS = 728

USUAL_SQL: Mapping[str, str] = {f"log_usual_{name}": f"ln(1 + usual_{name})" for name in _LOGS}
CONTEXT_SQL: Mapping[str, str] = {
    **USUAL_SQL,
    **{f"log_{name}": f"ln(1 + {name})" for name in _COUNTS},
    **{f"log_views_{name}": f"ln(1 + views_{name})" for name in _VIEWS},
    **{name: name for name in _PLAIN},
    **{f"root_{name}": f"sqrt({name})" for name in _SUPPORT},
    **{name: f"double({name})" for name in _FLAGS},
    "log_price_lag": "ln(price_lag_ratio)",
    "log_reference_price": "ln(double(reference_price))",
    "log_relative_price": "ln(double(reference_price)) - category_log_price",
    "log_competitor_ratio": "if(is_competitor_missing, 0, ln(double(list_price) / competitor_index / reference_price))",
    "price_surprise": "price_surprise",
    **{name: name for name in YEARLY},
}
"""Context column → Spark SQL over rows of ``response.with_response`` with their usual history (and
``category_log_price``, joined here)."""

AS_SOLD_SQL: Mapping[str, str] = {f"log_units_{name}": f"ln(1 + units_{name})" for name in _LOGS}
"""The history as it was sold, for models that have no response to take it to the usual price."""

LEVEL_SQL: Mapping[str, str] = {
    "department": "department",
    "category": "concat_ws(char(31), department, category)",
    "subcategory": "concat_ws(char(31), department, category, subcategory)",
    "brand": "brand",
    "product": "product_id",
    "market": "market_id",
}
"""Level of the hierarchy → Spark SQL of its value, unique over the whole path."""

PANEL_PRICE_RATIO = "panel_log_price_ratio"
"""The price column of models that fill unseen prices as the panel does, with the last price paid."""

MAX_LOG_PRICE_RATIO = 1.5
FIRST_MONDAY = "2000-01-03"


@dataclass(frozen=True)
class Encoding:
    """What the encoding learnt from the training rows, besides the vocabulary and the factors.

    Attributes:
        knows_season: whether the training rows span two years, so that yearly columns may be read.
        means: of each column of ``CONTEXT_SQL`` in order.
        deviations: standard deviations, above 0.
        default_log_price: mean log reference price, for categories never seen.
        vocabulary_sizes: (level, highest index + 1), in the order of ``LEVEL_SQL``.
        rank: ALS factors per product, 0 without a recommender.
        min_sold_periods: periods with sales before a row from which its product is known by name.
    """

    knows_season: bool
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    default_log_price: float
    vocabulary_sizes: tuple[tuple[str, int], ...]
    rank: int
    min_sold_periods: int

    @property
    def factor_names(self) -> tuple[str, ...]:
        """ALS columns: whether the product is known to ALS, then its factors."""
        return ("is_factor_known", *(f"factor_{i}" for i in range(self.rank))) if self.rank else ()


def model_columns(factor_names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The training schema: (name, dtype) of every column of a training row, in order."""
    floats = (*CONTEXT_SQL, *factor_names, "log_offset", "log_price_effect", "units")
    return tuple((name, "float32") for name in floats) + tuple((f"{level}_index", "int32") for level in LEVEL_SQL)


def fit_vocabulary(rows: DataFrame) -> DataFrame:
    """Dense indices 1, 2, … of the values of each level, in the order of the values; 0 stays for unknown values.

    Args:
        rows: training rows of gold.demand_panel.

    Returns:
        one row per level and value: ``level``, ``value``, ``index`` (int), ``log_price`` (mean log reference price of a
        category, rounded; null on other levels). Numbering sorts one level's distinct values in one task: a few
        million products are fine.
    """
    from pyspark.sql import Window

    values = F.array(
        *(F.struct(F.lit(level).alias("level"), F.expr(sql).alias("value")) for level, sql in LEVEL_SQL.items())
    )
    log_price = F.log(F.col("reference_price").cast("double"))
    long = rows.select(F.explode(values).alias("v"), log_price.alias("log_price")).select("v.*", "log_price")
    found = long.groupBy("level", "value").agg(F.round(F.avg("log_price"), 6).alias("log_price"))
    index = F.row_number().over(Window.partitionBy("level").orderBy("value"))
    only_category = F.when(F.col("level") == "category", F.col("log_price"))
    return found.select("level", "value", index.alias("index"), only_category.alias("log_price"))


def with_indices(panel: DataFrame, vocabulary: DataFrame, default_log_price: float, min_sold_periods: int) -> DataFrame:
    """The panel with ``<level>_index`` (int, 0 = unknown) for every level, and ``category_log_price``.

    A product is unknown until it has sold in ``min_sold_periods`` periods. In its early rows the name would tell that
    it is one of those that went on to sell, which nobody knows when a new product is priced.
    """
    indexed = panel
    for level, sql in LEVEL_SQL.items():
        known = vocabulary.where(F.col("level") == level).select(
            F.col("value").alias("__value"), F.col("index").alias(f"{level}_index"), F.col("log_price").alias("__price")
        )
        known = known if level == "product" else F.broadcast(known)
        indexed = indexed.join(known, F.expr(sql) == F.col("__value"), how="left").drop("__value")
        indexed = indexed.withColumn(f"{level}_index", F.coalesce(f"{level}_index", F.lit(0)))
        if level == "category":
            indexed = indexed.withColumn("category_log_price", F.coalesce("__price", F.lit(default_log_price)))
        indexed = indexed.drop("__price")
    named = F.when(F.col("sold_periods") >= min_sold_periods, F.col("product_index")).otherwise(F.lit(0))
    return indexed.withColumn("product_index", named)


def with_factors(rows: DataFrame, factors: DataFrame | None, rank: int) -> DataFrame:
    """Rows with ``is_factor_known`` and ``factor_0`` …: ALS factors at unit length, zeros where ALS lacks the product.

    The length is dropped because it follows popularity, which the units already tell.
    """
    if factors is None or rank == 0:
        return rows
    length = F.sqrt(F.aggregate("factors", F.lit(0.0), lambda total, x: total + x * x))
    known = factors.select("product_id", "factors", length.alias("__length")).where("__length > 0")
    joined = rows.join(known, "product_id", how="left")
    scaled = {
        f"factor_{i}": F.coalesce(F.col("factors")[i] / F.col("__length"), F.lit(0.0)).cast("float")
        for i in range(rank)
    }
    is_known = F.col("factors").isNotNull().cast("float")
    return joined.withColumns({"is_factor_known": is_known, **scaled}).drop("factors", "__length")


def encode(panel: DataFrame, vocabulary: DataFrame, factors: DataFrame | None, encoding: Encoding) -> DataFrame:
    """Every model column of rows of the panel.

    Args:
        panel: rows of ``response.with_response`` with their usual history, open or closed, any further columns.
        vocabulary: of :func:`fit_vocabulary`.
        factors: ``product_id``, ``factors`` of the ALS fit the model was trained with; None without a recommender.
        encoding: of the same training.

    Returns:
        all columns of ``panel`` and those of :func:`model_columns`; ``units`` becomes ``units_winsorised`` as float32
        (null while a period is open) and the observed units move to ``units_observed``. ``log_offset`` is what is known
        of log units at the reference price beside the network's level: the share of the period in stock
        (:func:`exposure`), the row's promotions, and the reference price against the usual one. ``log_price_effect`` is
        the effect of the row's price against the reference price, ``log_price_ratio`` the log ratio of the two;
        ``panel_log_price_ratio`` has the panel's filled price instead. ``log_units_<lag>`` is the history as sold.
    """
    known = with_indices(panel, vocabulary, encoding.default_log_price, encoding.min_sold_periods)
    indexed = with_factors(known, factors, encoding.rank)
    context = {name: F.expr(sql).cast("float") for name, sql in _context_sql(encoding.knows_season).items()}
    log_exposure = F.log(exposure())
    return indexed.withColumnRenamed("units", "units_observed").withColumns(
        {
            **context,
            **{name: F.expr(sql).cast("float") for name, sql in AS_SOLD_SQL.items()},
            "log_exposure": log_exposure.cast("float"),
            "log_offset": (log_exposure + F.col("promotion_effect") + F.col("reference_effect")).cast("float"),
            "log_price_effect": (F.col("price_effect") - F.col("reference_effect")).cast("float"),
            "log_price_ratio": (F.col("log_price") - F.col("log_reference")).cast("float"),
            PANEL_PRICE_RATIO: limited(F.log(F.expr("double(unit_price) / double(reference_price)"))).cast("float"),
            "units": F.col("units_winsorised").cast("float"),
        }
    )


def exposure() -> Column:
    """Share of the period in stock, at least ``MIN_AVAILABILITY_RATE``."""
    return F.greatest("availability_rate", F.lit(MIN_AVAILABILITY_RATE))


def limited(log_price_ratio: Column) -> Column:
    """A log ratio of prices within ``MAX_LOG_PRICE_RATIO`` of 0."""
    return F.greatest(F.least(log_price_ratio, F.lit(MAX_LOG_PRICE_RATIO)), F.lit(-MAX_LOG_PRICE_RATIO))


def period_number(period_days: int) -> Column:
    """Number of the row's period (long); one more a period later, so that gaps show."""
    return (F.datediff("period_start", F.lit(FIRST_MONDAY).cast("date")) / period_days).cast("long")


def fit_encoding(
    rows: DataFrame, vocabulary: DataFrame, factors: DataFrame | None, days: int, min_sold_periods: int
) -> Encoding:
    """Means and deviations of the context over the training rows: one aggregation, one row to the driver.

    Args:
        rows: training rows of gold.demand_panel.
        vocabulary: of the same rows.
        factors: product factors, all of one length; None without a recommender.
        days: from the first to the last training period.
        min_sold_periods: see :class:`Encoding`.
    """
    sizes = {row["level"]: int(row["size"]) for row in _level_sizes(vocabulary).collect()}  # one row per level
    rank = 0 if factors is None else int((factors.agg(F.max(F.size("factors"))).first() or [0])[0] or 0)
    price = rows.agg(F.round(F.avg(F.log(F.col("reference_price").cast("double"))), 6)).first()
    default = float(price[0]) if price is not None and price[0] is not None else 0.0
    knows_season = days >= YEARLY_MIN_DAYS
    indexed = with_indices(rows, vocabulary, default, min_sold_periods)
    sql = _context_sql(knows_season)
    figures = [F.expr(f"avg({text})") for text in sql.values()] + [
        F.expr(f"stddev_pop({text})") for text in sql.values()
    ]
    found = indexed.agg(*figures).first()
    numbers, half = [float(value or 0.0) for value in found or ()], len(sql)
    return Encoding(
        knows_season,
        tuple(round(value, 6) for value in numbers[:half]),
        tuple(round(value, 6) if value > 1e-4 else 1.0 for value in numbers[half:]),
        default,
        tuple((level, sizes.get(level, 0) + 1) for level in LEVEL_SQL),
        rank,
        min_sold_periods,
    )


def _context_sql(knows_season: bool) -> dict[str, str]:
    return {name: "double(0)" if name in YEARLY and not knows_season else sql for name, sql in CONTEXT_SQL.items()}


def _level_sizes(vocabulary: DataFrame) -> DataFrame:
    return vocabulary.groupBy("level").agg(F.max("index").alias("size"))
