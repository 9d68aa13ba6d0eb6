"""Quarantined rows in the shape of ``bronze.quarantine``."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pricelake.quality.judging import QUARANTINED, REASON, RULE, VERDICT


def filter_quarantined(judged: DataFrame) -> DataFrame:
    """The rows that broke a rule."""
    return judged.where(F.col(VERDICT) == QUARANTINED)


def to_quarantine(rows: DataFrame, table: str, source_row: str, source_file: str) -> DataFrame:
    """One quarantine row per row that broke a rule; the same rows give the same hashes at each run.

    Args:
        rows: rows with rule and reason (:func:`filter_quarantined`).
        table: table without its layer.
        source_row: column with the row as received, JSON, customer ids already pseudonymous.
        source_file: column with the file it came from; null: not a file.

    Returns:
        grain and columns of ``bronze.quarantine``; ``row_hash`` is SHA-256 of table, row and the number of this
        occurrence among rows that are alike.
    """
    alike = Window.partitionBy(source_row).orderBy(source_file, RULE, REASON)
    numbered = rows.withColumn("_occurrence", F.row_number().over(alike))
    return numbered.select(
        F.lit(table).alias("table_name"),
        F.sha2(F.concat_ws("\x1f", F.lit(table), F.col(source_row), F.col("_occurrence").cast("string")), 256).alias(
            "row_hash"
        ),
        F.col(RULE).alias("rule"),
        F.col(REASON).alias("reason"),
        F.col(source_row).alias("source_row"),
        F.col(source_file).alias("source_file"),
    )
