"""A job killed with SIGKILL at any commit and run again leaves the tables of an undisturbed run."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from pricelake.tables import CONTRACTS, Lake
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import run_job
from tests.jobs.conftest import REPOSITORY, Chain, Site
from tests.tiny_shop import AS_OF

# job, moment and number of the commit at which it dies
POINTS = [
    ("ingest", "before", 1),
    ("ingest", "after", 2),
    ("build_features", "after", 1),
    ("train_recommender", "after", 1),
    ("train_recommender", "before", 4),
    ("train_demand", "before", 1),
    ("recommend_prices", "before", 1),
    ("recommend_prices", "after", 1),
]
# what differs between two runs by nature: clocks and generated ids
VOLATILE = {"model_version"}


def content(lake: Lake, name: str) -> DataFrame:
    columns = [c for c in CONTRACTS[name].column_names if c not in VOLATILE]
    return lake.read(name).selectExpr(*(f"to_json(struct({c})) AS {c}" for c in columns))


def assert_same_tables(spark: SparkSession, found: Site, wanted: Site, names: list[str]) -> None:
    for name in names:
        left = content(Lake(spark, found.settings.lake.root), name)
        right = content(Lake(spark, wanted.settings.lake.root), name)
        assert left.count() == right.count(), name
        assert left.exceptAll(right).isEmpty(), name


@pytest.mark.parametrize(("job", "moment", "number"), POINTS)
def test_killed_and_run_again_leaves_the_same_tables(
    chain: Chain, site_before: Callable[[str], Site], spark: SparkSession, job: str, moment: str, number: int
) -> None:
    site = site_before(job)
    program = [sys.executable, "-m", "tests.jobs.killed_run", job, str(site.settings_file), moment, str(number)]
    died = subprocess.run(program, cwd=REPOSITORY, start_new_session=True, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]

    run_job(job, job_entry(job).workflow(), spark, site.settings, AS_OF)

    runs = Lake(spark, site.settings.lake.root).read("ops.runs").where(f"job = '{job}'").select("outcome").collect()
    assert sorted(run["outcome"] for run in runs) == ["interrupted", "succeeded"]
    assert_same_tables(spark, site, chain.site, sorted(chain.results[job].table_versions))


def test_running_a_job_twice_changes_nothing(chain: Chain, tmp_path: Path, spark: SparkSession) -> None:
    site = chain.site.moved_copy(tmp_path / "site", chain.states["recommend_prices"])
    for job in ("ingest", "build_features", "train_recommender", "recommend_prices"):
        run_job(job, job_entry(job).workflow(), spark, site.settings, AS_OF)
        assert_same_tables(spark, site, chain.site, sorted(chain.results[job].table_versions))
