"""Numbers that are none, in what stands around a sale: quarantined with their rule, and missing in the panel."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pricelake.tables import Lake
from pricelake.workflows.build_features import build_features
from pricelake.workflows.ingest import ingest
from tests.spark.ingest_shop import ORDERS_CSV, job_of, quarantine, write_shop

DAYS = [f"2024-02-{day}" for day in range(19, 26)]
KEY = {"product_id": "sku", "market_id": "'m'"}
COLUMNS: dict[str, dict[str, str]] = {
    "list_prices": KEY | {"valid_from": "day", "list_price": "number"},
    "costs": KEY | {"valid_from": "day", "unit_cost": "number"},
    "competitor_prices": KEY | {"competitor_id": "'rival'", "observed_at": "day", "price": "number"},
    "inventory": KEY | {"date": "day", "availability_rate": "number"},
    "promotions": KEY | {"kind": "'discount'", "starts_on": "day", "ends_on": "day", "depth_rate": "number"},
    "weather": {"market_id": "'m'", "date": "day", "temperature_c": "number", "precipitation_mm": "0.5"},
}
"""Tables with one number each, all of one file with a product, a day and a number."""
KINDS = {
    "list_prices": "list_price_not_decimal",
    "costs": "unit_cost_not_decimal",
    "competitor_prices": "price_not_decimal",
    "inventory": "availability_rate_not_double",
    "promotions": "depth_rate_not_double",
    "weather": "temperature_c_not_double",
}
MISSING = ("is_weather_missing", "is_competitor_missing", "is_availability_missing")


@pytest.fixture(scope="module", params=["text", "double"])
def ingested(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A shop whose every number of that kind is NaN or infinite, as text in a file and as what an expression makes."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    numbers = ["NaN", "Infinity", "-Infinity", "NaN", "Infinity", "-Infinity", "NaN"]
    lines = [f"p1,{day},{number}" for day, number in zip(DAYS, numbers, strict=True)]
    (folder / "numbers.csv").write_text("sku,day,number\n" + "\n".join(lines) + "\n")
    (folder / "orders.csv").write_text(ORDERS_CSV + "o2,1,c1,p1,2024-02-19 10:00:00,2,5.00,EUR\n")
    as_read = request.param == "text"
    tables = {
        name: {
            "source": "numbers",
            "columns": {
                column: sql if as_read else sql.replace("number", "double(number)") for column, sql in own.items()
            },
        }
        for name, own in COLUMNS.items()
    }
    source = {"format": "csv", "path": str(folder / "numbers.csv")}
    shop = write_shop(folder, sources={"numbers": source}, tables=tables)
    job = job_of(spark, folder, shop)
    return job, ingest(job)


@pytest.mark.parametrize("table", COLUMNS)
def test_every_row_with_such_a_number_is_quarantined_with_what_was_there(ingested: Any, table: str) -> None:
    job, summary = ingested
    rows = [row for row in quarantine(job) if row["table_name"] == table]
    assert summary["tables"][table]["quarantined"] == len(DAYS) == len(rows)
    assert {row["rule"] for row in rows} == {KINDS[table]}
    column, kind = KINDS[table].split("_not_")
    assert {row["reason"] for row in rows} == {
        f"{column} is '{number}', which is not a {kind}" for number in ("NaN", "Infinity", "-Infinity")
    }
    assert Lake(job.spark, job.lake.root).read(f"bronze.{table}").count() == 0


def test_the_panel_says_that_it_is_missing(ingested: Any) -> None:
    job, _ = ingested
    build_features(job)
    panel = Lake(job.spark, job.lake.root).read("gold.demand_panel").where("product_id = 'p1'").toPandas()
    assert len(panel) == 3
    assert panel[list(MISSING)].all(axis=None)
    assert panel["unit_cost"].isna().all()
    assert (panel["competitor_index"] == 1.0).all()
    assert (panel[["temperature_c", "promotion_depth_rate", "announced_discount_rate"]] == 0.0).all(axis=None)
