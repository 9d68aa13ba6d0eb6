"""What a fit takes: wall time and memory of the process and its children."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

SECONDS_BETWEEN = 0.1
MEGABYTE = 1e6


@dataclass(frozen=True)
class Effort:
    """What a fit took: the call of ``fit`` alone, not the prices or units asked for afterwards.

    PriceLake's is that of three whole jobs and therefore more than a fit: ALS and its recommendations, training with
    its held-out judging, drawing curves and pricing, and the tables that all of them write.

    Attributes:
        seconds: of wall time.
        peak_memory_mb: by how much resident memory of this process and all below it rose during the work, in MB
            (10**6 bytes): its highest sum less that before, 0 where it never rose. Below it are training ranks, Spark's
            Python workers, and Spark's JVM where Python started it (under ``spark-submit`` the JVM is above).

            It is growth and no footprint. What is there already is not in it: libraries imported before, Spark's heap,
            and memory that earlier work freed and the process kept. The same fit reads lower after another one than
            in a process of its own, and whoever comes first pays for what all use. Pages that several processes share
            are counted once for each. It is looked at every tenth of a second, so that a shorter peak may be missed.
    """

    seconds: float
    peak_memory_mb: float


def attempted(work: Callable[[], None]) -> tuple[Effort, Exception | None]:
    """Do some work that may fail; what it took, up to the failure where it failed, and the failure."""
    raised: list[Exception] = []

    def attempt() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - Spark, TensorFlow or a stranger's code may raise anything; it counts
            raised.append(error)

    return measured(attempt), raised[0] if raised else None


def measured(work: Callable[[], None]) -> Effort:
    """Do some work and say what it took; an error of the work passes through."""
    process, done = psutil.Process(), threading.Event()
    before = _resident(process)
    highest = [before]

    def watch() -> None:
        while not done.wait(SECONDS_BETWEEN):
            highest[0] = max(highest[0], _resident(process))

    watcher = threading.Thread(target=watch, daemon=True)
    started = time.monotonic()
    watcher.start()
    try:
        work()
    finally:
        seconds = time.monotonic() - started
        done.set()
        watcher.join()
    return Effort(seconds, max(0.0, max(highest[0], _resident(process)) - before) / MEGABYTE)


def _resident(process: psutil.Process) -> float:
    """Bytes in memory of a process and all below it; a child that ends meanwhile counts no more."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return float(total)
