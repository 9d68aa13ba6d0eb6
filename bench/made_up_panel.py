"""gold.demand_panel of any size, drawn by hashing: the same rows on any cluster, without a shop behind them."""

from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from pricelake.tables import contract_of

AS_OF = date(2024, 3, 4)
ELASTICITY = 2.0
HISTORY = ("units_lag", "units_mean", "units_max")


def panel(spark: SparkSession, pairs: int, closed_periods: int) -> DataFrame:
    """One open and some closed weeks of each product and market.

    A product sells about as much every week, more where less is paid, and less or more by chance; what it sold before
    is drawn as well and has nothing to do with that.

    Args:
        spark: session.
        pairs: products and markets.
        closed_periods: weeks before the open one.
    """
    number, contract = F.col("number"), contract_of("gold.demand_panel")
    grid = spark.range(pairs).select(
        F.col("id").alias("number"), F.explode(F.sequence(F.lit(0), F.lit(closed_periods))).alias("back")
    )
    price = F.round(F.lit(0.5) + 9 * uniform("price"), 1) - 0.01
    paid = F.round(price * (0.8 + 0.3 * uniform("paid", F.col("back"))), 2)
    chance = -F.log1p(-uniform("units", F.col("back")))
    units = F.floor((1 + 9 * uniform("level")) * F.pow(paid / price, F.lit(-ELASTICITY)) * chance)
    is_open = F.col("back") == 0
    known: dict[str, Column] = {
        "product_id": F.concat(F.lit("p"), (number / 10).cast("long").cast("string")),
        "market_id": F.concat(F.lit("m"), (number % 10).cast("string")),
        "period_start": F.date_sub(F.lit(AS_OF), 7 * F.col("back")),
        "is_open": is_open,
        "department": F.concat(F.lit("D"), (number % 7).cast("string")),
        "category": F.concat(F.lit("C"), (number % 90).cast("string")),
        "units": F.when(~is_open, units),
        "units_winsorised": F.when(~is_open, units),
        "revenue_amount": F.when(~is_open, units * paid),
        "is_price_observed": ~is_open,
        "unit_price": F.when(is_open, price).otherwise(paid),
        "discount_rate": F.when(is_open, F.lit(0.0)).otherwise(F.greatest(1 - paid / price, F.lit(0.0))),
        "list_price": price,
        "reference_price": F.round(price * 0.95, 2),
        "unit_cost": F.round(price * (0.4 + 0.4 * uniform("cost")), 4),
        "cost_source": F.lit("assumed"),
        "is_competitor_missing": uniform("competitor") < 0.5,
        "competitor_index": 0.9 + 0.2 * uniform("index"),
        "age_periods": F.lit(closed_periods + 1) - F.col("back"),
        "sold_periods": (60 * uniform("sold")).cast("int"),
        "price_changes": (20 * uniform("changes")).cast("int"),
        "periods_since_sale": F.lit(1),
        "availability_rate": F.lit(1.0),
        "price_lag_ratio": F.lit(1.0),
        **{name: 10 * uniform(name, F.col("back")) for name in contract.column_names if name.startswith(HISTORY)},
    }
    filled = [
        known.get(c.name, _nothing(c.dataType, c.nullable)).cast(c.dataType).alias(c.name) for c in contract.columns
    ]
    return grid.select(*filled)


def uniform(name: str, *by: Column) -> Column:
    """A number in [0, 1) that depends on the row's number, ``by`` and ``name`` alone."""
    return F.pmod(F.xxhash64(F.lit(name), *by, F.col("number")), F.lit(1_000_003)) / 1_000_003


def _nothing(kind: DataType, nullable: bool) -> Column:
    if nullable:
        return F.lit(None)
    return {"string": F.lit("x"), "boolean": F.lit(False)}.get(kind.typeName(), F.lit(0))
