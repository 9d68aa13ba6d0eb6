"""Ladders of 50 candidates priced per minute, from Delta to Delta, under the rules of ``conf/rules/grocery.yaml``."""

import time
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from pricelake.settings import Settings
from pricelake.tables import Lake, contract_of
from pricelake.workflows.curves import DrawnCurves
from pricelake.workflows.job import Job
from pricelake.workflows.recommend_prices import write_recommendations

AS_OF = date(2024, 3, 4)
LADDERS = 300_000
CLOSED_PERIODS = 8
RUNS = 3
RULES = Path(__file__).resolve().parents[1] / "conf/rules/grocery.yaml"
SHOP = Path(__file__).resolve().parents[1] / "conf/shops/complete_journey.yaml"


def measure(spark: SparkSession, folder: Path, ladders: int = LADDERS, runs: int = RUNS) -> dict[str, Any]:
    """Price ``ladders`` products and markets ``runs`` times and time the whole of it.

    Timed: reading panel and curves, joining them, pricing and both commits (curves and recommendations). Not timed:
    making the panel and the curves; the network that draws curves is not part of this stage.

    Args:
        spark: session.
        folder: empty directory for the lake.
        ladders: open rows, one ladder each.
        runs: timed runs, after one that warms the JVM up.

    Returns:
        ``ladders_per_minute`` (median run), ``ladders``, ``candidates``, ``panel_rows``, ``runs`` (ladders per minute
        of each), ``spread`` ((largest - smallest) / median).
    """
    settings = Settings.model_validate({"lake": {"root": str(folder / "lake")}, "shop": str(SHOP), "rules": str(RULES)})
    lake = Lake(spark, settings.lake.root, run_id="bench")
    lake.replace("gold.demand_panel", panel(spark, ladders))
    drawn_at = str(folder / "drawn")
    curves(lake.read("gold.demand_panel")).write.format("delta").save(drawn_at)
    rates = []
    for number in range(runs + 1):
        job = Job(spark, Lake(spark, settings.lake.root, run_id=f"bench-{number}"), settings, AS_OF)
        start = time.monotonic()
        summary = write_recommendations(job, DrawnCurves(spark.read.format("delta").load(drawn_at), "1", AS_OF))
        seconds = time.monotonic() - start
        if summary["recommendations"]["count"] != ladders or not summary["recommendations"]["changed"]:
            raise RuntimeError(f"The bench priced nothing worth timing: {summary}")
        if number:
            rates.append(ladders / seconds * 60)
    middle = sorted(rates)[len(rates) // 2]
    return {
        "ladders_per_minute": round(middle),
        "ladders": ladders,
        "candidates": settings.pricing.ladder_steps,
        "panel_rows": ladders * (CLOSED_PERIODS + 1),
        "runs": [round(rate) for rate in rates],
        "spread": round((max(rates) - min(rates)) / middle, 3),
    }


def panel(spark: SparkSession, ladders: int) -> DataFrame:
    """gold.demand_panel with one open and some closed periods of each product and market, drawn by hashing."""
    number = F.col("number")
    grid = spark.range(ladders).select(
        F.col("id").alias("number"), F.explode(F.sequence(F.lit(0), F.lit(CLOSED_PERIODS))).alias("back")
    )
    price = F.round(F.lit(0.5) + 9 * uniform("price"), 1) - 0.01
    paid = F.round(price * (0.8 + 0.3 * uniform("paid", F.col("back"))), 2)
    is_open = F.col("back") == 0
    known: dict[str, Column] = {
        "product_id": F.concat(F.lit("p"), (number / 10).cast("long").cast("string")),
        "market_id": F.concat(F.lit("m"), (number % 10).cast("string")),
        "period_start": F.date_sub(F.lit(AS_OF), 7 * F.col("back")),
        "is_open": is_open,
        "department": F.concat(F.lit("D"), (number % 7).cast("string")),
        "category": F.concat(F.lit("C"), (number % 90).cast("string")),
        "units": F.when(~is_open, F.lit(3.0)),
        "revenue_amount": F.when(~is_open, F.lit(9.0)),
        "is_price_observed": ~is_open,
        "unit_price": F.when(is_open, price).otherwise(paid),
        "list_price": price,
        "reference_price": F.round(price * 0.95, 2),
        "unit_cost": F.round(price * (0.4 + 0.4 * uniform("cost")), 4),
        "cost_source": F.lit("assumed"),
        "is_competitor_missing": uniform("competitor") < 0.5,
        "competitor_index": 0.9 + 0.2 * uniform("index"),
        "sold_periods": (60 * uniform("sold")).cast("int"),
        "price_changes": (20 * uniform("changes")).cast("int"),
        "periods_since_sale": F.lit(1),
    }
    contract = contract_of("gold.demand_panel")
    filled = [
        known.get(c.name, _nothing(c.dataType, c.nullable)).cast(c.dataType).alias(c.name) for c in contract.columns
    ]
    return grid.select(*filled)


def curves(panel_rows: DataFrame) -> DataFrame:
    """gold.demand_curves of the open rows."""
    low = 0.5 + 2 * uniform("low", "product_id", "market_id")
    known: dict[str, Column] = {
        "as_of_date": F.lit(AS_OF),
        "log_units": F.lit(1.0),
        "elasticity_low": low,
        "elasticity_high": low + 1.0,
        "bend": F.lit(0.05),
        "steepness": F.lit(6.0),
        "dispersion": F.lit(0.5),
        "elasticity_sd": F.lit(0.3),
        "log_units_sd": F.lit(0.2),
        "model_version": F.lit("1"),
    }
    names = contract_of("gold.demand_curves").column_names
    return panel_rows.where("is_open").select(*[known.get(name, F.col(name)).alias(name) for name in names])


def uniform(name: str, *by: str | Column) -> Column:
    """A number in 0–1 that depends on the row's number (or ``by``) and ``name`` alone."""
    keys = [F.col(key) if isinstance(key, str) else key for key in by]
    if not any(isinstance(key, str) for key in by):
        keys.append(F.col("number"))
    return F.pmod(F.xxhash64(F.lit(name), *keys), F.lit(1_000_003)) / 1_000_003


def _nothing(kind: DataType, nullable: bool) -> Column:
    if nullable:
        return F.lit(None)
    return {"string": F.lit("x"), "boolean": F.lit(False)}.get(kind.typeName(), F.lit(0))
