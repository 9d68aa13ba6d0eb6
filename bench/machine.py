"""What the machine is that the figures come from."""

import os
import platform
from typing import Any

import psutil


def machine_facts() -> dict[str, Any]:
    """``cores`` (logical), ``memory_gib`` (installed), ``python`` and ``kernel`` (versions)."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release()}",
    }
