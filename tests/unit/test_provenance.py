"""The version of the code that a record names."""

import subprocess
from pathlib import Path

import pytest

from pricelake import __version__
from pricelake.workflows import provenance
from pricelake.workflows.provenance import version_at

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit; the code lies in a folder below its root."""
    code = tmp_path / "libs"
    code.mkdir()
    (code / "code.py").write_text("x = 1\n")
    (tmp_path / "settings.yaml").write_text("a: 1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_code_in_a_commit_is_named_by_it_and_what_is_in_none_is_dirty(checkout: Path) -> None:
    code, commit = checkout / "libs", git(checkout, "rev-parse", "--short=12", "HEAD")
    clean = f"{__version__}+{commit}"
    assert version_at(code) == clean
    (checkout / "notes.txt").write_text("not tracked")
    assert version_at(code) == clean
    (checkout / "settings.yaml").write_text("a: 2\n")
    assert version_at(code) == f"{clean}-dirty"
    git(checkout, "add", ".")
    assert version_at(code) == f"{clean}-dirty"
    git(checkout, "commit", "--quiet", "-m", "second")
    assert version_at(code) not in (clean, f"{clean}-dirty")
    assert not version_at(code).endswith("-dirty")


def test_without_a_checkout_or_git_the_version_is_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert version_at(tmp_path) == __version__
    monkeypatch.setenv("PATH", str(tmp_path))
    assert version_at(Path(__file__).parent) == __version__


def test_code_of_which_git_does_not_say_whether_it_changed_counts_as_dirty(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = provenance._git
    monkeypatch.setattr(provenance, "_git", lambda *words: None if "status" in words else asked(*words))
    assert version_at(checkout).endswith("-dirty")
