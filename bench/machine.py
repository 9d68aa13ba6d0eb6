"""What the machine is that the figures come from."""

import platform
from typing import Any

from pricelake.workflows import provenance


def machine_facts() -> dict[str, Any]:
    """``cores``, ``memory_gib``, and ``python`` and ``kernel`` (versions)."""
    return provenance.machine_facts() | {
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release().split('.')[0]}",
    }
