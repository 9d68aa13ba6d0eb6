"""Which code on which machine wrote a record."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from pricelake import __version__


@cache
def code_version() -> str:
    """Package version, and the git commit where the package runs from a checkout."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - git from PATH, as a person would
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return __version__
    return f"{__version__}+{found.stdout.strip()}" if found.returncode == 0 else __version__


def machine_facts() -> dict[str, Any]:
    """``cores`` (logical) and ``memory_gib`` (installed)."""
    return {"cores": psutil.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30, 1)}
