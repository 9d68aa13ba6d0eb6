"""The changed prices as a csv file: what a spreadsheet will read."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pricelake.workflows.price_list import COLUMNS, write_price_list
from pricelake.workflows.whole_file import whole_file
from tests.report_lake import frame_of, made_up_tables

TABLES = made_up_tables(24, 3)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_changed_price_is_listed_largest_gain_first(spark: SparkSession, tmp_path: Path) -> None:
    prices = TABLES["gold.price_recommendations"]
    path = tmp_path / "out" / "report-prices.csv"
    products = frame_of(spark, "bronze.products", TABLES["bronze.products"])
    written = write_price_list(path, frame_of(spark, "gold.price_recommendations", prices), products)
    changed = sorted((row for row in prices if row["is_changed"]), key=lambda row: -row["uplift_amount"])
    listed = read(path)
    assert written == len(listed) == len(changed) > 5
    assert tuple(listed[0]) == COLUMNS
    assert [Decimal(row["uplift_amount"]) for row in listed] == [row["uplift_amount"] for row in changed]
    names = {row["product_id"]: row["name"] for row in TABLES["bronze.products"]}
    assert all(row["name"] == names[row["product_id"]] for row in listed)
    assert {row["reason"] for row in listed} == {row["reason"] for row in changed}
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_text_that_a_spreadsheet_would_run_stays_text(spark: SparkSession, tmp_path: Path) -> None:
    row = next(row for row in TABLES["gold.price_recommendations"] if row["is_changed"])
    product = TABLES["bronze.products"][0] | {"product_id": row["product_id"], "name": '=HYPERLINK("http://x","y")'}
    prices = frame_of(spark, "gold.price_recommendations", [row | {"uplift_amount": Decimal("-1.5")}])
    write_price_list(tmp_path / "p.csv", prices, frame_of(spark, "bronze.products", [product]))
    listed = read(tmp_path / "p.csv")[0]
    assert listed["name"] == '\'=HYPERLINK("http://x","y")'
    assert listed["uplift_amount"] == "-1.5000"


def test_a_file_half_written_never_takes_its_name(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    with pytest.raises(TypeError, match="not int"), whole_file(path) as file:
        file.writelines(["half", 1])  # type: ignore[list-item]
    assert path.read_text() == "old"
    with whole_file(path) as file:
        file.write("new")
    assert path.read_text() == "new"
