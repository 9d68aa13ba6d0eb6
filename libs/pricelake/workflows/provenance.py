"""Which code on which machine wrote a record."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from pricelake import __version__

DIRTY = "-dirty"
"""Ends the version of code that is in no commit."""


@cache
def code_version() -> str:
    """Package version, and the git commit where the package runs from a checkout.

    ``-dirty`` follows the commit where tracked files differ from it, or git does not say whether they do. As it was
    when first asked: a process runs the code that it read.
    """
    return version_at(Path(__file__).resolve().parent)


def version_at(folder: Path) -> str:
    """:func:`code_version` of code in a folder, as it is now."""
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return __version__
    changes = _git(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return f"{__version__}+{commit}{'' if changes == '' else DIRTY}"


def machine_facts() -> dict[str, Any]:
    """``cores`` (logical) and ``memory_gib`` (installed)."""
    return {"cores": psutil.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30, 1)}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it is not installed, refuses or takes too long."""
    try:
        found = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git from PATH, as a person would
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
