"""Top-K recommendations and similar products, with a stated stand-in for whoever ALS does not know."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pricelake.recommender.popularity import recommend_popular, similar_by_category
from pricelake.recommender.ranking import rank_candidates


def with_unit_length(factors: DataFrame) -> DataFrame:
    """Factors scaled to length 1, so that inner products are cosines; rows of length 0 point nowhere and are left out.

    Args:
        factors: ``factors`` (float array) and any other columns.
    """
    squares = F.aggregate("factors", F.lit(0.0), lambda total, value: total + value * value)
    scaled = F.transform("factors", lambda value: (value / F.col("length")).cast("float"))
    return (
        factors.withColumn("length", F.sqrt(squares))
        .where(F.col("length") > 0)
        .withColumn("factors", scaled)
        .drop("length")
    )


def recommend_products(
    customers: DataFrame, customer_factors: DataFrame, product_factors: DataFrame, popularity: DataFrame, k: int
) -> DataFrame:
    """The ``k`` products each customer is predicted to like most; nothing is excluded, not even what was bought before.

    Args:
        customers: ``customer_id`` of all known customers.
        customer_factors: ``customer_id``, ``factors``.
        product_factors: ``product_id``, ``factors`` of the same fit.
        popularity: result of :func:`pricelake.recommender.popularity.aggregate_to_popularity`.
        k: products per customer.

    Returns:
        columns of ``gold.recommendations`` without the version; ``source`` is ``als``, or ``popularity`` for customers
        without factors.
    """
    ranked = rank_candidates(_vectors(customer_factors, "customer_id"), _vectors(product_factors, "product_id"), k)
    by_taste = ranked.select(
        F.col("query").alias("customer_id"),
        "position",
        F.col("candidate").alias("product_id"),
        "score",
        F.lit("als").alias("source"),
    )
    unknown = customers.select("customer_id").distinct().join(customer_factors, "customer_id", how="left_anti")
    popular = recommend_popular(unknown, popularity, k).withColumn("source", F.lit("popularity"))
    return by_taste.unionByName(popular)


def find_similar_products(product_factors: DataFrame, catalogue: DataFrame, popularity: DataFrame, k: int) -> DataFrame:
    """The ``k`` products whose factors point most nearly the same way, by cosine.

    Args:
        product_factors: ``product_id``, ``factors``.
        catalogue: rows of ``bronze.products``.
        popularity: result of :func:`pricelake.recommender.popularity.aggregate_to_popularity`.
        k: similar products per product.

    Returns:
        columns of ``gold.similar_products`` without the version. Products of the catalogue without factors, or with
        factors of length 0, get best sellers of their category (see
        :func:`pricelake.recommender.popularity.similar_by_category`).
    """
    directions = _vectors(with_unit_length(product_factors.select("product_id", "factors")), "product_id")
    # one more than asked for, as the nearest is the product itself, or one with the very same direction
    nearest = rank_candidates(directions, directions, k + 1).where(F.col("query") != F.col("candidate"))
    order = Window.partitionBy("query").orderBy("position")
    ranked = nearest.withColumn("position", F.row_number().over(order)).where(F.col("position") <= k)
    by_factors = ranked.select(
        F.col("query").alias("product_id"),
        "position",
        F.col("candidate").alias("similar_product_id"),
        # float32 arithmetic may end a hair beyond 1
        F.greatest(F.least("score", F.lit(1.0)), F.lit(-1.0)).alias("similarity"),
        F.lit("als").alias("source"),
    )
    everything = catalogue.select("product_id").union(product_factors.select("product_id")).distinct()
    without = everything.join(directions.select(F.col("id").alias("product_id")), "product_id", how="left_anti")
    return by_factors.unionByName(similar_by_category(without, catalogue, popularity, k))


def _vectors(factors: DataFrame, id_column: str) -> DataFrame:
    return factors.select(F.col(id_column).alias("id"), F.col("factors").alias("vector"))
