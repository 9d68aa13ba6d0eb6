"""Every malformed input has a clear outcome: one row with its rule, or one line that says what is wrong."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pricelake.errors import QualityError, SourceError
from pricelake.tables import Lake
from pricelake.workflows.ingest import ingest
from tests.spark.ingest_shop import ORDERS_CSV, ORDERS_HEADER, PRODUCTS, job_of, quarantine, run, write_shop

NOON = "2024-03-01 12:00:00"
# line → (rule, reason); the order number is the name of the case
BAD = {
    f"negative,1,kunde9,p1,{NOON},1,-2.00,EUR": (
        "paid_amount_above_zero",
        "paid_amount = -2.0000; must hold: paid_amount > 0",
    ),
    f"free,1,kunde9,p1,{NOON},1,0.00,EUR": (
        "paid_amount_above_zero",
        "paid_amount = 0.0000; must hold: paid_amount > 0",
    ),
    f"text,1,kunde9,p1,{NOON},two,2.00,EUR": ("quantity_not_double", "quantity is 'two', which is not a double"),
    f'comma,1,kunde9,p1,{NOON},1,"2,00",EUR': (
        "paid_amount_not_decimal",
        "paid_amount is '2,00', which is not a decimal",
    ),
    f"zero,1,kunde9,p1,{NOON},0,2.00,EUR": ("quantity_above_zero", "quantity = 0.0; must hold: quantity > 0"),
    f"absurd,1,kunde9,p1,{NOON},5000,2.00,EUR": (
        "quantity_absurd",
        "quantity = 5000.0, above the shop's limit of 1000",
    ),
    f"dear,1,kunde9,p1,{NOON},2,500000,EUR": (
        "unit_price_absurd",
        "unit price = 250000.0, above the shop's limit of 100000",
    ),
    "future,1,kunde9,p1,2199-01-01 00:00:00,1,2.00,EUR": (
        "in_future",
        "ordered_at = 2199-01-01 00:00:00 lies in the future",
    ),
    "undated,1,kunde9,p1,,1,2.00,EUR": ("ordered_at_missing", "ordered_at is empty; it is required"),
    "baddate,1,kunde9,p1,01.03.2024,1,2.00,EUR": (
        "ordered_at_not_timestamp",
        "ordered_at is '01.03.2024', which is not a timestamp",
    ),
    f"stranger,1,kunde9,p99,{NOON},1,2.00,EUR": ("unknown_product", "product_id = p99 is not in products"),
    f"dollars,1,kunde9,p1,{NOON},1,2.00,USD": ("other_currency", "currency is USD; the shop's is EUR"),
    f"nomoney,1,kunde9,p1,{NOON},1,2.00,": ("other_currency", "currency is null; the shop's is EUR"),
    f"noline, ,kunde9,p1,{NOON},1,2.00,EUR": ("line_id_missing", "line_id is empty; it is required"),
    f"twice,1,kunde9,p1,{NOON},1,2.00,EUR": (
        "duplicate_key",
        "rows with different content share order_id = twice, line_id = 1; none can be preferred",
    ),
    f"twice,1,kunde9,p1,{NOON},3,6.00,EUR": (
        "duplicate_key",
        "rows with different content share order_id = twice, line_id = 1; none can be preferred",
    ),
}
GOOD = [
    f"copy,1,kunde9,p1,{NOON},1,2.00,EUR",
    f"copy,1,kunde9,p1,{NOON},1,2.00,EUR",
    f"anonymous,1,,p1,{NOON},1,2.00,eur",
    "later,1,kunde9,p99,2024-03-04 00:00:00,1,-5,EUR",
]
SHORT, RAW = f"short,1,kunde9,p1,{NOON}", f"latin,1,kunde9,p\xe9,{NOON},1,2.00,EUR"


def _write(folder: Path) -> Path:
    shop = write_shop(folder)
    lines = [*BAD, *GOOD, SHORT, f"long,1,kunde9,p1,{NOON},1,2.00,EUR,more"]
    text = ORDERS_CSV + "\n".join(lines) + "\n"
    (folder / "orders.csv").write_bytes(text.encode() + RAW.encode("latin1") + b"\n")
    return shop


@pytest.fixture(scope="module")
def bad_shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bad")
    job, summary = run(spark, folder, _write)
    return {"folder": folder, "job": job, "summary": summary, "rows": quarantine(job)}


@pytest.mark.parametrize("line", BAD, ids=[f"{line.split(',')[0]}-{i}" for i, line in enumerate(BAD)])
def test_a_bad_row_is_quarantined_with_rule_and_value(bad_shop: dict[str, Any], line: str) -> None:
    fields = line.replace('"2,00"', "2.00").split(",")
    found = [
        (row["rule"], row["reason"])
        for row in bad_shop["rows"]
        if row["source_row"].get("order") == fields[0] and row["source_row"].get("qty") == fields[5]
    ]
    assert found == [BAD[line]]


def test_bytes_of_another_encoding_are_quarantined(bad_shop: dict[str, Any]) -> None:
    rows = [row for row in bad_shop["rows"] if row["rule"] == "wrong_encoding"]
    assert [row["reason"] for row in rows] == [
        "column sku holds bytes that are not of the stated encoding (UTF-8 unless stated)"
    ]


def test_lines_of_another_length_are_quarantined_as_keyed_hashes(bad_shop: dict[str, Any]) -> None:
    key = (bad_shop["folder"] / "customer.key").read_bytes()
    rows = [row for row in bad_shop["rows"] if row["rule"] == "malformed_line"]
    lines = [SHORT, f"long,1,kunde9,p1,{NOON},1,2.00,EUR,more"]
    expected = [{"unparsed_line_hash": hmac.new(key, x.encode(), hashlib.sha256).hexdigest()} for x in lines]
    assert sorted(str(row["source_row"]) for row in rows) == sorted(map(str, expected))


def test_every_row_is_accounted_for(bad_shop: dict[str, Any]) -> None:
    assert bad_shop["summary"]["tables"]["order_lines"] == {
        "rows_in": len(BAD) + len(GOOD) + 2 + 3,
        "taken": 4,  # two of the base, one of the copies, the anonymous one
        "quarantined": len(BAD) + 3,
        "duplicates": 1,
        "after_as_of": 1,
    }
    assert bad_shop["summary"]["quarantined_rows"] == len(BAD) + 3 == len(bad_shop["rows"])
    assert bad_shop["summary"]["broken_rules"]["order_lines"]["duplicate_key"] == 2


def test_quarantine_names_the_file_and_holds_no_customer_id(bad_shop: dict[str, Any]) -> None:
    key = (bad_shop["folder"] / "customer.key").read_bytes()
    hashed = hmac.new(key, b"kunde9", hashlib.sha256).hexdigest()
    assert {row["source_file"] for row in bad_shop["rows"]} == {f"file:{bad_shop['folder']}/orders.csv"}
    assert {row["source_row"].get("customer", hashed) for row in bad_shop["rows"]} == {hashed}
    assert "kunde9" not in str(bad_shop["rows"]).replace(hashed, "")
    assert len({row["row_hash"] for row in bad_shop["rows"]}) == len(bad_shop["rows"])


def test_bronze_holds_pseudonyms_and_null_for_anonymous(bad_shop: dict[str, Any]) -> None:
    key = (bad_shop["folder"] / "customer.key").read_bytes()
    rows = Lake(bad_shop["job"].spark, bad_shop["job"].lake.root).read("bronze.order_lines").collect()
    expected = {x: hmac.new(key, x.encode(), hashlib.sha256).hexdigest() for x in ("c1", "kunde9")}
    assert {(r["order_id"], r["customer_id"]) for r in rows} == {
        ("o1", expected["c1"]),
        ("copy", expected["kunde9"]),
        ("anonymous", None),
    }


def _fails(spark: SparkSession, folder: Path, shop: Path, error: type[Exception] = SourceError, **options: Any) -> str:
    job = job_of(spark, folder, shop, **options)
    with pytest.raises(error) as caught:
        ingest(job)
    assert not job.lake.exists("bronze.order_lines")
    return str(caught.value)


def test_too_many_bad_rows_stop_the_run_and_leave_them_to_look_at(spark: SparkSession, tmp_path: Path) -> None:
    shop = write_shop(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS_CSV + f"o2,1,c1,p1,{NOON},0,1,EUR\no3,1,c1,p7,{NOON},1,1,EUR\n")
    said = _fails(spark, tmp_path, shop, QualityError, max_rate=0.4)
    assert said == (
        "order_lines: 2 of 4 rows (50.0%) broke a rule, more than quality.max_quarantined_rate = 0.4 allows: "
        "quantity_above_zero 1 (e.g. quantity = 0.0; must hold: quantity > 0); unknown_product 1 (e.g. product_id = p7 "
        "is not in products). The table was not changed; the rows are in bronze.quarantine. Correct the source or the "
        "mapping."
    )
    assert len(quarantine(job_of(spark, tmp_path, shop))) == 2


def test_all_problems_of_the_shop_file_are_said_before_anything_is_read(spark: SparkSession, tmp_path: Path) -> None:
    columns = PRODUCTS["columns"] | {"name": "titel", "brand": "upper(", "colour": "brand", "size_amount": "array(1)"}
    shop = write_shop(
        tmp_path,
        sources={"weather": {"format": "csv", "path": str(tmp_path / "weather.csv")}},
        tables={
            "products": {"source": "products", "columns": columns},
            "weather": {"source": "weather", "columns": {"market_id": "'m'", "date": "day"}},
            "calendar": {"query": "SELECT * FROM ordres", "columns": {"market_id": "'m'", "date": "at"}},
            "costs": {
                "query": "SELECT sku, sum(paid) AS c FROM orders GROUP BY sku",
                "columns": {"product_id": "sku", "market_id": "'m'", "valid_from": "paid"},
            },
        },
    )
    said = _fails(spark, tmp_path, shop).splitlines()
    assert said[0] == "Shop 'Small' cannot be ingested; nothing was read or changed:"
    products = f"source 'products' (csv, {tmp_path}/products.csv)"
    for expected in (
        f"  Source 'weather' (csv, {tmp_path}/weather.csv) cannot be read: [PATH_NOT_FOUND] Path does not exist: "
        f"file:{tmp_path}/weather.csv. Check the path in the shop file.",
        f"  products.name: {products} has no column `titel`; it has brand, dept, sku, title; expression: titel",
        "  products.colour: the contract of products has no such column; it has product_id, name, department, "
        "category, subcategory, brand, description, size_amount, size_unit, launched_on, image_embedding",
        "  products.size_amount: array<int> cannot become double; expression: array(1)",
        "  costs.unit_cost: required by the contract and not mapped",
        "  costs.valid_from: the query of costs over 'orders' has no column `paid`; it has c, sku; expression: paid",
    ):
        assert expected in said
    assert any(line.startswith("  products.brand: [PARSE_SYNTAX_ERROR]") for line in said)
    assert any("calendar.query cannot be run: [TABLE_OR_VIEW_NOT_FOUND]" in line for line in said)
    assert len(said) == 9


def test_a_query_cannot_change_anything(spark: SparkSession, tmp_path: Path) -> None:
    tables = {"calendar": {"query": "DROP TABLE orders", "columns": {"market_id": "'m'", "date": "at"}}}
    said = _fails(spark, tmp_path, write_shop(tmp_path, tables=tables))
    assert "calendar.query cannot be run: [PARSE_SYNTAX_ERROR]" in said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "order_lines: source 'orders' (csv, {0}/orders.csv) has no columns; is it empty?"),
        (ORDERS_HEADER, "order_lines: source 'orders' (csv, {0}/orders.csv) has no rows; nothing can be priced."),
    ],
)
def test_empty_files_are_broken_exports(spark: SparkSession, tmp_path: Path, content: str, expected: str) -> None:
    shop = write_shop(tmp_path)
    (tmp_path / "orders.csv").write_text(content)
    assert expected.format(tmp_path) in _fails(spark, tmp_path, shop)


def test_a_truncated_parquet_file_is_named(spark: SparkSession, tmp_path: Path) -> None:
    shop = write_shop(tmp_path, sources={"orders": {"format": "parquet", "path": str(tmp_path / "orders.parquet")}})
    orders = spark.read.csv(str(tmp_path / "orders.csv"), header=True)
    numbered = orders.drop("order").crossJoin(spark.range(5000).selectExpr("cast(id AS string) AS `order`"))
    numbered.coalesce(1).write.parquet(str(tmp_path / "whole"))
    whole = next((tmp_path / "whole").glob("part-*.parquet")).read_bytes()
    (tmp_path / "orders.parquet").write_bytes(whole[: len(whole) // 2])
    said = _fails(spark, tmp_path, shop)
    assert f"Source 'orders' (parquet, {tmp_path}/orders.parquet) cannot be read: " in said
    assert "is not a Parquet file" in said
    assert said.endswith("The file is cut off or not Parquet; copy it again.")
    assert "\tat " not in said
    # the end is whole, the data in the middle is not: only reading finds out
    (tmp_path / "orders.parquet").write_bytes(whole[:4] + b"\0" * (len(whole) // 3) + whole[4 + len(whole) // 3 :])
    said = _fails(spark, tmp_path, shop)
    assert said.startswith(f"order_lines: source 'orders' (parquet, {tmp_path}/orders.parquet) cannot be read: ")
    assert len(said.splitlines()) == 1


def test_files_of_one_source_must_have_one_header(spark: SparkSession, tmp_path: Path) -> None:
    shop = write_shop(tmp_path, sources={"orders": {"format": "csv", "path": str(tmp_path / "orders")}})
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "1.csv").write_text(ORDERS_CSV)
    swapped = ORDERS_CSV.replace("qty,paid", "paid,qty").replace("o1,", "o2,")
    (tmp_path / "orders" / "2.csv").write_text(swapped)
    said = _fails(spark, tmp_path, shop)
    assert "CSV header does not conform to the schema" in said
    assert said.endswith("The files of one source must have the same header.")


def test_a_query_does_not_swallow_broken_lines(spark: SparkSession, tmp_path: Path) -> None:
    costs = {
        "query": "SELECT sku, max(paid) AS c FROM orders GROUP BY sku",
        "columns": {"product_id": "sku", "market_id": "'m'", "valid_from": "'2024-01-01'", "unit_cost": "c"},
    }
    shop = write_shop(tmp_path, tables={"costs": costs})
    (tmp_path / "orders.csv").write_bytes(ORDERS_CSV.encode() + RAW.encode("latin1") + b"\n")
    job = job_of(spark, tmp_path, shop)
    with pytest.raises(SourceError) as caught:
        ingest(job)
    assert str(caught.value).startswith(
        "costs: the query of costs over 'orders' cannot be read: source 'orders' is used by a "
        f"query and holds a line that cannot be parsed or decoded: file file:{tmp_path}/orders.csv"
    )
    assert not job.lake.exists("bronze.costs")


def test_json_lines_that_do_not_parse_are_quarantined(spark: SparkSession, tmp_path: Path) -> None:
    shop = write_shop(tmp_path, sources={"products": {"format": "json", "path": str(tmp_path / "products.json")}})
    (tmp_path / "products.json").write_text(
        '{"sku": "p1", "title": "Bread", "dept": "FOOD", "brand": 1}\n'
        '{"sku": "p2", "title": "Cheese", "dept": "FOOD", "brand": "b"}\n'
        '{"sku": "p3", "title": \n'
    )
    job = job_of(spark, tmp_path, shop)
    summary = ingest(job)
    assert summary["tables"]["products"]["taken"] == 2
    assert [(r["rule"], r["source_row"]) for r in quarantine(job)] == [
        ("malformed_line", {"unparsed_line": '{"sku": "p3", "title": '})
    ]
    brands = {r["product_id"]: r["brand"] for r in Lake(spark, job.lake.root).read("bronze.products").collect()}
    assert brands == {"p1": "1", "p2": "b"}
