"""What every job shares: a context, progress, and its row in ``ops.runs``."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Protocol

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from pricelake.settings import Settings, configuration_hash
from pricelake.settings.shop import Shop, load_shop
from pricelake.tables import Lake, contract_of
from pricelake.workflows.provenance import code_version


class Reporter(Protocol):
    """Where progress goes: a terminal, a log, nowhere."""

    def step(self, message: str) -> None:
        """Say which step begins."""

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Say how far the current step is."""


class SilentReporter:
    """Says nothing; for tests and library use."""

    def step(self, message: str) -> None:
        """Ignore."""

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Ignore."""


@dataclass
class Job:
    """What a workflow gets: session, lake, settings, as-of date, and where to report.

    Attributes:
        spark: the session.
        lake: tables, read at pinned versions; every commit names the run.
        settings: the environment's settings.
        as_of: the run sees only what was known before this day begins in the shop's time zone.
        reporter: progress.
        rows_in: rows the workflow read by its own count; it adds to it.
    """

    spark: SparkSession
    lake: Lake
    settings: Settings
    as_of: date
    reporter: Reporter = field(default_factory=SilentReporter)
    rows_in: int = 0

    @cached_property
    def shop(self) -> Shop:
        """The shop file."""
        return load_shop(self.settings.shop)


@dataclass(frozen=True)
class JobResult:
    """One finished job.

    Attributes:
        name: job name.
        seconds: wall time.
        rows_in: rows read.
        rows_out: rows written over all tables.
        table_versions: table → Delta version written.
        summary: what the workflow has to say, JSON-ready.
    """

    name: str
    seconds: float
    rows_in: int
    rows_out: int
    table_versions: dict[str, int]
    summary: dict[str, Any]


Workflow = Callable[[Job], dict[str, Any]]


def run_job(
    name: str,
    workflow: Workflow,
    spark: SparkSession,
    settings: Settings,
    as_of: date,
    reporter: Reporter | None = None,
) -> JobResult:
    """Run one workflow and record it in ``ops.runs``, whatever its outcome.

    Args:
        name: job name as in ``jobs/``.
        workflow: the function to run.
        spark: session.
        settings: environment settings.
        as_of: as-of date.
        reporter: where progress goes.

    Returns:
        the finished job.

    Raises:
        Exception: whatever the workflow raised, after it was recorded as failed.
    """
    lake = Lake(spark, settings.lake.root, run_id=f"{name}-{as_of}-{uuid.uuid4().hex[:12]}")
    job = Job(spark, lake, settings, as_of, reporter or SilentReporter())
    with _recorded(name, job) as finish:
        summary = workflow(job)
        return finish(summary)


@contextmanager
def _recorded(name: str, job: Job) -> Iterator[Callable[[dict[str, Any]], JobResult]]:
    started_at, clock = datetime.now(UTC), time.monotonic()
    _open_record(name, job, started_at)

    def finish(summary: dict[str, Any]) -> JobResult:
        seconds = time.monotonic() - clock
        journal = job.lake.journal
        versions, rows_out = dict(journal.outputs), sum(journal.rows_written.values())
        _close_record(name, job, started_at, "succeeded", seconds)
        return JobResult(name, seconds, job.rows_in, rows_out, versions, summary)

    try:
        yield finish
    except BaseException as error:
        seconds = time.monotonic() - clock
        _close_record(name, job, started_at, "failed", seconds, f"{type(error).__name__}: {error}")
        raise


def _open_record(name: str, job: Job, started_at: datetime) -> None:
    """Add the run's row as ``running``; a run of this job that still says so was killed, and is marked as such."""
    book = _book(job)
    left: list[Row] = []
    if book.exists("ops.runs"):
        runs = book.read("ops.runs").where((F.col("job") == name) & (F.col("outcome") == "running"))
        left = runs.collect()  # runs killed since this job last began, or running beside it
    book.append("ops.runs", _frame(job, [_row(name, job, started_at, "running")]))
    if left:
        book.merge("ops.runs", _frame(job, left).withColumn("outcome", F.lit("interrupted")))


def _close_record(
    name: str, job: Job, started_at: datetime, outcome: str, seconds: float, message: str | None = None
) -> None:
    """Put the outcome into the run's row."""
    _book(job).merge("ops.runs", _frame(job, [_row(name, job, started_at, outcome, seconds, message)]))


def _book(job: Job) -> Lake:
    """A lake of its own for the record, which does not count as the job's output."""
    return Lake(job.spark, job.lake.root, job.lake.journal.run_id)


def _frame(job: Job, rows: list[Row]) -> DataFrame:
    return job.spark.createDataFrame(rows, contract_of("ops.runs").schema).coalesce(1)


def _row(
    name: str, job: Job, started_at: datetime, outcome: str, seconds: float | None = None, message: str | None = None
) -> Row:
    journal = job.lake.journal
    return Row(
        run_id=journal.run_id,
        job=name,
        as_of_date=job.as_of,
        outcome=outcome,
        message=message[:2000] if message else None,
        settings_hash=configuration_hash(job.settings),
        code_version=code_version(),
        started_at=started_at,
        finished_at=None if outcome == "running" else datetime.now(UTC),
        seconds=seconds,
        input_versions=dict(journal.inputs_read),
        output_versions=dict(journal.outputs),
        rows_in=job.rows_in,
        rows_out=sum(journal.rows_written.values()),
    )
