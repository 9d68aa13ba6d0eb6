"""Spark's jars: resolved once through Ivy, kept in a cache, put beside Spark's own.

``PRICELAKE_JARS``, or the setting ``spark.jars_directory`` where the variable is not set, names a directory of jars for
sites without Maven access. Set-up reads no settings and knows the variable alone. Otherwise they are kept under
``PRICELAKE_CACHE`` (default ``~/.cache/pricelake``), in a directory named after the versions. Set-up copies them into
the jar directory of the installed PySpark, so that ``spark-submit``, notebooks and the command line all find them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib import util
from importlib.metadata import version
from pathlib import Path

from pricelake.errors import MachineError
from pricelake.java import use_java

POSTGRESQL_DRIVER = "42.7.4"
FETCH = """
import sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
builder.config("spark.jars.packages", sys.argv[1]).config("spark.jars.ivy", sys.argv[2]).getOrCreate().stop()
"""
DELTA = ("delta-spark_2.12", "delta-storage")


def packages() -> list[str]:
    """Maven coordinates of what Spark needs beside itself, Delta's in the version of the Python package."""
    delta = version("delta-spark")
    return [f"io.delta:delta-spark_2.12:{delta}", f"org.postgresql:postgresql:{POSTGRESQL_DRIVER}"]


def spark_jars_directory() -> Path:
    """The jar directory of the installed PySpark."""
    spec = util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise MachineError("pyspark is not installed. Run 'make repair'.")
    return Path(spec.origin).parent / "jars"


def cache_directory() -> Path:
    """Where the jars of these versions are kept when ``PRICELAKE_JARS`` is not set."""
    cache = Path(os.environ.get("PRICELAKE_CACHE") or Path.home() / ".cache" / "pricelake")
    return cache / "jars" / f"delta-{version('delta-spark')}-postgresql-{POSTGRESQL_DRIVER}"


def needed() -> list[str]:
    """What the names of the jars contain: Delta's in the version of the Python package, any PostgreSQL driver."""
    return [*(f"{name}-{version('delta-spark')}" for name in DELTA), "postgresql"]


def missing(directory: Path) -> list[str]:
    """Names of needed jars that ``directory`` does not hold."""
    held = [file.name for file in directory.glob("*.jar")]
    return [jar for jar in needed() if not any(jar in name for name in held)]


def outdated(directory: Path) -> list[Path]:
    """Delta's jars in another version than the Python package's; which of two versions Spark loads is luck."""
    held = [file for name in DELTA for file in directory.glob(f"*{name}-*.jar")]
    return sorted(file for file in held if not any(jar in file.name for jar in needed()))


def jars_to_add(setting: Path | None = None) -> list[Path]:
    """The jars a new session must be given: none where they already lie beside Spark's own.

    Args:
        setting: ``spark.jars_directory``; ``PRICELAKE_JARS`` wins over it.

    Raises:
        MachineError: they are neither there, nor in the named directory, nor in the cache, or others lie there.
    """
    beside = spark_jars_directory()
    strangers = ", ".join(file.name for file in outdated(beside))
    if strangers:
        raise MachineError(
            f"Beside Spark's own jars ({beside}) lie {strangers}, but delta-spark is {version('delta-spark')}. "
            f"Run 'make repair'."
        )
    variable = os.environ.get("PRICELAKE_JARS")
    if not variable and setting is None and not missing(beside):
        return []
    if variable:
        directory, origin = Path(variable), "PRICELAKE_JARS"
    elif setting is not None:
        directory, origin = setting, "spark.jars_directory"
    else:
        directory, origin = cache_directory(), "the jar cache"
    _refuse_incomplete(directory, origin)
    return [] if not missing(beside) else sorted(directory.glob("*.jar"))


def _refuse_incomplete(directory: Path, origin: str) -> None:
    lacking = missing(directory)
    if lacking:
        raise MachineError(
            f"{origin} ({directory}) lacks {', '.join(lacking)}: Spark cannot open Delta tables without them. "
            f"Run 'make repair', or put the jars of {', '.join(packages())} into a directory named in PRICELAKE_JARS "
            f"or spark.jars_directory."
        )


def resolve() -> Path:
    """Download the jars through Spark's Ivy resolver unless the cache holds them; return their directory.

    Raises:
        MachineError: Ivy could not fetch them.
    """
    directory = cache_directory()
    if not missing(directory):
        return directory
    use_java()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pricelake-ivy-") as ivy:
        program = [sys.executable, "-c", FETCH, ",".join(packages()), ivy]
        done = subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
        if missing(Path(ivy) / "jars"):
            said = [
                line.strip() for line in done.stderr.splitlines() if "unresolved dependency" in line or "rror" in line
            ]
            raise MachineError(
                f"Spark could not fetch {', '.join(packages())}: {(said or ['no message'])[0][:200]}. "
                "Check the way to Maven Central, or put the jars into a directory and name it in PRICELAKE_JARS."
            )
        part = Path(tempfile.mkdtemp(dir=directory.parent))
        for jar in (Path(ivy) / "jars").glob("*.jar"):
            shutil.copy2(jar, part / jar.name)
        part.chmod(0o755)
        shutil.rmtree(directory, ignore_errors=True)
        part.rename(directory)
    return directory


def put_beside_spark() -> Path:
    """Copy the jars into PySpark's jar directory in place of those of another Delta; return that directory.

    Raises:
        MachineError: the jars cannot be had.
    """
    named, target = os.environ.get("PRICELAKE_JARS"), spark_jars_directory()
    if missing(target) or outdated(target):
        source = Path(named) if named else resolve()
        _refuse_incomplete(source, "PRICELAKE_JARS" if named else "the jar cache")
        for jar in outdated(target):
            jar.unlink()
        for jar in source.glob("*.jar"):
            plain = jar.name.split("_", 1)[1] if jar.name.startswith(("io.delta_", "org.")) else jar.name
            if not (target / plain).exists():
                shutil.copy2(jar, target / plain)
    return target


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{put_beside_spark()}\n")
    except MachineError as problem:
        sys.stderr.write(f"{problem}\n")
        raise SystemExit(1) from None
