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
    panel = frame_of(spark, "gold.demand_panel", TABLES["gold.demand_panel"])
    written = write_price_list(path, frame_of(spark, "gold.price_recommendations", prices), products, panel)
    changed = sorted((row for row in prices if row["is_changed"]), key=lambda row: -row["uplift_amount"])
    listed = read(path)
    assert written == len(listed) == len(changed) > 5
    assert tuple(listed[0]) == COLUMNS
    assert [Decimal(row["uplift_amount"]) for row in listed] == [row["uplift_amount"] for row in changed]
    known = {row["product_id"]: row for row in TABLES["bronze.products"]}
    paid = {row["product_id"]: row["reference_price"] for row in TABLES["gold.demand_panel"] if row["is_open"]}
    for row, price in zip(listed, changed, strict=True):
        for name in ("name", "department", "category", "brand"):
            assert row[name] == known[row["product_id"]][name]
        assert Decimal(row["price_paid"]) == paid[row["product_id"]]
        rate = float(price["price_recommended"]) / float(price["price_now"]) - 1
        assert float(row["change_percent"]) == pytest.approx(100 * rate, abs=0.0501)
        assert (row["model_version"], row["rules_version"]) == ("3", "5f2c9a01be7733d4")
    assert {row["reason"] for row in listed} == {row["reason"] for row in changed}
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_text_that_a_spreadsheet_would_run_stays_text_and_numbers_are_rounded(
    spark: SparkSession, tmp_path: Path
) -> None:
    row = next(row for row in TABLES["gold.price_recommendations"] if row["is_changed"])
    row |= {"price_now": Decimal("2.6741"), "price_recommended": Decimal("2.89"), "unit_cost": Decimal("1.9250")}
    row |= {"units_now": 119.25732973, "units_then": 0.04, "elasticity": -1.3477}
    product = TABLES["bronze.products"][0] | {"product_id": row["product_id"], "name": '=HYPERLINK("http://x","y")'}
    prices = frame_of(spark, "gold.price_recommendations", [row | {"uplift_amount": Decimal("-1.5")}])
    panel = frame_of(spark, "gold.demand_panel", TABLES["gold.demand_panel"]).where("NOT is_open")
    write_price_list(tmp_path / "p.csv", prices, frame_of(spark, "bronze.products", [product]), panel)
    listed = read(tmp_path / "p.csv")[0]
    assert listed["name"] == '\'=HYPERLINK("http://x","y")'
    assert listed["uplift_amount"] == "-1.50"
    assert (listed["price_now"], listed["price_recommended"], listed["unit_cost"]) == ("2.6741", "2.89", "1.925")
    assert (listed["units_now"], listed["units_then"], listed["elasticity"]) == ("119.3", "0.0", "-1.35")
    assert (listed["change_percent"], listed["price_paid"]) == ("8.1", "")


def test_a_file_half_written_never_takes_its_name(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    with pytest.raises(TypeError, match="not int"), whole_file(path) as file:
        file.writelines(["half", 1])  # type: ignore[list-item]
    assert path.read_text() == "old"
    with whole_file(path) as file:
        file.write("new")
    assert path.read_text() == "new"
