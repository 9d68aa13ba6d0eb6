"""Classes that a user brings in a file: contenders and markets of the scoreboard."""

import ast
import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from pricelake.errors import SettingsError


def create(reference: str, needed: tuple[str, ...], *or_else: tuple[str, ...]) -> Any:
    """An object of a user's class, made without arguments.

    Args:
        reference: ``file.py:Name``; the file may import its neighbours, at any time, and whatever is installed.
        needed: names of which the object must have all.
        *or_else: other names that do as well, all of one tuple.

    Raises:
        SettingsError: the file or the class is not there, cannot be made, or lacks what is needed; or a neighbour that
            it imports bears a name that is taken.
    """
    path, name = _file(reference), reference.rpartition(":")[2]
    try:
        _refuse_taken_names(reference, path)
        module = _load(path)
        if not hasattr(module, name):
            known = ", ".join(_classes(module)) or "none"
            raise SettingsError(f"{reference}: {path} has no class '{name}'. It has: {known}.")
        made = getattr(module, name)()
        lacking = [[one for one in names if not hasattr(made, one)] for names in (needed, *or_else)]
    except SettingsError:
        raise
    except Exception as error:  # a stranger's code may raise anything; it is said with its place
        told = f"{type(error).__name__}: {error}{_place(error, path)}"
        raise SettingsError(f"{reference} cannot be made: {told}.") from error
    if all(lacking):
        told = "; or else ".join(", ".join(names) for names in lacking)
        raise SettingsError(f"{reference} lacks {told}. See docs/scoreboard.md for what is needed.")
    return made


def content_hash(reference: str) -> str:
    """Sixteen hex digits that change when a user's file changes, or a neighbour that it imports.

    Args:
        reference: ``file.py:Name``, as :func:`create` takes it.

    Raises:
        SettingsError: the file is not there.
    """
    path = _file(reference)
    digest = hashlib.sha256()
    for file in (path, *(file for one in _neighbours(path).values() for file in _files(one))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _file(reference: str) -> Path:
    path = Path(reference.rpartition(":")[0])
    if not path.is_file():
        raise SettingsError(f"{reference}: there is no file {path.absolute()}.")
    return path.resolve()


def _load(path: Path) -> ModuleType:
    """The file as a module; its folder stays last on the path, for imports that come later and to hide nothing."""
    name = f"pricelake_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{path} is no Python file.")
    module, folder = importlib.util.module_from_spec(spec), str(path.parent)
    is_new = folder not in sys.path
    if is_new:
        sys.path.append(folder)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:  # whatever it was, nothing of a module that is not whole stays
        del sys.modules[name]
        if is_new:
            sys.path.remove(folder)
        raise
    return module


def _refuse_taken_names(reference: str, path: Path) -> None:
    """Python knows one module of a name: a neighbour that is not it would silently be another file."""
    for name, neighbour in _neighbours(path).items():
        other = _found(name)
        if other not in (None, str(neighbour)):
            raise SettingsError(
                f"{reference} imports its neighbour {neighbour}, but the name '{name}' is taken by {other}, which "
                "Python would import in its place. Rename the neighbour, or bring both in one folder."
            )


def _found(name: str) -> str | None:
    """Where a module of a name comes from, as things are; None: there is none."""
    if name in sys.modules:
        place = getattr(sys.modules[name], "__file__", None) or "Python itself"
    else:
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        place = spec.origin or "a folder without __init__.py"
    return str(Path(place).resolve()) if Path(place).is_file() else place


def _neighbours(path: Path) -> dict[str, Path]:
    """Modules and packages beside a file that it or one of them imports anywhere, by name."""
    found: dict[str, Path] = {}
    unread = [path]
    while unread:
        for name in _imports(unread.pop()):
            module, package = path.parent / f"{name}.py", path.parent / name / "__init__.py"
            place = next((one for one in (package, module) if one.is_file()), None)
            if place is not None and place != path and name not in found:
                found[name] = place.resolve()
                unread += _files(place)
    return dict(sorted(found.items()))


def _files(module: Path) -> list[Path]:
    """All files of a module or package."""
    return sorted(module.parent.rglob("*.py")) if module.name == "__init__.py" else [module]


def _imports(path: Path) -> list[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            names |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return sorted(names)


def _classes(module: ModuleType) -> list[str]:
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    return [one.__name__ for one in own]


def _place(error: Exception, path: Path) -> str:
    """The last line of the user's file or of those beside it that an error went through."""
    own = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).parent == path.parent]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
