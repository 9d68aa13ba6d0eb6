"""Run one job and kill the whole process before or after one of its commits: ``python -m tests.jobs.killed_run``."""

import os
import signal
import sys
from collections.abc import Callable

from pricelake.tables import Lake
from pricelake.workflows.entry import job_main


def kill_at(moment: str, number: int) -> None:
    """Make the process kill itself ``before`` or ``after`` the commit with that number, counted from 1."""
    commit = Lake._commit
    seen = 0

    def counted(self: Lake, name: str, write: Callable[[], object]) -> int:
        nonlocal seen
        if name == "ops.runs":
            return commit(self, name, write)
        seen += 1
        if seen == number and moment == "before":
            os.killpg(0, signal.SIGKILL)
        rows = commit(self, name, write)
        if seen == number and moment == "after":
            os.killpg(0, signal.SIGKILL)
        return rows

    Lake._commit = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    job, settings, when, which = sys.argv[1:]
    kill_at(when, int(which))
    sys.exit(job_main(job, ["--settings", settings]))
