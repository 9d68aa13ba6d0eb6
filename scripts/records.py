"""What a run left as JSON, read so that whatever is missing is named with the command that writes it."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_SHOWN = 60


class RecordError(ValueError):
    """A record cannot be read, or lacks what the page states."""


@dataclass(frozen=True)
class Record:
    """What one run left.

    Attributes:
        path: its file.
        command: what writes it.
        content: JSON.
        within: keys above the content, with a dot behind each, where it is a part of the file.
    """

    path: Path
    command: str
    content: dict[str, Any]
    within: str = ""

    def at(self, path: str) -> Any:
        """What lies under keys joined by dots.

        Raises:
            RecordError: a key is absent.
        """
        found: Any = self.content
        for key in path.split("."):
            if not isinstance(found, dict) or key not in found:
                raise RecordError(
                    f"{self.path} has no '{self.within}{path}', which the page states: the run skipped it, or another "
                    f"version of the code wrote the record. Run '{self.command}' again."
                )
            found = found[key]
        return found

    def number(self, path: str) -> float:
        """The number under keys joined by dots.

        Raises:
            RecordError: a key is absent, or holds no number.
        """
        found = self.at(path)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self._not(path, "a number")
        return float(found)

    def text(self, path: str) -> str:
        """The text under keys joined by dots.

        Raises:
            RecordError: a key is absent, or holds no text.
        """
        found = self.at(path)
        if not isinstance(found, str):
            raise self._not(path, "a text")
        return found

    def flag(self, path: str) -> bool:
        """The truth value under keys joined by dots.

        Raises:
            RecordError: a key is absent, or holds no truth value.
        """
        found = self.at(path)
        if not isinstance(found, bool):
            raise self._not(path, "true or false")
        return found

    def texts(self, path: str) -> list[str]:
        """The texts under keys joined by dots.

        Raises:
            RecordError: a key is absent, or holds no list of texts.
        """
        found = self.at(path)
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._not(path, "a list of texts")
        return found

    def span(self, path: str) -> tuple[int, int]:
        """The first and the last of the whole numbers under keys joined by dots.

        Raises:
            RecordError: a key is absent, or holds no two whole numbers.
        """
        found = self.at(path)
        if not isinstance(found, list) or len(found) != 2 or not all(type(one) is int for one in found):
            raise self._not(path, "the first and the last of whole numbers")
        return found[0], found[1]

    def parts(self, path: str) -> "list[Record]":
        """The objects listed under keys joined by dots.

        Raises:
            RecordError: a key is absent, or holds no list of objects.
        """
        found = self.at(path)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._not(path, "a list of objects")
        numbered = enumerate(found)
        return [Record(self.path, self.command, one, f"{self.within}{path}.{n}.") for n, one in numbered]

    def _not(self, path: str, kind: str) -> RecordError:
        found = repr(self.at(path))
        shown = found if len(found) <= LONGEST_SHOWN else f"{found[:LONGEST_SHOWN]}…"
        return RecordError(f"{self.path}: '{self.within}{path}' is {shown}, not {kind}. Run '{self.command}' again.")


def latest(path: Path, kept: Path) -> Path:
    """Where the latest record of a run lies: as the command left it, or, where it is gone, as it was kept."""
    return path if path.exists() or not kept.exists() else kept


def keep(path: Path, kept: Path) -> None:
    """Keep a record beside the page that states it, compressed; the same record gives the same file."""
    if path != kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def read_record(path: Path, command: str) -> Record:
    """A record as the command left it, or as it was kept.

    Raises:
        RecordError: there is none, or it is not a JSON object.
    """
    try:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_text(encoding="utf-8")
        content = json.loads(text)
    except FileNotFoundError as error:
        raise RecordError(f"{path} is missing. Run '{command}' first.") from error
    except ValueError as error:
        raise RecordError(f"{path} is not JSON: {error}. Run '{command}' again.") from error
    if not isinstance(content, dict):
        raise RecordError(f"{path} holds {type(content).__name__}, not an object. Run '{command}' again.")
    return Record(path, command, content)
