"""What was found out about a registered model, in a file beside it."""

import json
from pathlib import Path
from typing import Any

NAME = "judgement.json"


def write_judgement(directory: Path, found: dict[str, Any]) -> None:
    """Write it into the directory of the model's files."""
    (directory / NAME).write_text(json.dumps(found, indent=1), encoding="utf-8")


def read_judgement(directory: Path) -> dict[str, Any]:
    """What :func:`write_judgement` wrote."""
    found: dict[str, Any] = json.loads((directory / NAME).read_text(encoding="utf-8"))
    return found
