"""Files for people that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole_file(path: Path, encoding: str = "utf-8") -> Iterator[TextIO]:
    """A text file to write that takes its name only once everything is in it; folders are made.

    Args:
        path: the file; until the end, and after a failure, what was there before stays.
        encoding: of the text.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding=encoding, newline="") as file:
        yield file
    part.replace(path)
