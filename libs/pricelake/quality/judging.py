"""Give every row its verdict: taken, quarantined, a copy, or not known yet at the as-of date."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pricelake.quality.rules import Rule, unknown_product_rule

VERDICT, RULE, REASON = "_verdict", "_rule", "_reason"
TAKEN, QUARANTINED, DUPLICATE, AFTER_AS_OF = "taken", "quarantined", "duplicate", "after_as_of"
CONTENT, KNOWN = "_content", "_known_product"


def with_verdict(
    rows: DataFrame, rules: Sequence[Rule], after_as_of: Column, products: DataFrame | None = None
) -> DataFrame:
    """``rows`` with verdict, rule and reason of each row taken by itself; nothing is dropped.

    Args:
        rows: mapped rows.
        rules: in order; the first broken one wins.
        after_as_of: rows that are not known yet; they are not judged.
        products: ``product_id`` of every listed product, one row each; None where products do not matter.

    Returns:
        the same rows with ``VERDICT`` (``TAKEN``, ``QUARANTINED`` or ``AFTER_AS_OF``), ``RULE`` and ``REASON`` (null
        unless quarantined).
    """
    if products is not None:
        known = products.select("product_id", F.lit(True).alias(KNOWN))
        rows = rows.join(known, "product_id", "left")
        rules = [*rules, unknown_product_rule(KNOWN)]
    broken = F.coalesce(
        *[F.when(r.broken, F.struct(F.lit(r.name).alias("rule"), r.reason.alias("reason"))) for r in rules],
        F.lit(None).cast("struct<rule:string,reason:string>"),
    )
    later = rows.withColumn("_later", after_as_of)
    judged = later.withColumn("_broken", F.when(~F.col("_later"), broken))
    verdict = (
        F.when(F.col("_later"), AFTER_AS_OF).when(F.col("_broken").isNotNull(), QUARANTINED).otherwise(F.lit(TAKEN))
    )
    return (
        judged.withColumn(VERDICT, verdict)
        .withColumn(RULE, F.col("_broken.rule"))
        .withColumn(REASON, F.col("_broken.reason"))
        .drop("_broken", "_later", KNOWN)
    )


def repeated_keys(judged: DataFrame, key: Sequence[str]) -> DataFrame:
    """Keys that more than one taken row has; one row per key."""
    taken = judged.where(F.col(VERDICT) == TAKEN)
    return taken.groupBy(*key).agg(F.count(F.lit(1)).alias("_rows")).where("_rows > 1").drop("_rows")


def settle_duplicates(
    judged: DataFrame, repeated: DataFrame, key: Sequence[str], content: Sequence[Column], origin: Sequence[str]
) -> DataFrame:
    """``judged`` with copies and contradictions told apart among the rows of repeated keys.

    Rows alike in every column of the contract are one row written several times: one is taken, the others are
    ``DUPLICATE``. Versions that differ are ambiguous, none is better than another, so each is ``QUARANTINED``
    (``duplicate_key``), and its copies are ``DUPLICATE``.

    Args:
        judged: rows with their verdict (:func:`with_verdict`).
        repeated: :func:`repeated_keys` of them; few.
        key: the contract's key.
        content: all of the contract's columns, each in a form that has one text per value.
        origin: columns with the row as received and its file; they settle which of several copies stays, so that
            the same files give the same rows.
    """
    taken = F.col(VERDICT) == TAKEN
    others = judged.where(~taken)
    single = judged.where(taken).join(repeated, list(key), "left_anti")
    several = judged.where(taken).join(repeated, list(key), "left_semi")
    content_hash = F.sha2(F.to_json(F.struct(*content), {"ignoreNullFields": "false"}), 256)
    ordered = Window.partitionBy(*key).orderBy(CONTENT, "_order")
    whole = ordered.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    copy = F.lag(CONTENT).over(ordered).eqNullSafe(F.col(CONTENT))
    contradicted = F.first(CONTENT).over(whole) != F.last(CONTENT).over(whole)
    named = F.concat_ws(", ", *[F.concat(F.lit(f"{name} = "), F.col(name).cast("string")) for name in key])
    reason = F.concat(F.lit("rows with different content share "), named, F.lit("; none can be preferred"))
    settled = (
        several.withColumn(CONTENT, content_hash)
        .withColumn("_order", F.to_json(F.struct(*origin)))
        .withColumn("_is_copy", copy)
        .withColumn("_contradicted", contradicted)
        .withColumn(
            VERDICT, F.when(F.col("_is_copy"), DUPLICATE).when(F.col("_contradicted"), QUARANTINED).otherwise(TAKEN)
        )
        .withColumn(RULE, F.when(F.col(VERDICT) == QUARANTINED, "duplicate_key"))
        .withColumn(REASON, F.when(F.col(VERDICT) == QUARANTINED, reason))
        .drop(CONTENT, "_order", "_is_copy", "_contradicted")
    )
    return others.unionByName(single).unionByName(settled)
