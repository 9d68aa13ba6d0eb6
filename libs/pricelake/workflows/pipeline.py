"""All jobs of a nightly run, one after another, and the record they leave."""

import json
import math
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pricelake.session import build_session
from pricelake.settings import Settings
from pricelake.workflows.catalogue import JOBS
from pricelake.workflows.job import JobResult, Reporter, run_job
from pricelake.workflows.provenance import code_version, machine_facts
from pricelake.workflows.whole_file import whole_file


def run_all(
    settings: Settings, as_of: date, reporter: Reporter, on_job: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """Run every job in order in one session; stop at the first that fails.

    Args:
        settings: environment settings.
        as_of: as-of date.
        reporter: progress within a job.
        on_job: called with (job name, its number from 1, number of jobs) before each job.

    Returns:
        the run record (see :func:`run_record`).
    """
    clock = time.monotonic()
    spark = build_session(settings.spark, "pricelake run")
    results: list[JobResult] = []
    for number, entry in enumerate(JOBS, start=1):
        if on_job is not None:
            on_job(entry.name, number, len(JOBS))
        results.append(run_job(entry.name, entry.workflow(), spark, settings, as_of, reporter))
    return run_record(results, time.monotonic() - clock)


def run_record(results: list[JobResult], total_seconds: float) -> dict[str, Any]:
    """What ``--json`` writes: jobs, ranks, metrics, recommendations with the report's headline, quarantine, seconds.

    Args:
        results: of the jobs, in order.
        total_seconds: of the whole run.
    """
    said = {result.name: result.summary for result in results}
    demand = said.get("train_demand", {})
    return {
        "jobs": [
            {
                "name": result.name,
                "seconds": round(result.seconds, 2),
                "rows_in": result.rows_in,
                "rows_out": result.rows_out,
                "table_versions": result.table_versions,
            }
            for result in results
        ],
        "ranks": demand.get("ranks", []),
        "recommender": said.get("train_recommender", {}),
        "demand": demand.get("demand", {}),
        "recommendations": said.get("recommend_prices", {}).get("recommendations", {})
        | said.get("write_report", {}).get("headline", {}),
        "quarantined_rows": said.get("ingest", {}).get("quarantined_rows", 0),
        "total_seconds": round(total_seconds, 2),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": code_version(),
        "machine": machine_facts(),
        "summaries": said,
    }


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write the record as JSON, whole or not at all; figures that could not be worked out (NaN) are null."""
    with whole_file(path) as file:
        file.write(json.dumps(_finite(record), indent=2, sort_keys=False, default=str, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
