"""Ranking quality of lists against what customers bought afterwards."""

import math
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

CONTENDERS = ("als", "popularity", "repeat")
FIGURES = ("precision", "recall", "f1", "ndcg_at_10", "coverage")


def held_out_purchases(order_lines: DataFrame, interactions: DataFrame, start: datetime, end: datetime) -> DataFrame:
    """What customers bought in the held-out days, told apart by whether they had bought it before.

    Args:
        order_lines: rows of ``bronze.order_lines``; anonymous ones are left out.
        interactions: rows of ``gold.interactions`` as of ``start``.
        start: first moment held out, with a time zone.
        end: first moment after, with a time zone.

    Returns:
        ``purchases`` (all, repeat or first_time), ``customer_id``, ``product_id``: each pair once under ``all`` and
        once under one of the others. Products nobody bought before the split are in it: no list can name them, and
        recall says so.
    """
    within = (F.col("ordered_at") >= F.lit(start)) & (F.col("ordered_at") < F.lit(end))
    pairs = order_lines.where(F.col("customer_id").isNotNull() & within).select("customer_id", "product_id").distinct()
    before = interactions.where(F.col("purchases") > 0).select("customer_id", "product_id", F.lit(True).alias("before"))
    told = pairs.join(before, ["customer_id", "product_id"], how="left")
    kind = F.when(F.col("before"), "repeat").otherwise("first_time")
    return told.select(F.explode(F.array(F.lit("all"), kind)).alias("purchases"), "customer_id", "product_id")


def ranking_metrics(lists: DataFrame, relevant: DataFrame, known_products: DataFrame, k: int) -> DataFrame:
    """Precision, recall, F1, NDCG and coverage at ``k``.

    Per customer with at least one relevant product, hits h, relevant products n:

        precision = h / k    recall = h / n    NDCG = Σ_hits 1 / log2(1 + position) / Σ_{i ≤ min(n, k)} 1 / log2(1 + i)

    averaged over these customers; a customer without a list counts 0. F1 is the harmonic mean of the two averages.
    NDCG: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002, with binary gain.
    Coverage is the share of the known products that stand in at least one of these customers' lists.

    Args:
        lists: ``contender``, ``purchases``, ``customer_id``, ``position`` (1 is best), ``product_id``; positions
            beyond ``k`` are ignored.
        relevant: ``purchases``, ``customer_id``, ``product_id``, each once.
        known_products: ``product_id``, one row per product that could be recommended.
        k: length of the lists that are judged.

    Returns:
        ``contender``, ``purchases``, ``precision``, ``recall``, ``f1``, ``ndcg_at_10`` (at ``k``), ``coverage``,
        ``customers``, rounded to 6 decimals: one row for each of the nine combinations that has relevant purchases.
    """
    gains = F.array(*[F.lit(1.0 / math.log2(1 + position)) for position in range(1, k + 1)])
    ideal = F.array(*[F.lit(math.fsum(1.0 / math.log2(1 + i) for i in range(1, n + 1))) for n in range(1, k + 1)])
    contenders = F.explode(F.array(*[F.lit(name) for name in CONTENDERS])).alias("contender")
    judged = relevant.groupBy("purchases", "customer_id").agg(F.count(F.lit(1)).alias("n_relevant"))
    short = lists.where(F.col("position") <= k).join(judged, ["purchases", "customer_id"], how="left_semi")
    hits = (
        short.join(relevant, ["purchases", "customer_id", "product_id"], how="inner")
        .groupBy("contender", "purchases", "customer_id")
        .agg(F.count(F.lit(1)).alias("hits"), F.sum(F.element_at(gains, F.col("position"))).alias("gain"))
    )
    each = judged.select("*", contenders).join(hits, ["contender", "purchases", "customer_id"], how="left")
    found, gain = F.coalesce("hits", F.lit(0)), F.coalesce("gain", F.lit(0.0))
    means = each.groupBy("contender", "purchases").agg(
        F.avg(found / F.lit(k)).alias("precision"),
        F.avg(found / F.col("n_relevant")).alias("recall"),
        F.avg(gain / F.element_at(ideal, F.least("n_relevant", F.lit(k)).cast("int"))).alias("ndcg_at_10"),
        F.count(F.lit(1)).cast("int").alias("customers"),
    )
    shown = short.groupBy("contender", "purchases").agg(F.countDistinct("product_id").alias("shown"))
    known = known_products.agg(F.count(F.lit(1)).alias("known"))
    both = F.col("precision") + F.col("recall")
    return (
        means.join(F.broadcast(shown), ["contender", "purchases"], how="left")
        .crossJoin(F.broadcast(known))
        .withColumn("f1", F.when(both > 0, 2 * F.col("precision") * F.col("recall") / both).otherwise(0.0))
        .withColumn("coverage", F.coalesce(F.col("shown") / F.col("known"), F.lit(0.0)))
        .select("contender", "purchases", *[F.round(name, 6).alias(name) for name in FIGURES], "customers")
    )
