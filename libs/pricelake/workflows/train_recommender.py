"""``gold.interactions`` → factors, recommendations, similar products and their ranking quality."""

from datetime import date, timedelta
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.errors import QualityError
from pricelake.recommender.als import checkpoint_directory, fitted_factors
from pricelake.recommender.contenders import rank_contenders
from pricelake.recommender.metrics import FIGURES, held_out_purchases, ranking_metrics
from pricelake.recommender.popularity import aggregate_to_popularity
from pricelake.recommender.recommending import find_similar_products, recommend_products
from pricelake.recommender.versions import digest_ratings, model_version
from pricelake.workflows.job import Job
from pricelake.workflows.left_out import leave_out
from pricelake.workflows.past_tastes import interactions_before, periods_until

LIST_LENGTH = 10
LISTS = ("gold.recommendations", "gold.similar_products")


def train_recommender(job: Job) -> dict[str, Any]:
    """Fit tastes, recommend products, and judge the ranking on the last days.

    Two fits with the same settings: one on everything before the as-of date, whose factors, recommendations and similar
    products are written as a whole; one that stops ``recommender.holdout_days`` earlier and is judged on the purchases
    made since, against popularity and repeat purchases (protocol: :mod:`pricelake.recommender.contenders`).
    Recommendations exclude nothing, not even what a customer already buys.

    Args:
        job: the run.

    Returns:
        ``als``, ``popularity`` and ``repeat``, each with the figures of ``all``, ``repeat`` and ``first_time``
        purchases that occur in the held-out days, and ``about``: model version, rows written, tables that settings
        leave out, what was skipped and why.

    Raises:
        ContractError: build_features has not run.
        QualityError: ``gold.interactions`` knows more than the as-of date.
        SettingsError: ``recommender.lists`` is off, and the lake holds lists of an earlier run.
    """
    left_out = [] if job.settings.recommender.lists else leave_out(job, LISTS, "recommender.lists")
    interactions = job.lake.read_if_exists("gold.interactions")
    if interactions is None:
        job.lake.read("gold.demand_panel")  # build_features always writes it: without it, it has not run
        return _skipped("gold.interactions has not been written: the shop's sales name no customers")
    ratings = digest_ratings(interactions)
    job.rows_in += ratings.rows
    if interactions.where(F.col("rating") > 0).isEmpty():
        return _skipped("gold.interactions holds no rating above 0")
    as_of_starts = periods_until(job, job.as_of).midnight(job.as_of)
    if ratings.latest_at is not None and ratings.latest_at >= as_of_starts.replace(tzinfo=None):
        raise QualityError(
            f"gold.interactions knows an interaction of {ratings.latest_at} UTC, but the run is as of {job.as_of}: it "
            f"would learn from the future. Run build_features --as-of {job.as_of} first."
        )
    blocks = job.settings.spark.shuffle_partitions
    version = model_version(job.as_of, ratings, job.settings.recommender, blocks)
    with checkpoint_directory(job.spark, f"{job.lake.root}/_checkpoints/train_recommender"):
        about = {"model_version": version, **_write_tastes(job, interactions, version), "left_out": left_out}
        return {**_write_metrics(job), "about": about}


def _write_tastes(job: Job, interactions: DataFrame, version: str) -> dict[str, int]:
    """Fit on everything known and write factors and, if wanted, what follows from them; rows by table."""
    settings = job.settings.recommender
    stamp = F.lit(version).alias("model_version")
    job.reporter.step("Fit customer and product factors")
    with fitted_factors(interactions, settings, job.settings.spark.shuffle_partitions) as factors:
        customers = job.lake.replace("gold.customer_factors", factors.customers.select("*", stamp))
        products = job.lake.replace("gold.product_factors", factors.products.select("*", stamp))
    written = {"customers": customers, "products": products}
    return written | _write_lists(job, interactions, version) if settings.lists else written


