"""Customer and product factors from MLlib's alternating least squares."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.recommender.numbering import number_ids
from pricelake.settings import RecommenderSettings

CHECKPOINT_INTERVAL = 10


@dataclass(frozen=True)
class Factors:
    """Factors of one fit; both frames can be read while :func:`fitted_factors` is open.

    Attributes:
        customers: ``customer_id``, ``factors`` (``settings.rank`` floats).
        products: ``product_id``, ``factors``.
    """

    customers: DataFrame
    products: DataFrame


@contextmanager
def fitted_factors(ratings: DataFrame, settings: RecommenderSettings, blocks: int) -> Iterator[Factors]:
    """Fit implicit-feedback ALS and lend its factors.

    With p = 1 for every rated pair and 0 for all others, confidence c = 1 + alpha × rating, MLlib minimises

        Σ over all pairs of c (p - x·y)² + λ (Σ n_x |x|² + Σ n_y |y|²)

    where n is the number of rated pairs of a customer or product. Confidence: Hu, Koren and Volinsky, "Collaborative
    Filtering for Implicit Feedback Datasets", ICDM 2008. Weighting λ by n, so that it carries over between data sizes:
    Zhou et al., "Large-scale Parallel Collaborative Filtering for the Netflix Prize", AAIM 2008.

    Args:
        ratings: ``customer_id``, ``product_id``, ``rating`` in [0, 1]; one row per pair, at least one above 0. Pairs
            rated 0 say nothing and are left out.
        settings: recommender section.
        blocks: parts into which customers and products are dealt, about the number of cores; the fit is deterministic
            for a seed and a number of blocks.

    Yields:
        the factors; customers and products without a rating above 0 have none.
    """
    rated = ratings.where(F.col("rating") > 0).select("customer_id", "product_id", "rating")
    customers = number_ids(rated, "customer_id", "customer").persist(StorageLevel.MEMORY_AND_DISK)
    products = number_ids(rated, "product_id", "product").persist(StorageLevel.MEMORY_AND_DISK)
    try:
        model = estimator(settings, blocks).fit(join_numbers(rated, customers, products))
        yield Factors(
            _named(model.userFactors, customers, "customer"),
            _named(model.itemFactors, products, "product"),
        )
    finally:
        customers.unpersist()
        products.unpersist()


def join_numbers(rated: DataFrame, customers: DataFrame, products: DataFrame) -> DataFrame:
    """Ratings as MLlib reads them: ``customer``, ``product`` (int), ``rating`` (float).

    Args:
        rated: ``customer_id``, ``product_id``, ``rating``.
        customers: ``customer_id``, ``customer``: of :func:`pricelake.recommender.numbering.number_ids`.
        products: ``product_id``, ``product``: the same for products.
    """
    numbered = rated.join(customers, "customer_id", how="inner").join(products, "product_id", how="inner")
    return numbered.select("customer", "product", F.col("rating").cast("float").alias("rating"))


def estimator(settings: RecommenderSettings, blocks: int) -> ALS:
    """MLlib's ALS over the columns ``customer``, ``product`` (int) and ``rating`` (float), as settings say."""
    return ALS(
        userCol="customer",
        itemCol="product",
        ratingCol="rating",
        implicitPrefs=True,
        rank=settings.rank,
        maxIter=settings.iterations,
        regParam=settings.regularisation,
        alpha=settings.alpha,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        checkpointInterval=CHECKPOINT_INTERVAL,
        coldStartStrategy="nan",
        seed=settings.seed,
    )


def _named(numbered: DataFrame, numbers: DataFrame, side: str) -> DataFrame:
    """MLlib's factors with string ids again."""
    factors = numbered.select(F.col("id").alias(side), F.col("features").alias("factors"))
    return factors.join(numbers, side, how="inner").select(f"{side}_id", "factors")


@contextmanager
def checkpoint_directory(spark: SparkSession, directory: str) -> Iterator[None]:
    """Let ALS cut its lineage in ``directory``; without one, long fits end in a stack overflow.

    Args:
        spark: the session.
        directory: path or URI on storage that all executors share. What a killed run left there is removed first, and
            everything at the end.
    """
    context = spark.sparkContext
    jvm = context._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(directory)
    storage = path.getFileSystem(context._jsc.hadoopConfiguration())
    storage.delete(path, True)
    context.setCheckpointDir(directory)
    try:
        yield
    finally:
        storage.delete(path, True)
