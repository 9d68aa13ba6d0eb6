"""A job killed anywhere and run again leaves the tables of an undisturbed run: nothing doubled, nothing half."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pricelake.tables import CONTRACTS, Lake
from pricelake.tracking import CHAMPION, Registry
from pricelake.training.weights import load_checkpoint
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import run_job
from tests.jobs.commits import COMMIT_POINTS, CommitPoint
from tests.jobs.conftest import REPOSITORY, Chain, Site
from tests.jobs.submitted import SHORT_LIVED, submit
from tests.rank_processes import is_running, pid_of
from tests.tiny_shop import AS_OF

# what differs between two runs by nature: generated ids, and the number of a table version with the same rows
VOLATILE = {"model_version", "panel_version"}


def content(spark: SparkSession, site: Site, name: str) -> Counter[str]:
    """Rows as JSON, with how often each occurs."""
    columns = ", ".join(c for c in CONTRACTS[name].column_names if c not in VOLATILE)
    rows = Lake(spark, site.settings.lake.root).read(name).selectExpr(f"to_json(struct({columns}))").collect()
    return Counter(row[0] for row in rows)


@pytest.fixture(scope="session")
def wanted(chain: Chain, spark: SparkSession) -> dict[str, Counter[str]]:
    """Every table of the undisturbed run."""
    tables = {name for result in chain.results.values() for name in result.table_versions}
    return {name: content(spark, chain.site, name) for name in tables}


def assert_same_tables(spark: SparkSession, site: Site, wanted: dict[str, Counter[str]], names: Iterable[str]) -> None:
    for name in names:
        found = content(spark, site, name)
        assert found.total() > 0, name
        assert found == wanted[name], name


def champion(site: Site) -> int:
    version = Registry(site.settings.tracking).version_by_alias(site.settings.tracking.model_name, CHAMPION)
    assert version is not None
    return int(version.version)


def run_again(chain: Chain, spark: SparkSession, site: Site, job: str, wanted: dict[str, Counter[str]]) -> None:
    run_job(job, job_entry(job).workflow(), spark, site.settings, AS_OF)
    assert_made_good(chain, spark, site, job, wanted)


def submit_again(chain: Chain, spark: SparkSession, site: Site, job: str, wanted: dict[str, Counter[str]]) -> None:
    """By ``spark-submit``, as a scheduler would."""
    done = submit(job, "--settings", str(site.settings_file), "--as-of", AS_OF.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{job} finished" in done.stdout
    assert "Traceback" not in done.stdout
    assert_made_good(chain, spark, site, job, wanted)


def assert_made_good(chain: Chain, spark: SparkSession, site: Site, job: str, wanted: dict[str, Counter[str]]) -> None:
    runs = Lake(spark, site.settings.lake.root).read("ops.runs").where(f"job = '{job}'")
    ended = Counter((run["outcome"], run["as_of_date"]) for run in runs.select("outcome", "as_of_date").collect())
    assert ended == {("interrupted", AS_OF): 1, ("succeeded", AS_OF): 1}
    assert_same_tables(spark, site, wanted, chain.results[job].table_versions)
    if job == "train_demand":
        assert champion(site) == champion(chain.site) == 1


def checkpoints(site: Site) -> Path:
    return Path(site.settings.training.directory) / "demand" / "checkpoints"


@pytest.mark.parametrize("point", COMMIT_POINTS, ids=lambda point: "-".join(map(str, point)))
def test_what_a_kill_between_commits_leaves_is_made_good(
    chain: Chain, wanted: dict[str, Counter[str]], tmp_path: Path, spark: SparkSession, point: CommitPoint
) -> None:
    """The files as they were at that moment, which is what kill -9 leaves."""
    site = chain.site.moved_copy(tmp_path / "site", chain.at_commits[point])
    trained = load_checkpoint(checkpoints(site))
    run_again(chain, spark, site, point[0], wanted)
    if trained is not None:
        again = load_checkpoint(checkpoints(site))
        assert again is not None
        assert again.history == trained.history, "trained again, for its seconds differ"


@pytest.mark.parametrize(("job", "number"), [("ingest", 2), ("recommend_prices", 2)], ids=["merge", "replace"])
def test_killed_while_writing_and_submitted_again(
    chain: Chain,
    wanted: dict[str, Counter[str]],
    site_before: Callable[[str], Site],
    spark: SparkSession,
    job: str,
    number: int,
) -> None:
    """A real kill -9 of driver and JVM, while data files lie beside a log that does not know them.

    Once for each way of writing; what other jobs leave is above.
    """
    site = site_before(job)
    kill_in(site, job, str(number))
    submit_again(chain, spark, site, job, wanted)


def kill_in(site: Site, job: str, moment: str) -> None:
    program = [sys.executable, "-m", "tests.jobs.killed_run", job, str(site.settings_file), moment]
    environment = os.environ | SHORT_LIVED
    died = subprocess.run(
        program, cwd=REPOSITORY, env=environment, start_new_session=True, capture_output=True, text=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def test_killed_in_an_epoch_training_goes_on_from_the_one_before(
    chain: Chain, wanted: dict[str, Counter[str]], site_before: Callable[[str], Site], spark: SparkSession
) -> None:
    site = site_before("train_demand")
    kill_in(site, "train_demand", "epoch")
    directory = checkpoints(site)
    ranks, deadline = [pid_of(directory, rank) for rank in (0, 1)], time.monotonic() + 15
    while any(map(is_running, ranks)):
        assert time.monotonic() < deadline, "ranks outlive the driver"
        time.sleep(0.1)
    kept = load_checkpoint(directory)
    assert kept is not None
    assert (kept.epoch, kept.finished) == (1, False)
    assert kept.history[0]["steps"] > 1
    submit_again(chain, spark, site, "train_demand", wanted)
    ended = load_checkpoint(directory)
    assert ended is not None
    assert (ended.epoch, ended.finished) == (4, True)
    assert ended.history[0] == kept.history[0], "trained again, for its seconds differ"


def test_killed_with_half_a_file_of_the_report_the_old_one_stays_until_the_next_run(
    chain: Chain, wanted: dict[str, Counter[str]], site_before: Callable[[str], Site], spark: SparkSession
) -> None:
    site = site_before("write_report")
    files = [site.folder / name for name in ("report-prices.csv", "report.html")]
    for file in files:
        file.write_text("the old one")
    last = files[-1]
    kill_in(site, "write_report", last.name)
    assert last.read_text() == "the old one"
    half = last.with_name(f"{last.name}.part").read_bytes()
    assert 0 < len(half) < file_of(chain, last.name).stat().st_size
    assert file_of(chain, last.name).read_bytes().startswith(half)
    submit_again(chain, spark, site, "write_report", wanted)
    for file in files:
        assert file.read_bytes() == file_of(chain, file.name).read_bytes()
        assert not file.with_name(f"{file.name}.part").exists()


def file_of(chain: Chain, name: str) -> Path:
    return chain.site.folder / name


def test_running_a_job_twice_changes_nothing(
    chain: Chain, wanted: dict[str, Counter[str]], tmp_path: Path, spark: SparkSession
) -> None:
    site = chain.site.moved_copy(tmp_path / "site", chain.states["recommend_prices"])
    for job in ("ingest", "build_features", "train_recommender", "train_demand", "recommend_prices"):
        run_job(job, job_entry(job).workflow(), spark, site.settings, AS_OF)
        assert_same_tables(spark, site, wanted, chain.results[job].table_versions)
