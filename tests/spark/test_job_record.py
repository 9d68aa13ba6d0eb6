import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pricelake import __version__
from pricelake.settings import Settings, configuration_hash
from pricelake.tables import CONTRACTS, Lake
from pricelake.workflows.job import Job, run_job

AS_OF = date(2024, 1, 8)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"lake": {"root": str(tmp_path / "lake")}, "shop": "s.yaml", "rules": "r.yaml"})


def write_weather(job: Job) -> dict[str, Any]:
    frame = job.spark.createDataFrame([("m", AS_OF, 1.0, None)], CONTRACTS["bronze.weather"].schema)
    job.rows_in += 7
    job.lake.replace("bronze.weather", frame)
    return {"said": "so"}


def runs(spark: SparkSession, settings: Settings) -> list[dict[str, Any]]:
    frame = Lake(spark, settings.lake.root).read("ops.runs").orderBy("started_at")
    return [row.asDict() for row in frame.collect()]


def test_a_finished_job_is_recorded_with_versions_rows_and_hashes(spark: SparkSession, settings: Settings) -> None:
    result = run_job("ingest", write_weather, spark, settings, AS_OF)
    assert (result.rows_in, result.rows_out, result.table_versions) == (7, 1, {"bronze.weather": 1})
    assert result.summary == {"said": "so"}
    [run] = runs(spark, settings)
    assert (run["job"], run["outcome"], run["as_of_date"]) == ("ingest", "succeeded", AS_OF)
    assert run["output_versions"] == {"bronze.weather": 1}
    assert (run["rows_in"], run["rows_out"]) == (7, 1)
    assert run["finished_at"] >= run["started_at"]
    assert run["input_versions"] == {}
    assert run["settings_hash"] == configuration_hash(settings)
    assert run["code_version"].startswith(__version__)
    assert run["seconds"] == pytest.approx(result.seconds, abs=0.5)


def test_a_finished_job_is_recorded_with_the_version_of_each_table_it_read(
    spark: SparkSession, settings: Settings
) -> None:
    def read_weather(job: Job) -> dict[str, Any]:
        assert job.lake.read_if_exists("bronze.costs") is None
        return {"rows": job.lake.read("bronze.weather").count()}

    for _ in range(2):
        run_job("ingest", write_weather, spark, settings, AS_OF)
    assert run_job("build_features", read_weather, spark, settings, AS_OF).summary == {"rows": 1}
    last = runs(spark, settings)[-1]
    assert (last["job"], last["input_versions"], last["output_versions"]) == (
        "build_features",
        {"bronze.weather": 2},
        {},
    )


def test_a_failed_job_is_recorded_with_its_message_and_still_fails(spark: SparkSession, settings: Settings) -> None:
    def fail(job: Job) -> dict[str, Any]:
        raise ValueError("no sales on Mars")

    with pytest.raises(ValueError, match="no sales on Mars"):
        run_job("ingest", fail, spark, settings, AS_OF)
    [run] = runs(spark, settings)
    assert (run["outcome"], run["message"]) == ("failed", "ValueError: no sales on Mars")


def test_a_run_that_was_killed_is_found_by_the_next_one(spark: SparkSession, settings: Settings) -> None:
    run_job("ingest", write_weather, spark, settings, AS_OF)
    book = Lake(spark, settings.lake.root)
    killed = book.read("ops.runs").withColumns({"run_id": F.lit("killed-one"), "outcome": F.lit("running")})
    book.merge("ops.runs", killed)
    run_job("ingest", write_weather, spark, settings, AS_OF)
    assert {run["run_id"]: run["outcome"] for run in runs(spark, settings)}["killed-one"] == "interrupted"
    assert sorted(run["outcome"] for run in runs(spark, settings)) == ["interrupted", "succeeded", "succeeded"]


def test_jobs_that_run_at_the_same_time_are_all_recorded(spark: SparkSession, settings: Settings) -> None:
    def wait_for_all(job: Job) -> dict[str, Any]:
        barrier.wait(timeout=240)  # a busy machine takes its time over three logs
        return {}

    names = ["ingest", "build_features", "train_recommender"]
    barrier = threading.Barrier(len(names))
    with ThreadPoolExecutor(len(names)) as pool:
        running = [pool.submit(run_job, name, wait_for_all, spark, settings, AS_OF) for name in names]
        for one in running:
            one.add_done_callback(lambda ended: barrier.abort() if ended.exception() else None)
    failed = [error for error in (one.exception() for one in running) if error is not None]
    assert not failed, [f"{type(error).__name__}: {error}"[:500] for error in failed]
    assert sorted((run["job"], run["outcome"]) for run in runs(spark, settings)) == [
        (name, "succeeded") for name in sorted(names)
    ]
