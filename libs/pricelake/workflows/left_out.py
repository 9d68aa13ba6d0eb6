"""Tables that settings leave out: not written, and none of an earlier run that would look like this one's."""

from collections.abc import Sequence

from pricelake.errors import SettingsError
from pricelake.workflows.job import Job


def leave_out(job: Job, tables: Sequence[str], key: str) -> list[str]:
    """Say that a job does not write tables.

    Args:
        job: the run.
        tables: that it would write otherwise.
        key: of the setting that is off.

    Returns:
        ``tables``, for the job's summary.

    Raises:
        SettingsError: the lake holds one of an earlier run, which this one would leave standing as if it were its own.
    """
    left = [name for name in tables if job.lake.exists(name)]
    if left:
        raise SettingsError(
            f"{key} is off, but {' and '.join(left)} of an earlier run {'are' if left[1:] else 'is'} still in the "
            f"lake and would pass for this run's. Remove {', '.join(job.lake.path(name) for name in left)}, or switch "
            f"{key} on."
        )
    job.reporter.step(f"Leave out {' and '.join(tables)}: {key} is off")
    return list(tables)
