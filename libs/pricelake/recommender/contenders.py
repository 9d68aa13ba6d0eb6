"""Ranked lists of ALS and its baselines, all under one protocol."""

from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pricelake.recommender.ranking import rank_candidates

PURCHASES_OF = {"all": "all", "seen": "repeat", "unseen": "first_time"}
LIST_COLUMNS = ("contender", "purchases", "customer_id", "position", "product_id")


def rank_contenders(
    interactions: DataFrame,
    customer_factors: DataFrame,
    product_factors: DataFrame,
    popularity: DataFrame,
    customers: DataFrame,
    k: int,
) -> DataFrame:
    """What each contender would have recommended at the split date.

    Protocol: every contender ranks the same candidates. For ``all`` these are all products known before the split; for
    ``repeat`` those the customer had bought before; for ``first_time`` those the customer had not. Contenders:

    - ``als``: by predicted preference; customers without factors get popularity's list, as in production;
    - ``popularity``: by the sum of ratings before the split, the same order for everybody;
    - ``repeat``: what the customer bought before, by recency-weighted count, then by date; shorter lists stay short,
      and it has nothing to say about first-time purchases.

    Args:
        interactions: rows of ``gold.interactions`` as of the split.
        customer_factors: ``customer_id``, ``factors`` fitted on them.
        product_factors: ``product_id``, ``factors`` fitted on them.
        popularity: ``product_id``, ``popularity`` of them.
        customers: ``customer_id`` of the customers to rank for, one row each.
        k: length of a list.

    Returns:
        ``contender``, ``purchases`` (all, repeat or first_time), ``customer_id``, ``position``, ``product_id``.
    """
    bought = interactions.where(F.col("purchases") > 0).join(customers, "customer_id", how="left_semi")
    seen = bought.select(F.col("customer_id").alias("query"), F.col("product_id").alias("candidate"))
    everybody = customers.select(F.col("customer_id").alias("id"), F.array(F.lit(1.0).cast("float")).alias("vector"))
    # popularity is the inner product of one-dimensional vectors: the same code ranks it under the same masks
    popular = popularity.select(
        F.col("product_id").alias("id"), F.array(F.col("popularity").cast("float")).alias("vector")
    )
    by_popularity = rank_candidates(everybody, popular, k, seen, tuple(PURCHASES_OF))
    known = customer_factors.join(customers, "customer_id", how="left_semi")
    by_taste = rank_candidates(
        known.select(F.col("customer_id").alias("id"), F.col("factors").alias("vector")),
        product_factors.select(F.col("product_id").alias("id"), F.col("factors").alias("vector")),
        k,
        seen,
        tuple(PURCHASES_OF),
    )
    by_taste = _named(by_taste).withColumn("contender", F.lit("als"))
    popular_lists = _named(by_popularity).join(
        known.select("customer_id", F.lit(True).alias("known")), "customer_id", how="left"
    )
    names = F.when(F.col("known"), F.array(F.lit("popularity"))).otherwise(F.array(F.lit("popularity"), F.lit("als")))
    popular_lists = popular_lists.withColumn("contender", F.explode(names))
    parts = (by_taste, popular_lists, _repeat_lists(bought, k))
    return reduce(DataFrame.union, (part.select(*LIST_COLUMNS) for part in parts))


def _named(ranked: DataFrame) -> DataFrame:
    """Ranked candidates in the words of the metrics."""
    names = F.create_map(*[F.lit(text) for pair in PURCHASES_OF.items() for text in pair])
    return ranked.select(
        F.element_at(names, F.col("candidates")).alias("purchases"),
        F.col("query").alias("customer_id"),
        "position",
        F.col("candidate").alias("product_id"),
    )


def _repeat_lists(bought: DataFrame, k: int) -> DataFrame:
    """Each customer's own best; the same list under ``all`` and ``repeat``."""
    order = Window.partitionBy("customer_id").orderBy(F.desc("interactions"), F.desc("last_at"), "product_id")
    best = bought.withColumn("position", F.row_number().over(order)).where(F.col("position") <= k)
    purchases = F.explode(F.array(F.lit("all"), F.lit("repeat"))).alias("purchases")
    return best.drop("purchases").select("*", purchases, F.lit("repeat").alias("contender"))
