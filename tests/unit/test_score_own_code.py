"""Contenders and markets that a user brings in a file."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pricelake.errors import SettingsError
from pricelake.workflows.own_code import content_hash, create

CONTENDER = """
from own_neighbour import RATE

class Mine:
    name = "mine"

    def propose(self, history, feasible):
        return feasible.nearest(history.price_now * RATE)

class Model:
    name = "model"

    def fit(self, history):
        from own_later import ANSWER
        return ANSWER

    def units(self, prices):
        return prices

class Nothing:
    pass

class Unfitted:
    name = "unfitted"

    def units(self, prices):
        return prices

class Stubborn:
    def __init__(self):
        raise ValueError("not today")

class Forgetful:
    def __init__(self):
        self.rate = None.rate

class Sly:
    name = "sly"

    @property
    def propose(self):
        raise KeyError("where")
"""
WAYS = (("name", "propose"), ("name", "fit", "units"))


@pytest.fixture(autouse=True)
def _python_forgets() -> Iterator[None]:
    """Folders and modules that a test brought are gone after it."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("own_", "pricelake_own_")):
            del sys.modules[name]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "own_neighbour.py").write_text("RATE = 1.05\n")
    (tmp_path / "own_later.py").write_text("ANSWER = 42\n")
    path = tmp_path / "mine.py"
    path.write_text(CONTENDER)
    return path


def test_a_class_of_ones_own_is_made_and_may_import_its_neighbours_also_later(file: Path) -> None:
    assert create(f"{file}:Mine", *WAYS).name == "mine"
    assert create(f"{file}:Model", *WAYS).fit(None) == 42


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Yours", "mine.py has no class 'Yours'. It has: Mine, Model, Nothing, Unfitted, Stubborn, Forgetful, Sly."),
        (
            "Nothing",
            "Nothing lacks name, propose; or else name, fit, units. See docs/scoreboard.md for what is needed.",
        ),
        ("Unfitted", "Unfitted lacks propose; or else fit. See docs/scoreboard.md"),
        ("Stubborn", "cannot be made: ValueError: not today (FILE, line 31)."),
        ("Forgetful", "cannot be made: AttributeError: 'NoneType' object has no attribute 'rate' (FILE, line 35)."),
        ("Sly", "cannot be made: KeyError: 'where' (FILE, line 42)."),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(file: Path, name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message.replace("FILE", str(file)))):
        create(f"{file}:{name}", *WAYS)


def test_all_that_is_needed_is_needed(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"Mine lacks shop, offers\. See"):
        create(f"{file}:Mine", ("name", "shop", "propose", "offers"))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no file"):
        create(f"{tmp_path}/none.py:Mine", ("units",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (\n", r"cannot be made: SyntaxError: .*\(faulty.py, line 1\)"),
        ("import own_neighbour\nimport own_absent\n", r"ModuleNotFoundError: No module named 'own_absent' .*line 2"),
    ],
)
def test_a_file_with_a_fault_is_said_and_leaves_nothing_behind(file: Path, text: str, message: str) -> None:
    faulty = file.with_name("faulty.py")
    faulty.write_text(text)
    before = list(sys.path)
    with pytest.raises(SettingsError, match=message):
        create(f"{faulty}:Mine", ("units",))
    assert not [name for name in sys.modules if name.startswith("pricelake_own_faulty")]
    assert sys.path == before


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    made = []
    for folder in ("a", "b"):
        path = tmp_path / folder / "mine.py"
        path.parent.mkdir()
        path.write_text(f"FOLDER = '{folder}'\n\nclass Mine:\n    def where(self):\n        return FOLDER\n")
        made.append(create(f"{path}:Mine", ("where",)))
    assert [one.where() for one in made] == ["a", "b"]
    modules = [sys.modules[type(one).__module__] for one in made]
    assert [module.FOLDER for module in modules] == ["a", "b"]


@pytest.mark.parametrize("indent", ["", "    def fit(self):\n        "])
def test_a_neighbour_is_never_silently_another_file(tmp_path: Path, indent: str) -> None:
    for folder in ("a", "b"):
        path = tmp_path / folder / f"own_{folder}.py"
        path.parent.mkdir()
        (path.parent / "own_same.py").write_text(f"FOLDER = '{folder}'\n")
        (path.parent / "own_unused.py").touch()
        path.write_text(f"class Mine:\n    x = 1\n{indent}import own_same\n")
    create(f"{tmp_path}/a/own_a.py:Mine", ("x",))
    taken = tmp_path / "a/own_same.py"
    with pytest.raises(
        SettingsError, match=f"the name 'own_same' is taken by {re.escape(str(taken))}, which Python would"
    ):
        create(f"{tmp_path}/b/own_b.py:Mine", ("x",))
    # its own folder's is no other
    create(f"{tmp_path}/a/own_a.py:Mine", ("x",))


def test_a_neighbour_that_is_called_like_a_library_is_refused_and_hides_it_from_nobody(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import numpy\n\nclass Mine:\n    x = numpy.pi\n")
    create(f"{path}:Mine", ("x",))
    (tmp_path / "numpy.py").write_text("pi = 3\n")
    with pytest.raises(SettingsError, match=r"neighbour .*numpy.py, but the name 'numpy' is taken by .*__init__.py"):
        create(f"{path}:Mine", ("x",))
    # a file may well be called like the library that it uses
    own = tmp_path / "yaml.py"
    own.write_text("import yaml\n\nclass Mine:\n    loaded = yaml.safe_load('3')\n")
    assert create(f"{own}:Mine", ("loaded",)).loaded == 3
    assert sys.path[-1] == str(tmp_path)


def test_the_content_of_a_file_and_of_what_it_imports_of_its_neighbours_has_a_hash(file: Path) -> None:
    found = [content_hash(f"{file}:Mine")]
    assert content_hash(f"{file}:Model") == found[0]
    (file.parent / "stranger.py").write_text("x = 1\n")
    assert content_hash(f"{file}:Mine") == found[0]
    package = file.parent / "own_package"
    package.mkdir()
    for change in (file, file.parent / "own_later.py", package / "__init__.py", package / "deep.py"):
        with change.open("a") as opened:
            opened.write("import own_package\n")
        found.append(content_hash(f"{file}:Mine"))
    assert len(set(found)) == len(found)
