"""Dense integers for string ids, without the driver ever seeing the ids."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

LARGEST_NUMBER = 2**31 - 1


def number_ids(frame: DataFrame, id_column: str, number_column: str, buckets: int = 64) -> DataFrame:
    """Number the distinct ids of a column 0, 1, 2, … without gaps.

    MLlib's ALS takes 32-bit integers. Its usual companion ``StringIndexer`` keeps every label on the driver and in each
    broadcast. Here ids are hashed into buckets, numbered inside each bucket in their order, and shifted by the sizes of
    the buckets before: the numbers depend on the set of ids alone, not on partitions, and only one row per bucket is
    ever in one place.

    Args:
        frame: any grain; null ids are left out.
        id_column: string column of ids.
        number_column: name of the numbers.
        buckets: how many parts are numbered side by side, 1 or more.

    Returns:
        ``id_column``, ``number_column`` (int, 0 or more): one row per distinct id. Reading it fails where there are
        more than 2^31 - 1 ids.
    """
    bucket = F.pmod(F.hash(id_column), F.lit(buckets)).alias("bucket")
    ids = frame.where(F.col(id_column).isNotNull()).select(id_column).distinct().select(id_column, bucket)
    before = Window.orderBy("bucket").rowsBetween(Window.unboundedPreceding, -1)
    starts = (
        ids.groupBy("bucket")
        .agg(F.count(F.lit(1)).alias("size"))
        .select("bucket", F.coalesce(F.sum("size").over(before), F.lit(0)).alias("start"))
    )
    within = Window.partitionBy("bucket").orderBy(id_column)
    number = F.col("start") + F.row_number().over(within) - 1
    too_many = F.raise_error(
        F.lit(
            f"More than {LARGEST_NUMBER} values of {id_column}: MLlib's ALS takes 32-bit ids. "
            "Rate fewer of them, for example only those of the last year."
        )
    )
    return ids.join(F.broadcast(starts), "bucket", how="inner").select(
        id_column,
        F.when(number <= LARGEST_NUMBER, number.cast("int")).otherwise(too_many.cast("int")).alias(number_column),
    )
