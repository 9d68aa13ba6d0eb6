"""Classes that a user brings in a file: contenders and markets of the scoreboard."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from pricelake.errors import SettingsError


def create(reference: str, needed: tuple[str, ...]) -> Any:
    """An object of a user's class, made without arguments.

    Args:
        reference: ``file.py:Name``; the file may import its neighbours and whatever is installed.
        needed: names of which the object must have at least one.

    Raises:
        SettingsError: the file or the class is not there, cannot be made, or lacks what is needed.
    """
    place, _, name = reference.rpartition(":")
    path = Path(place)
    if not path.is_file():
        raise SettingsError(f"{reference}: there is no file {path.absolute()}.")
    module_name = f"pricelake_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{reference}: {path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(path.absolute().parent))
    try:
        spec.loader.exec_module(module)
        made = getattr(module, name)()
    except AttributeError as error:
        raise SettingsError(f"{reference}: {error}.") from error
    except Exception as error:
        raise SettingsError(f"{reference} cannot be made: {type(error).__name__}: {error}.") from error
    finally:
        sys.path.remove(str(path.absolute().parent))
    if not any(hasattr(made, one) for one in needed):
        raise SettingsError(f"{reference} has none of {', '.join(needed)}: see docs/scoreboard.md for what is needed.")
    return made
