"""The simulated shop as files: the same bytes for a seed, taken whole by the ingest of any shop."""

import hashlib
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pricelake.settings import Settings
from pricelake.settings.loading import load_file
from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.truth import ShopTruth
from pricelake.simulator.writing import COLUMNS, table
from pricelake.tables import Lake
from pricelake.workflows.ingest import ingest
from pricelake.workflows.job import SilentReporter
from pricelake.workflows.simulate import simulate
from tests.spark.ingest_shop import job_of

SHOP = SimulationSettings(
    seed=5, branches=2, products=12, products_per_category=6, weeks=20, customers=200, sold_out_rate=0.2
)


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate(spark, SHOP, out, SilentReporter())
    return out


def digest(spark: SparkSession, settings: SimulationSettings, name: str, tasks: int) -> str:
    rows = table(spark, settings, name).repartition(tasks).selectExpr("to_json(struct(*)) AS row").collect()
    return hashlib.sha256("\n".join(sorted(row[0] for row in rows)).encode()).hexdigest()


@pytest.mark.parametrize("name", ["order_lines", "events", "list_prices", "customers"])
def test_a_seed_is_a_shop(spark: SparkSession, name: str) -> None:
    first = digest(spark, SHOP, name, 1)
    assert digest(spark, SHOP, name, 3) == first
    assert digest(spark, SHOP.model_copy(update={"seed": 6}), name, 1) != first


def test_every_table_arrives_whole(spark: SparkSession, folder: Path) -> None:
    as_of = load_file(Settings, folder / "settings.yaml").as_of
    assert as_of is not None
    job = job_of(spark, folder, folder / "shop.yaml", as_of=as_of, max_rate=0.0)
    summary = ingest(job)
    assert summary["quarantined_rows"] == 0
    assert summary["tables"].keys() == COLUMNS.keys()
    for name, counts in summary["tables"].items():
        assert counts["taken"] > 0, name
        # events are known ahead, the rest of the shop's tables ends with the history
        assert (counts["after_as_of"], counts["duplicates"]) == (0, 0), name
    lake = Lake(spark, job.lake.root)
    bought = lake.read("bronze.order_lines").groupBy("product_id").sum("quantity").collect()
    sold = {row[0]: row[1] for row in bought}
    truth = ShopTruth(SHOP)
    for number in range(SHOP.branches * SHOP.categories):
        one = truth.category(number)
        units = sum(week.sold for week in one.lived).sum(axis=0)
        first = one.stage.first_product
        assert {f"p{first + i:06d}": u for i, u in enumerate(units) if u} == {
            key: value for key, value in sold.items() if first <= int(key[1:]) < first + one.stage.category.size
        }


def test_nothing_beside_the_tables_tells_the_truth(folder: Path) -> None:
    written = {path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file()}
    assert written - {"lake", "customer.key"} == {"tables", "shop.yaml", "settings.yaml"}
    assert {path.name for path in (folder / "tables").iterdir()} == COLUMNS.keys()
    said = (folder / "shop.yaml").read_text() + (folder / "settings.yaml").read_text()
    assert "seed" not in said
