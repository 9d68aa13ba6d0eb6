"""Tastes as they were known when an earlier day began, for judging on the days after it."""

from datetime import date

import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.features.behaviour import collect_behaviour
from pricelake.features.interactions import aggregate_to_interactions
from pricelake.features.periods import Periods
from pricelake.recommender.als import checkpoint_directory, fitted_factors
from pricelake.workflows.job import Job


def periods_until(job: Job, day: date) -> Periods:
    """The calendar of a run as of ``day``."""
    features = job.settings.features
    return Periods(features.period, day, job.shop.time_zone, features.history_periods)


def interactions_before(job: Job, day: date) -> DataFrame | None:
    """``gold.interactions`` as it was when ``day`` began; None where the shop's sales name no customers."""
    names = ("order_lines", "events", "reviews")
    order_lines, events, reviews = (job.lake.read_if_exists(f"bronze.{name}") for name in names)
    periods = periods_until(job, day)
    behaviour = collect_behaviour(order_lines, events, reviews, periods)
    if behaviour is None:
        return None
    return aggregate_to_interactions(behaviour, periods, job.settings.features.rating_half_life_days)


def product_factors_before(job: Job, day: date) -> pd.DataFrame | None:
    """Factors of ALS fitted on what was known when ``day`` began.

    A model that is judged on later periods must not get the factors of ``gold.product_factors``: their fit has seen
    who bought what in those periods.

    Returns:
        ``product_id``, ``factors`` (list of ``recommender.rank`` floats), one row per product rated above 0, sorted;
        None without any.
    """
    interactions = interactions_before(job, day)
    if interactions is None:
        return None
    interactions = interactions.persist(StorageLevel.MEMORY_AND_DISK)  # the fit reads it several times
    try:
        if interactions.where(F.col("rating") > 0).isEmpty():
            return None
        with (
            checkpoint_directory(job.spark, f"{job.lake.root}/_checkpoints/train_demand"),
            fitted_factors(interactions, job.settings.recommender, job.settings.spark.shuffle_partitions) as factors,
        ):
            return factors.products.toPandas().sort_values("product_id", ignore_index=True)  # one row per product
    finally:
        interactions.unpersist()
