"""Run one job and kill the whole process while it writes: ``python -m tests.jobs.killed_run JOB SETTINGS NUMBER``."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from pricelake.tables import Lake
from pricelake.workflows.entry import job_main
from tests.jobs.commits import CommitPoint, counting_commits


def die() -> None:
    os.killpg(0, signal.SIGKILL)


def die_while_writing(job: str, number: int) -> None:
    """Die as soon as the commit with that number has put a data file beside its table's log, at the latest after it."""

    def watch(folder: Path, before: int) -> None:
        while len(list(folder.rglob("*.parquet"))) <= before:
            time.sleep(0.001)
        die()

    def at(point: CommitPoint, lake: Lake, name: str) -> None:
        if point == (job, "before", number):
            folder = Path(lake.path(name))
            before = len(list(folder.rglob("*.parquet")))
            threading.Thread(target=watch, args=(folder, before), daemon=True).start()
        elif point == (job, "after", number):
            die()

    Lake._commit = counting_commits(job, at)  # type: ignore[method-assign]


if __name__ == "__main__":
    name, settings, which = sys.argv[1:]
    die_while_writing(name, int(which))
    sys.exit(job_main(name, ["--settings", settings]))
