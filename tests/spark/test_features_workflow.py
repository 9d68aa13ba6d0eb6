"""build_features from bronze to gold, run twice, back in time, and without customers."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from pricelake.errors import ContractError, QualityError, SettingsError
from pricelake.settings import Settings
from pricelake.tables import Lake, contract_of
from pricelake.workflows.build_features import build_features
from pricelake.workflows.job import Job
from tests.spark import features_shop as data
from tests.spark.features_oracle import Oracle


def make_job(spark: SparkSession, lake: Lake, tmp_path: Path, as_of: date = data.AS_OF, **shop: object) -> Job:
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump(data.shop(**shop).model_dump(mode="json")))
    settings = Settings.model_validate(
        {"lake": {"root": lake.root}, "shop": path, "rules": "none", "features": {"history_periods": 50}}
    )
    return Job(spark, Lake(spark, lake.root, "test"), settings, as_of)


def write_bronze(spark: SparkSession, lake: Lake, tables: dict[str, pd.DataFrame]) -> None:
    for name, rows in tables.items():
        lake.replace(f"bronze.{name}", data.to_spark(spark, name, rows))


def few_lines() -> dict[str, pd.DataFrame]:
    tables = data.plain_tables()
    keep = tables["order_lines"]["product_id"].isin(["p07", "p08"])
    return tables | {"order_lines": tables["order_lines"][keep]}


def rows_of(frame: DataFrame) -> set[tuple]:
    return {
        tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in frame.collect()
    }  # fmt: skip


NAMES = ("gold.demand_panel", "gold.interactions", "gold.sequences")


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[tuple]], dict]:
    """A lake after one run: its folder, the rows of the three tables, the summary."""
    folder = tmp_path_factory.mktemp("built")
    lake = Lake(spark, str(folder / "lake"), run_id="test")
    write_bronze(spark, lake, few_lines())
    job = make_job(spark, lake, folder)
    summary = build_features(job)
    return folder, {name: rows_of(job.lake.read(name)) for name in NAMES}, {**summary, "rows_in": job.rows_in}


def test_summary_counts_what_was_written(built: tuple[Path, dict[str, set[tuple]], dict]) -> None:
    _, rows, summary = built
    tables = few_lines()
    assert summary == {
        "rows_in": len(tables["order_lines"]) + len(tables["products"]),
        "panel_rows": len(rows["gold.demand_panel"]),
        "open_rows": 4,
        "first_period": "2023-03-20",
        "open_period": "2024-03-04",
        "interactions": len(rows["gold.interactions"]),
        "customers": len(rows["gold.sequences"]),
        "without_customers": False,
        "left_out": [],
        "absent": [
            "events",
            "reviews",
            "list_prices",
            "costs",
            "promotions",
            "competitor_prices",
            "inventory",
            "calendar",
            "weather",
        ],
    }


def test_every_unit_sold_is_in_the_panel(spark: SparkSession, built: tuple[Path, dict[str, set[tuple]], dict]) -> None:
    panel = Lake(spark, str(built[0] / "lake")).read("gold.demand_panel")
    sold = panel.selectExpr("sum(units)", "sum(revenue_amount)").first()
    lines, periods = few_lines()["order_lines"], data.PERIODS
    start, end = (
        pd.Timestamp(periods.midnight(day)).tz_localize(None)
        for day in (periods.start_of(periods.history_number), data.AS_OF)
    )
    inside = lines[(lines["ordered_at"] >= start) & (lines["ordered_at"] < end)]
    assert float(sold[0]) == inside["quantity"].sum()
    assert float(sold[1]) == pytest.approx(inside["paid_amount"].sum(), abs=1e-6)


def test_a_backfill_and_a_second_run_leave_the_same_tables(
    spark: SparkSession, built: tuple[Path, dict[str, set[tuple]], dict]
) -> None:
    folder, first, summary = built
    lake = Lake(spark, str(folder / "lake"))
    earlier = make_job(spark, lake, folder, as_of=data.AS_OF - timedelta(weeks=10))
    build_features(earlier)
    last = earlier.lake.read("gold.demand_panel").selectExpr("max(period_start)").first()[0]
    assert last == data.AS_OF - timedelta(weeks=10)
    assert rows_of(earlier.lake.read("gold.interactions")) != first["gold.interactions"]

    again = make_job(spark, lake, folder)
    assert {**build_features(again), "rows_in": again.rows_in} == summary
    assert {name: rows_of(again.lake.read(name)) for name in NAMES} == first


def test_sequences_are_left_out_or_refused_where_they_would_look_fresh(
    spark: SparkSession, built: tuple[Path, dict[str, set[tuple]], dict], lake: Lake, tmp_path: Path
) -> None:
    def without(lake: Lake, folder: Path) -> Job:
        job = make_job(spark, lake, folder)
        unwritten = job.settings.features.model_copy(update={"sequences": False})
        return replace(job, settings=job.settings.model_copy(update={"features": unwritten}))

    folder, first, summary = built
    used = Lake(spark, str(folder / "lake"))
    with pytest.raises(SettingsError) as raised:
        build_features(without(used, folder))
    assert str(raised.value) == (
        "features.sequences is off, but gold.sequences of an earlier run is still in the lake and would pass for this "
        f"run's. Remove {used.path('gold.sequences')}, or switch features.sequences on."
    )
    assert rows_of(used.read("gold.demand_panel")) == first["gold.demand_panel"]
    write_bronze(spark, lake, few_lines())
    told = build_features(without(lake, tmp_path))
    assert told | {"rows_in": summary["rows_in"]} == summary | {"left_out": ["gold.sequences"]}
    assert not lake.exists("gold.sequences")
    assert rows_of(lake.read("gold.interactions")) == first["gold.interactions"]


def test_weekly_totals_give_the_panel_of_their_lines(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    tables = few_lines()
    lines = tables["order_lines"].assign(discount_amount=0.0)
    local = lines["ordered_at"].dt.tz_localize("UTC").dt.tz_convert(data.ZONE).dt.tz_localize(None)
    totals = (
        lines.assign(period_start=local.dt.to_period("W-SUN").dt.start_time.dt.date)
        .groupby(["product_id", "market_id", "period_start"], as_index=False)
        .agg(units=("quantity", "sum"), revenue_amount=("paid_amount", "sum"))
        .assign(revenue_amount=lambda f: f["revenue_amount"].round(4))
    )
    table = {"source": "s", "columns": {"product_id": "x"}}
    write_bronze(spark, lake, {"sales_panel": totals, "products": tables["products"]})
    job = make_job(spark, lake, tmp_path, tables={"products": table, "sales_panel": table})
    summary = build_features(job)
    assert summary["without_customers"] is True
    assert not job.lake.exists("gold.interactions")
    assert not job.lake.exists("gold.sequences")
    expected = Oracle(tables | {"order_lines": lines}, data.AS_OF, data.ZONE, 50).panel()
    contract = contract_of("gold.demand_panel")
    found = job.lake.read("gold.demand_panel").toPandas().sort_values(list(contract.key)).reset_index(drop=True)
    for column in contract.columns:
        if column.dataType.typeName() in ("double", "decimal"):
            left, right = found[column.name].astype(float), expected[column.name].astype(float)
            assert np.allclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True), column.name
        else:
            assert (found[column.name] == expected[column.name]).all(), column.name


def test_totals_of_other_weeks_are_refused(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    totals = pd.DataFrame(
        [("p07", "north", date(2024, 2, 18), 1.0, 2.0)],
        columns=["product_id", "market_id", "period_start", "units", "revenue_amount"],
    )
    write_bronze(spark, lake, {"sales_panel": totals, "products": data.products()})
    table = {"source": "s", "columns": {"product_id": "x"}}
    job = make_job(spark, lake, tmp_path, tables={"products": table, "sales_panel": table})
    with pytest.raises(QualityError) as caught:
        build_features(job)
    assert str(caught.value) == (
        "bronze.sales_panel has a period that starts on Sunday 2024-02-18, but features.period is 'week' and weeks "
        "start on Monday. Totals of other periods would be counted into the wrong one. Map period_start to Mondays, "
        "or set features.period to day if the totals are daily."
    )


def test_sales_of_unknown_products_are_refused(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    tables = few_lines()
    tables["products"] = tables["products"][tables["products"]["product_id"] != "p08"]
    write_bronze(spark, lake, tables)
    with pytest.raises(QualityError) as caught:
        build_features(make_job(spark, lake, tmp_path))
    assert str(caught.value) == (
        "Products were sold that bronze.products does not know, for example p08. Without department and category they "
        "cannot be priced. Add them to the products source and run ingest."
    )
    assert not lake.exists("gold.demand_panel")


def test_before_ingest_it_says_what_to_do(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"bronze\.products has not been written yet .* Run the job that writes it"):
        build_features(make_job(spark, lake, tmp_path))


def test_stale_sales_are_refused(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    tables = few_lines()
    lines = tables["order_lines"]
    write_bronze(spark, lake, tables | {"order_lines": lines[lines["ordered_at"] < pd.Timestamp("2024-02-26 05:00")]})
    assert build_features(make_job(spark, lake, tmp_path, as_of=date(2024, 2, 26)))["open_period"] == "2024-02-26"
    with pytest.raises(QualityError) as caught:
        build_features(make_job(spark, lake, tmp_path))
    assert str(caught.value) == (
        "The latest sale is of 2024-02-25, more than 7 days before the open period, which starts on 2024-03-04. Days "
        "without data would be taken for days without demand. Run ingest with newer data, or choose an earlier as-of "
        "date."
    )


def test_a_week_of_which_the_data_hold_a_part_is_not_read(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    tables = few_lines()
    lines = tables["order_lines"]
    since_tuesday = lines[lines["ordered_at"] >= pd.Timestamp("2024-01-16 05:00")]
    write_bronze(spark, lake, tables | {"order_lines": since_tuesday})
    job = make_job(spark, lake, tmp_path)
    assert build_features(job)["first_period"] == "2024-01-22"
    panel = job.lake.read("gold.demand_panel")
    assert panel.selectExpr("min(period_start)").first()[0] == date(2024, 1, 22)
