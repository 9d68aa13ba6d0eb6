"""What most customers like: the fallback for customers and products without factors, and a baseline."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

LEVELS = ("category", "department", "popularity")


def aggregate_to_popularity(ratings: DataFrame) -> DataFrame:
    """Popularity of each product: the sum of its ratings, so that recent customers count more than past ones.

    Args:
        ratings: ``product_id``, ``rating`` in [0, 1]; one row per customer and product.

    Returns:
        ``product_id``, ``popularity`` (above 0): one row per product with a rating above 0.
    """
    rated = ratings.where(F.col("rating") > 0)
    # rounded: a sum of floats depends on the order of its rows, a rerun must not
    return rated.groupBy("product_id").agg(F.round(F.sum("rating"), 6).alias("popularity"))


def recommend_popular(customers: DataFrame, popularity: DataFrame, k: int) -> DataFrame:
    """The same ``k`` most popular products for each customer.

    Args:
        customers: ``customer_id``, one row per customer.
        popularity: result of :func:`aggregate_to_popularity`.
        k: products per customer.

    Returns:
        ``customer_id``, ``position`` (1 is best; ties by product id), ``product_id``, ``score`` (popularity).
    """
    best = popularity.orderBy(F.desc("popularity"), "product_id").limit(k)
    position = F.row_number().over(Window.orderBy(F.desc("popularity"), "product_id"))
    top = best.select("product_id", F.col("popularity").alias("score"), position.alias("position"))
    return customers.crossJoin(F.broadcast(top)).select("customer_id", "position", "product_id", "score")


def similar_by_category(products: DataFrame, catalogue: DataFrame, popularity: DataFrame, k: int) -> DataFrame:
    """Stand-ins for products without factors: the most popular of the category, then of the department, then of all.

    Args:
        products: ``product_id`` of the products that need stand-ins, one row per product.
        catalogue: rows of ``bronze.products``.
        popularity: result of :func:`aggregate_to_popularity`.
        k: stand-ins per product.

    Returns:
        ``product_id``, ``position``, ``similar_product_id``, ``similarity`` (0: no factors to compare) and ``source``,
        the level that gave the stand-in: ``category``, ``department`` or ``popularity``. A product is never its own
        stand-in; products that the catalogue lacks get those of ``popularity``.
    """
    path = catalogue.select("product_id", "department", "category")
    popular = popularity.join(path, "product_id", how="left")
    needing = products.join(path, "product_id", how="left")
    offers = [
        _offers(needing, popular, keys, source, k)
        for source, keys in zip(LEVELS, (("department", "category"), ("department",), ()), strict=True)
    ]
    offered = offers[0].unionByName(offers[1]).unionByName(offers[2])
    offered = offered.where(F.col("product_id") != F.col("similar_product_id"))
    once = Window.partitionBy("product_id", "similar_product_id").orderBy("level")
    order = Window.partitionBy("product_id").orderBy("level", "place")
    return (
        offered.withColumn("repeat", F.row_number().over(once))
        .where(F.col("repeat") == 1)
        .withColumn("position", F.row_number().over(order))
        .where(F.col("position") <= k)
        .withColumn("similarity", F.lit(0.0))
        .select("product_id", "position", "similar_product_id", "similarity", "source")
    )


def _offers(needing: DataFrame, popular: DataFrame, keys: tuple[str, ...], source: str, k: int) -> DataFrame:
    """The best sellers of one level for each product; one more than ``k``, as a product is not its own stand-in."""
    best = popular
    if not keys:
        # sorted and cut first, so that the one window over everything sees few rows
        best = popular.orderBy(F.desc("popularity"), "product_id").limit(k + 1)
    place = F.row_number().over(Window.partitionBy(*keys).orderBy(F.desc("popularity"), "product_id"))
    best = best.select(*keys, F.col("product_id").alias("similar_product_id"), place.alias("place"))
    best = best.where(F.col("place") <= k + 1)
    joined = needing.join(best, list(keys), how="inner") if keys else needing.crossJoin(best)
    level = F.lit(LEVELS.index(source)).alias("level")
    return joined.select("product_id", "similar_product_id", "place", level, F.lit(source).alias("source"))
