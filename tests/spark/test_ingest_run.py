"""The whole job: same files twice, changed files, replays, interruptions, shops with totals only."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from pricelake.errors import QualityError, SettingsError
from pricelake.tables import Lake
from pricelake.workflows import ingest as ingesting
from pricelake.workflows.ingest import ingest
from tests.spark.ingest_shop import ORDERS_CSV, PRODUCTS_CSV, content, job_of, quarantine, run, write_shop
from tests.tiny_shop import AS_OF, write_tiny_shop

TABLES = ("bronze.products", "bronze.order_lines", "bronze.quarantine")
BAD_LINE = "o9,1,c1,p1,2024-03-01 10:00:00,-1,5.00,EUR\n"


def test_the_tiny_shop_arrives_whole(spark: SparkSession, tmp_path: Path) -> None:
    job, summary = run(spark, tmp_path, lambda folder: write_tiny_shop(folder / "shop"), as_of=AS_OF, max_rate=0.0)
    with (tmp_path / "shop" / "orders.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert summary["tables"]["order_lines"]["taken"] == summary["tables"]["order_lines"]["rows_in"] == len(lines)
    assert summary["quarantined_rows"] == 0
    assert summary["absent"] == [
        *("sales_panel", "customers", "events", "reviews", "list_prices", "competitor_prices"),
        *("inventory", "calendar", "weather"),
    ]
    assert summary["switched_off"]["weather"] == "no weather"
    assert "sales_panel" not in summary["switched_off"]
    found = job.lake.read("bronze.order_lines").selectExpr(
        "sum(quantity) AS units", "sum(paid_amount) AS paid", "count(DISTINCT customer_id) AS customers"
    )
    row = found.first()
    assert row is not None
    assert row["units"] == sum(int(line["qty"]) for line in lines)
    assert float(row["paid"]) == pytest.approx(sum(float(line["paid"]) for line in lines), abs=1e-6)
    assert row["customers"] == len({line["customer"] for line in lines})
    assert job.rows_in == sum(table["rows_in"] for table in summary["tables"].values())


def test_the_same_files_again_change_nothing(spark: SparkSession, tmp_path: Path) -> None:
    job, first = run(spark, tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS_CSV + BAD_LINE + BAD_LINE)
    once = ingest(job_of(spark, tmp_path, tmp_path / "shop.yaml"))
    before = {table: content(job, table) for table in TABLES}
    versions = {table: job.lake.version(table) for table in TABLES[:2]}
    again = job_of(spark, tmp_path, tmp_path / "shop.yaml")
    assert ingest(again) == once
    assert {table: content(job, table) for table in TABLES} == before
    assert {table: job.lake.version(table) for table in TABLES[:2]} == versions
    assert len(before["bronze.quarantine"]) == 2
    # corrected at the source: the row moves from quarantine to the table, a changed one is updated, a gone one stays
    corrected = BAD_LINE.replace("-1", "1") + ORDERS_CSV.splitlines(keepends=True)[1].replace("5.00", "6.00")
    (tmp_path / "orders.csv").write_text(ORDERS_CSV.splitlines(keepends=True)[0] + corrected)
    ingest(job_of(spark, tmp_path, tmp_path / "shop.yaml"))
    rows = Lake(spark, job.lake.root).read("bronze.order_lines").collect()
    assert {(r["order_id"], r["line_id"], str(r["paid_amount"])) for r in rows} == {
        ("o1", "1", "6.0000"),
        ("o1", "2", "4.0000"),
        ("o9", "1", "5.0000"),
    }
    assert quarantine(job) == []
    assert first["tables"]["order_lines"]["taken"] == 2


class Killed(BaseException):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_ends_anywhere_is_made_good_by_the_next(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    shop = write_shop(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS_CSV + BAD_LINE)
    commits = 0
    commit = Lake._commit

    def dying(self: Lake, name: str, write: Any) -> int:
        nonlocal commits
        commits += 1
        if commits == at:
            raise Killed
        return commit(self, name, write)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "_commit", dying)
        with pytest.raises(Killed):
            ingest(job_of(spark, tmp_path, shop))
    job = job_of(spark, tmp_path, shop)
    ingest(job)
    assert len(content(job, "bronze.products")) == 3
    assert len(content(job, "bronze.order_lines")) == 2
    assert [row["rule"] for row in quarantine(job)] == ["quantity_above_zero"]


def test_a_row_lost_while_judging_stops_the_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_verdict = ingesting.with_verdict

    def losing(rows: DataFrame, *rest: Any) -> DataFrame:
        judged = with_verdict(rows, *rest)
        return judged.where("line_id <> '2'") if "line_id" in judged.columns else judged

    monkeypatch.setattr(ingesting, "with_verdict", losing)
    job = job_of(spark, tmp_path, write_shop(tmp_path))
    (tmp_path / "orders.csv").write_text(ORDERS_CSV + BAD_LINE)
    with pytest.raises(QualityError) as caught:
        ingest(job)
    assert str(caught.value) == (
        "order_lines: 3 rows were read, 2 are accounted for (1 taken, 1 quarantined, 0 copies, 0 after as-of). The "
        "table was not changed. The source may have changed while it was read; run again."
    )
    assert not job.lake.exists("bronze.order_lines")
    assert quarantine(job) == []


def test_a_row_lost_while_merging_stops_the_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(spark, tmp_path)
    changed = ORDERS_CSV.replace("5.00", "6.00") + BAD_LINE.replace("-1", "1")
    (tmp_path / "orders.csv").write_text(changed)
    merge = Lake.merge
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "merge", lambda lake, name, rows: merge(lake, name, rows.where("order_id <> 'o9'")))
        with pytest.raises(QualityError) as caught:
            ingest(job_of(spark, tmp_path, tmp_path / "shop.yaml"))
    assert str(caught.value) == (
        "bronze.order_lines: 2 rows were to be inserted or updated, 1 were. Another run may have written the table "
        "meanwhile. Run again."
    )
    again = job_of(spark, tmp_path, tmp_path / "shop.yaml")
    ingest(again)
    assert [(row[0], row[1], str(row[7])) for row in content(again, "bronze.order_lines")] == [
        *(("o1", "1", "6.0000"), ("o1", "2", "4.0000"), ("o9", "1", "5.0000")),
    ]


def test_a_replay_sees_nothing_of_later_days(spark: SparkSession, tmp_path: Path) -> None:
    shop = write_shop(tmp_path, time_zone="America/New_York")
    # local times: the last second of 1 March, and the first of the 2nd, which is also broken
    late = "o2,1,c1,p1,2024-03-01 23:59:59,1,5.00,EUR\no3,1,c1,p1,2024-03-02 00:00:00,-1,5.00,EUR\n"
    (tmp_path / "orders.csv").write_text(ORDERS_CSV + late)
    job = job_of(spark, tmp_path, shop, as_of=date(2024, 3, 2), max_rate=0.0)
    assert ingest(job)["tables"]["order_lines"] == {
        "rows_in": 4,
        "taken": 3,
        "quarantined": 0,
        "duplicates": 0,
        "after_as_of": 1,
    }
    times = {r["order_id"]: str(r["ordered_at"]) for r in _utc(job, "bronze.order_lines")}
    assert times["o2"] == "2024-03-02 04:59:59"


def _utc(job: Any, table: str) -> list[Any]:
    return job.lake.read(table).selectExpr("order_id", "cast(ordered_at AS string) AS ordered_at").collect()


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_typed_files_give_the_tables_of_their_csv(spark: SparkSession, tmp_path: Path, form: str) -> None:
    plain, _ = run(spark, tmp_path / "csv")

    def typed(folder: Path) -> Path:
        for name in ("products", "orders"):
            csv = spark.read.csv(str(tmp_path / "csv" / f"{name}.csv"), header=True, inferSchema=True)
            csv.write.format(form).save(str(folder / name))
        sources = {name: {"format": form, "path": str(folder / name)} for name in ("products", "orders")}
        return write_shop(folder, sources=sources, customer_key=f"file:{tmp_path}/csv/customer.key")

    job, summary = run(spark, tmp_path / form, typed)
    assert summary["quarantined_rows"] == 0
    for table in ("bronze.products", "bronze.order_lines"):
        assert content(job, table) == content(plain, table) != []


def test_a_shop_with_totals_only(spark: SparkSession, tmp_path: Path) -> None:
    shop = write_shop(tmp_path)
    (tmp_path / "weeks.csv").write_text(
        "sku,monday,units,revenue\np1,2024-02-19,10,25.0\np1,2024-02-26,0,0\np2,2024-02-26,0,3\np2,2024-03-04,5,20\n"
    )
    import yaml

    file = yaml.safe_load(shop.read_text())
    file["sources"]["weeks"] = {"format": "csv", "path": str(tmp_path / "weeks.csv")}
    del file["tables"]["order_lines"]
    file["tables"]["sales_panel"] = {
        "source": "weeks",
        "columns": {
            "product_id": "sku",
            "market_id": "'m'",
            "period_start": "monday",
            "units": "units",
            "revenue_amount": "revenue",
        },
    }
    shop.write_text(yaml.safe_dump(file))
    job = job_of(spark, tmp_path, shop)
    summary = ingest(job)
    assert summary["tables"]["sales_panel"] == {
        "rows_in": 4,
        "taken": 2,
        "quarantined": 1,
        "duplicates": 0,
        "after_as_of": 1,
    }
    assert summary["broken_rules"] == {"sales_panel": {"revenue_only_with_units": 1}}
    assert summary["switched_off"]["order_lines"] == "sales come as totals: no customers, so no recommendations"
    assert not (tmp_path / "customer.key").exists()


def test_a_lost_customer_key_stops_the_run(spark: SparkSession, tmp_path: Path) -> None:
    job, _ = run(spark, tmp_path)
    (tmp_path / "customer.key").unlink()
    with pytest.raises(SettingsError, match="would turn every customer into a stranger"):
        ingest(job_of(spark, tmp_path, tmp_path / "shop.yaml"))
    assert len(content(job, "bronze.order_lines")) == 2
    assert PRODUCTS_CSV.count("\n") == len(content(job, "bronze.products")) + 1
