"""The changed prices as a table for a spreadsheet, largest gain first."""

import csv
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.report.recent import with_price_paid
from pricelake.workflows.whole_file import whole_file

COLUMNS = (
    "product_id",
    "name",
    "department",
    "category",
    "brand",
    "market_id",
    "period_start",
    "price_now",
    "price_paid",
    "price_recommended",
    "change_percent",
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
    "model_version",
    "rules_version",
)
PRODUCT_COLUMNS = ("name", "department", "category", "brand")
# digits after the point: least, most
DIGITS = {
    **dict.fromkeys(("price_now", "price_paid", "price_recommended", "unit_cost"), (2, 4)),
    **dict.fromkeys(("uplift_amount", "uplift_low_amount", "uplift_high_amount", "elasticity"), (2, 2)),
    **dict.fromkeys(("units_now", "units_then", "change_percent"), (1, 1)),
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_price_list(path: Path, prices: DataFrame, products: DataFrame, panel: DataFrame) -> int:
    """Write the changed prices, whole or not at all, one Spark partition in memory at a time.

    UTF-8 with a byte order mark, which spreadsheets need to read names right. Text from the shop that a spreadsheet
    would take for a formula is written behind an apostrophe (OWASP, *CSV Injection*).

    Args:
        path: the csv file.
        prices: ``gold.price_recommendations`` of one as-of date.
        products: ``bronze.products``, for names and categories.
        panel: ``gold.demand_panel``, for ``price_paid``: the mean price paid in the 8 periods before.

    Returns:
        number of prices written.
    """
    named = with_price_paid(prices.where("is_changed"), panel).join(
        products.select("product_id", *PRODUCT_COLUMNS), on="product_id", how="left"
    )
    shown = {
        "flags": F.concat_ws(" ", "flags"),
        "change_percent": F.expr("100 * (double(price_recommended) / double(price_now) - 1)"),
    }
    ordered = named.withColumns(shown).orderBy(
        F.desc_nulls_last("uplift_amount"), "product_id", "market_id", "period_start"
    )
    written = 0
    with whole_file(path, encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in ordered.select(*COLUMNS).toLocalIterator():
            writer.writerow([_cell(name, value) for name, value in zip(COLUMNS, row, strict=True)])
            written += 1
    return written


def _cell(name: str, value: object) -> object:
    if name in DIGITS and isinstance(value, Decimal | float):
        return _rounded(Decimal(str(value)), *DIGITS[name])
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _rounded(value: Decimal, least: int, most: int) -> str:
    """``2.4900`` → ``2.49``; a plain decimal, never with an exponent."""
    digits, _, rest = f"{value.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP):f}".partition(".")
    return f"{digits}.{rest[:least]}{rest[least:].rstrip('0')}"