def _write_lists(job: Job, interactions: DataFrame, version: str) -> dict[str, int]:
    """Recommend products and find similar ones with the factors just written; rows by table."""
    settings, stamp = job.settings.recommender, F.lit(version).alias("model_version")
    customer_factors = job.lake.read("gold.customer_factors")
    product_factors = job.lake.read("gold.product_factors")
    popularity = aggregate_to_popularity(interactions).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        job.reporter.step("Recommend products to each customer")
        everybody = _known_customers(job, interactions)
        recommended = recommend_products(everybody, customer_factors, product_factors, popularity, settings.top_k)
        recommendations = job.lake.replace("gold.recommendations", recommended.select("*", stamp))
        job.reporter.step("Find similar products")
        catalogue = job.lake.read("bronze.products")
        job.rows_in += catalogue.count()
        similar = find_similar_products(product_factors, catalogue, popularity, settings.similar_k)
        pairs = job.lake.replace("gold.similar_products", similar.select("*", stamp))
    finally:
        popularity.unpersist()
    return {"recommendations": recommendations, "similar_pairs": pairs}


def _known_customers(job: Job, interactions: DataFrame) -> DataFrame:
    """Customers with interactions and those the shop only lists."""
    customers = interactions.select("customer_id")
    listed = job.lake.read_if_exists("bronze.customers")
    if listed is not None:
        customers = customers.union(listed.select("customer_id"))
    return customers.distinct()


def _write_metrics(job: Job) -> dict[str, Any]:
    """Fit on what was known before the held-out days, judge, and write the figures of this as-of date."""
    order_lines = job.lake.read_if_exists("bronze.order_lines")
    if not job.settings.recommender.judge_ranking:
        return {"not_judged": "recommender.judge_ranking is off"}
    if order_lines is None:
        return {"not_judged": "bronze.order_lines has not been written: nobody knows who bought what"}
    job.rows_in += order_lines.count()
    split = periods_until(job, job.as_of - timedelta(days=job.settings.recommender.holdout_days))
    known = interactions_before(job, split.as_of)
    assert known is not None, "there are order lines"
    before = known.persist(StorageLevel.MEMORY_AND_DISK)
    held_out = held_out_purchases(order_lines, before, split.midnight(split.as_of), split.midnight(job.as_of))
    relevant = held_out.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        if before.where(F.col("rating") > 0).isEmpty() or relevant.isEmpty():
            return {"not_judged": f"too little history: no purchases of known customers before or after {split.as_of}"}
        job.reporter.step(f"Judge the ranking on purchases since {split.as_of}")
        metrics = _judge(job, split.as_of, before, relevant)
        job.lake.replace("gold.recommender_metrics", metrics, where=f"as_of_date = DATE '{job.as_of}'")
    finally:
        before.unpersist()
        relevant.unpersist()
    return _figures(job.lake.read("gold.recommender_metrics").where(F.col("as_of_date") == F.lit(job.as_of)))


def _judge(job: Job, split: date, before: DataFrame, relevant: DataFrame) -> DataFrame:
    """Rows of ``gold.recommender_metrics``."""
    settings, blocks = job.settings.recommender, job.settings.spark.shuffle_partitions
    version = model_version(split, digest_ratings(before), settings, blocks)
    popularity = aggregate_to_popularity(before).persist(StorageLevel.MEMORY_AND_DISK)
    customers = relevant.select("customer_id").distinct()
    try:
        with fitted_factors(before, settings, blocks) as factors:
            lists = rank_contenders(before, factors.customers, factors.products, popularity, customers, LIST_LENGTH)
            kept = lists.persist(StorageLevel.MEMORY_AND_DISK)
            figures = ranking_metrics(kept, relevant, popularity.select("product_id"), LIST_LENGTH)
            stamped = figures.withColumn("model_version", F.lit(version)).withColumn("as_of_date", F.lit(job.as_of))
            # at most nine rows; computed here, as the factors are lent
            rows = stamped.limit(9).collect()
            kept.unpersist()
    finally:
        popularity.unpersist()
    return job.spark.createDataFrame(rows, stamped.schema)


def _figures(metrics: DataFrame) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for row in metrics.orderBy("contender", "purchases").limit(9).collect():
        summary.setdefault(row["contender"], {})[row["purchases"]] = {name: row[name] for name in FIGURES}
    return summary


def _skipped(reason: str) -> dict[str, Any]:
    return {"about": {"skipped": f"no recommendations: {reason}"}}
