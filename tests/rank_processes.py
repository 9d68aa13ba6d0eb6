"""The processes of a training's ranks, by what they left in its folder."""

import json
from pathlib import Path

import psutil


def pid_of(directory: Path, rank: int) -> int:
    return int(json.loads((directory / "logs" / f"rank-{rank}.json").read_text())["pid"])


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
