"""The simulated shop as files: the same bytes for a seed, the same rows in other parts, taken whole by any ingest."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from pricelake.settings import Settings
from pricelake.settings.loading import load_file
from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator import writing
from pricelake.simulator.truth import ShopTruth
from pricelake.simulator.writing import COLUMNS, KEPT_CELLS, Histories, keeps_histories, table
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


def forget_histories(spark: SparkSession) -> None:
    """Idle workers take turns, so that more tasks than workers reach them all."""

    def forget(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        time.sleep(0.02)
        writing.HISTORIES.shop = None
        yield from batches

    spark.range(0, 8, 1, 8).mapInPandas(forget, "id long").collect()


def digest(frame: DataFrame) -> str:
    rows = frame.selectExpr("to_json(struct(*)) AS row").collect()
    return hashlib.sha256("\n".join(sorted(row[0] for row in rows)).encode()).hexdigest()


@pytest.fixture(scope="module")
def fresh(spark: SparkSession, folder: Path) -> Path:
    """The tables, each written by one task, and workers that remember nothing of it."""
    forget_histories(spark)
    return folder / "tables"


@pytest.mark.parametrize("name", COLUMNS)
def test_a_shop_is_the_same_whatever_the_number_of_tasks(
    spark: SparkSession, fresh: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert len(list((fresh / name).glob("part-*.parquet"))) == 1
    monkeypatch.setattr(writing, "CATEGORIES_PER_TASK", 1)
    monkeypatch.setattr(writing, "BRANCHES_PER_TASK", 1)
    monkeypatch.setattr(writing, "CUSTOMERS_PER_TASK", 150)
    frame = table(spark, SHOP, name)
    assert frame.rdd.getNumPartitions() == {"customers": 3, "calendar": 2, "weather": 2}.get(name, 4)
    assert digest(frame) == digest(spark.read.parquet(str(fresh / name)))


def test_the_same_seed_writes_the_same_bytes(spark: SparkSession, fresh: Path, tmp_path: Path) -> None:
    """Of every part file, in order, written by workers that remember nothing; names of parts hold a random number."""
    simulate(spark, SHOP.model_copy(), tmp_path, SilentReporter())

    def parts(folder: Path) -> dict[str, list[str]]:
        return {
            name: [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / name).glob("part-*"))]
            for name in COLUMNS
        }

    assert parts(tmp_path / "tables") == parts(fresh)


@pytest.mark.parametrize("name", ["order_lines", "events", "list_prices", "customers"])
def test_another_seed_is_another_shop(spark: SparkSession, folder: Path, name: str) -> None:
    other = table(spark, SHOP.model_copy(update={"seed": 6}), name)
    assert digest(other) != digest(spark.read.parquet(str(folder / "tables" / name)))


def test_a_history_is_kept_for_the_next_table_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, other = Histories(), SHOP.model_copy(update={"seed": 6})
    stage, weeks = kept.of(SHOP, 3)
    assert len(weeks) == SHOP.weeks
    assert kept.of(SHOP.model_copy(), 3)[0] is stage
    kept.of(SHOP, 0)
    assert sorted(kept.kept) == [0, 3]
    assert kept.of(other, 3)[0] is not stage
    assert sorted(kept.kept) == [3]
    monkeypatch.setattr(writing, "KEPT_CELLS", 2 * 12 * 20 - 1)  # branches, products, weeks
    assert kept.of(SHOP, 3)[0] is not stage
    assert kept.kept == {}


def test_what_workers_keep_is_bounded_by_cells() -> None:
    cells = {"branches": 2, "products": 100, "markets": 5, "weeks": KEPT_CELLS // 1000, "customers": 200}
    assert keeps_histories(SimulationSettings(**cells))
    for name in ("branches", "products", "markets", "weeks"):
        assert not keeps_histories(SimulationSettings(**cells | {name: cells[name] + 1})), name
    one_category = {"products": 200, "products_per_category": 200, "markets": 100, "weeks": 100, "customers": 2000}
    assert not keeps_histories(SimulationSettings(**one_category))


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
