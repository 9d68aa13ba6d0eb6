"""Contenders and markets that a user brings in a file."""

from pathlib import Path

import pytest

from pricelake.errors import SettingsError
from pricelake.workflows.own_code import create

CONTENDER = """
from neighbour import RATE

class Mine:
    name = "mine"

    def propose(self, history, feasible):
        return feasible.nearest(history.price_now * RATE)

class Nothing:
    pass

class Stubborn:
    def __init__(self):
        raise ValueError("not today")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("RATE = 1.05\n")
    path = tmp_path / "mine.py"
    path.write_text(CONTENDER)
    return path


def test_a_class_of_ones_own_is_made_and_may_import_its_neighbours(file: Path) -> None:
    made = create(f"{file}:Mine", ("units", "propose"))
    assert made.name == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Yours", "has no attribute 'Yours'"),
        ("Nothing", "has none of units, propose: see docs/scoreboard.md"),
        ("Stubborn", "cannot be made: ValueError: not today"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(file: Path, name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        create(f"{file}:{name}", ("units", "propose"))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no file"):
        create(f"{tmp_path}/none.py:Mine", ("units",))


def test_a_file_with_a_fault_is_said(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text("def (\n")
    with pytest.raises(SettingsError, match="cannot be made: SyntaxError"):
        create(f"{tmp_path}/faulty.py:Mine", ("units",))
