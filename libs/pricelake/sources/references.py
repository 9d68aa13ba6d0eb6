"""Paths into Python packages and values by reference; a value taken by reference never shows in a message."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pricelake.errors import SourceError

SECRET_OPTIONS = ("password", "pwd", "secret", "token", "accesskey", "secretkey")
HIDDEN = "***"


@dataclass(frozen=True)
class ResolvedOptions:
    """Reader options with references replaced.

    Attributes:
        values: option → value for the reader.
        secrets: the values that came by reference, for :func:`hide`.
    """

    values: dict[str, str]
    secrets: tuple[str, ...]


def resolve_path(path: str) -> str:
    """A path as Spark takes it: ``package:NAME/file`` becomes a file of that package, ``~`` the home directory.

    Raises:
        SourceError: the package is not installed or is not a plain directory.
    """
    if not path.startswith("package:"):
        return str(Path(path).expanduser()) if path.startswith("~") else path
    package, _, inner = path.removeprefix("package:").partition("/")
    try:
        folder = resources.files(package)
    except (ImportError, ValueError, TypeError) as error:
        raise SourceError(
            f"{path}: the Python package '{package}' is not installed, so its files cannot be read. "
            f"Install it or correct the path."
        ) from error
    if not isinstance(folder, Path):
        raise SourceError(f"{path}: the package '{package}' lies in an archive. Install it unpacked.")
    return str(folder / inner) if inner else str(folder)


def resolve_options(source: str, options: Mapping[str, str]) -> ResolvedOptions:
    """Reader options with each ``env:NAME`` replaced by the environment's value.

    Args:
        source: name of the source, for messages.
        options: as in the shop file.

    Raises:
        SourceError: a variable is not set, or a password stands in the shop file as plain text.
    """
    values, secrets, problems = {}, [], []
    for key, value in options.items():
        if value.startswith("env:"):
            found = os.environ.get(value.removeprefix("env:"))
            if not found:
                problems.append(f"option {key} takes {value}, which is not set in the environment")
                continue
            secrets.append(found)
            values[key] = found
        elif key.lower() in SECRET_OPTIONS or "password=" in value.lower():
            problems.append(f"option {key} holds a secret as plain text; write env:NAME and set NAME")
        else:
            values[key] = value
    if problems:
        raise SourceError(f"Source '{source}' cannot be opened: {'; '.join(problems)}.")
    return ResolvedOptions(values, tuple(secrets))


def hide(text: str, secrets: tuple[str, ...]) -> str:
    """``text`` with every secret replaced by ``***``."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
