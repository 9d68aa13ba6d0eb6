"""Run one job and kill the whole process in the middle: ``python -m tests.jobs.killed_run JOB SETTINGS MOMENT``.

A moment is the number of a commit whose files are being written, ``epoch``, or the name of a file of the report.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pricelake.tables import Lake
from pricelake.training import launch
from pricelake.training.plan import RankReport, TrainingPlan
from pricelake.training.weights import CHECKPOINT
from pricelake.workflows.entry import job_main
from tests.jobs.commits import CommitPoint, counting_commits


def die(group: int = 0) -> None:
    os.killpg(group, signal.SIGKILL)


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


def die_in_an_epoch() -> None:
    """Driver and JVM die when a rank has done the first step after a checkpoint; ranks are left to find out."""
    driver = os.getpgrp()

    def train_rank(plan: TrainingPlan) -> RankReport:
        from pricelake.training.rank import train_rank
        from pricelake.training.steps import Steps

        train = Steps.train

        def train_one_step(self: Steps, *batch: Any) -> None:
            train(self, *batch)
            if (plan.checkpoints / CHECKPOINT).exists():
                with contextlib.suppress(ProcessLookupError):  # the other rank was first
                    die(driver)
                time.sleep(60)

        Steps.train = train_one_step  # type: ignore[method-assign]
        return train_rank(plan)

    launch.train_rank = train_rank


def die_with_half_of(name: str) -> None:
    """Die when half of a file that the report consists of is on disk."""
    opened = Path.open

    def open_to_die(self: Path, *how: Any, **more: Any) -> Any:
        file = opened(self, *how, **more)
        if self.name.startswith(name):
            write = file.write

            def write_half(content: Any) -> None:
                write(content[: len(content) // 2])
                file.flush()
                die()

            file.write = write_half
        return file

    Path.open = open_to_die  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    name, settings, moment = sys.argv[1:]
    if moment.isdigit():
        die_while_writing(name, int(moment))
    elif moment == "epoch":
        die_in_an_epoch()
    else:
        die_with_half_of(moment)
    sys.exit(job_main(name, ["--settings", settings]))
