"""The changed prices as a table for a spreadsheet, largest gain first."""

import csv
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.workflows.whole_file import whole_file

COLUMNS = (
    "product_id",
    "name",
    "market_id",
    "period_start",
    "price_now",
    "price_recommended",
    "uplift_amount",
    "uplift_low_amount",
    "uplift_high_amount",
    "units_now",
    "units_then",
    "elasticity",
    "unit_cost",
    "cost_source",
    "confidence",
    "binding_rule",
    "flags",
    "reason",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_price_list(path: Path, prices: DataFrame, products: DataFrame) -> int:
    """Write the changed prices, whole or not at all, one Spark partition in memory at a time.

    UTF-8 with a byte order mark, which spreadsheets need to read names right. Text from the shop that a spreadsheet
    would take for a formula is written behind an apostrophe (OWASP, *CSV Injection*).

    Args:
        path: the csv file.
        prices: ``gold.price_recommendations`` of one as-of date.
        products: ``bronze.products``, for the names.

    Returns:
        number of prices written.
    """
    named = prices.where("is_changed").join(products.select("product_id", "name"), on="product_id", how="left")
    ordered = named.withColumn("flags", F.concat_ws(" ", "flags")).orderBy(
        F.desc_nulls_last("uplift_amount"), "product_id", "market_id", "period_start"
    )
    written = 0
    with whole_file(path, encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in ordered.select(*COLUMNS).toLocalIterator():
            writer.writerow([_cell(value) for value in row])
            written += 1
    return written


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
