"""Files for people that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pricelake.errors import SettingsError


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


def local_path(text: str) -> Path:
    """The path the report goes to.

    Raises:
        SettingsError: it is a URI; a browser opens files, so the report is a file.
    """
    if ":/" in text:
        raise SettingsError(
            f"report.path is {text}, which is not a local path. The report is one file for a browser: "
            "name a path on this machine (a mounted /dbfs/... path works) and copy it on from there."
        )
    return Path(text)
