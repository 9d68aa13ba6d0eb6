"""Read YAML files with overlays into typed settings, reporting every problem at once."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pricelake.errors import SettingsError
from pricelake.settings.sections import Settings

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """One YAML mapping.

    Raises:
        SettingsError: the file is missing, not UTF-8, not YAML or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path} does not exist (looked from {Path.cwd()}). Name a settings file that does."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {error}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds {type(content).__name__}, expected a mapping of section names.")
    return content


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the keys of ``top`` over it; mappings are merged key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = overlay(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def read_layers(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file with everything it ``extends``, the file's own keys on top.

    Raises:
        SettingsError: a file extends itself, directly or through others.
    """
    resolved = path.resolve()
    if resolved in seen:
        raise SettingsError(f"{path} extends itself through {' -> '.join(str(p) for p in seen)}.")
    content = read_yaml(path)
    parent = content.pop("extends", None)
    if parent is None:
        return content
    return overlay(read_layers(path.parent / str(parent), (*seen, resolved)), content)


def validate(model: type[Model], content: Mapping[str, Any], origin: str) -> Model:
    """``content`` as a ``model``.

    Raises:
        SettingsError: one line per problem: key path, rule, value.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "(file)"
            value = "" if problem["type"] == "missing" else f", got {json.dumps(problem['input'], default=str)[:120]}"
            lines.append(f"  {key}: {problem['msg']}{value}")
        plural = "" if len(lines) == 1 else "s"
        raise SettingsError(f"{origin} has {len(lines)} problem{plural}:\n" + "\n".join(lines)) from None


def load_file(model: type[Model], path: str | Path, overrides: Mapping[str, Any] | None = None) -> Model:
    """A YAML file as a ``model``.

    Args:
        model: what the file holds.
        path: the file, which may ``extends:`` another one relative to itself.
        overrides: nested keys put on top, for example ``{"lake": {"root": "/tmp/lake"}}``.

    Raises:
        SettingsError: the file cannot be used; all problems are listed.
    """
    return validate(model, overlay(read_layers(Path(path)), overrides or {}), str(path))


def load_settings(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of one environment; arguments and errors as :func:`load_file`."""
    return load_file(Settings, path, overrides)


def settings_hash(settings: BaseModel) -> str:
    """Sixteen hex digits that change exactly when a setting changes."""
    return _digest(settings.model_dump(mode="json"))


def configuration_hash(settings: Settings) -> str:
    """Sixteen hex digits that change when a setting changes, or what the shop file or the rules file says.

    Comments do not count, nor where the two files lie. A file that cannot be read counts as empty: the job that needs
    it says what is wrong with it.
    """
    said = []
    for path in (settings.shop, settings.rules):
        try:
            said.append(read_layers(Path(path)))
        except SettingsError:
            said.append({})
    return _digest([settings.model_dump(mode="json", exclude={"shop", "rules"}), *said])


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
