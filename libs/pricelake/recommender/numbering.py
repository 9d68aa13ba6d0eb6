"""Integers for string ids, without the driver ever seeing the ids."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

LARGEST_NUMBER = 2**31 - 1


def number_ids(frame: DataFrame, id_column: str, number_column: str, buckets: int = 64) -> DataFrame:
    """Number the distinct ids of a column.

    MLlib's ALS takes 32-bit integers. Its usual companion ``StringIndexer`` keeps every label on the driver and in each
    broadcast. Here ids are hashed into buckets and counted inside each bucket in their order; the n-th id of bucket b
    gets the number n × ``buckets`` + b. Numbers depend on the set of ids alone, not on partitions or earlier runs.

    Args:
        frame: any grain; null ids are left out.
        id_column: string column of ids.
        number_column: name of the numbers.
        buckets: how many parts are counted side by side, 1 or more.

    Returns:
        ``id_column``, ``number_column`` (int, 0 or more, unique): one row per distinct id. Gaps are as large as the
        buckets differ in size. Reading it fails where a number would go beyond 2^31 - 1, at about that many ids.
    """
    bucket = F.pmod(F.hash(id_column), F.lit(buckets)).alias("bucket")
    ids = frame.where(F.col(id_column).isNotNull()).select(id_column).distinct().select(id_column, bucket)
    within = F.row_number().over(Window.partitionBy("bucket").orderBy(id_column)) - 1
    number = within.cast("long") * buckets + F.col("bucket")
    too_many = F.raise_error(
        F.lit(
            f"Too many values of {id_column} for numbers up to {LARGEST_NUMBER}: MLlib's ALS takes 32-bit ids. "
            "Rate fewer of them, for example only those of the last year."
        )
    )
    fitting = F.when(number <= LARGEST_NUMBER, number.cast("int")).otherwise(too_many.cast("int"))
    return ids.select(id_column, fitting.alias(number_column))
