"""What Spark and its readers throw, as one line that a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from pricelake.errors import SourceError
from pricelake.sources.references import hide

LONGEST_CAUSE = 400
HINTS = {
    "is not a Parquet file": "The file is cut off or not Parquet; copy it again.",
    "PATH_NOT_FOUND": "Check the path in the shop file.",
    "UNABLE_TO_INFER_SCHEMA": "No readable file lies there, or it is empty; check the export.",
    "DELTA_TABLE_NOT_FOUND": "Check the path in the shop file.",
    "CSV header does not conform": "The files of one source must have the same header.",
    "Connection refused": "Check that the server runs and that host and port are right.",
    "password authentication failed": "Check the variables that the options user and password name.",
    "I/O error": "The server or the connection went away; run again when it is back.",
    "terminating connection": "The server went away; run again when it is back.",
    "connection attempt failed": "The server does not answer; run again when it is back.",
}


@contextmanager
def reading(what: str, secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """Turn whatever the engine throws while ``what`` is read into one clear line.

    Args:
        what: table and source, as the message's subject.
        secrets: values that must not show.

    Raises:
        SourceError: the engine gave up; its own exception is the cause.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        line = hide(cause_line(error), secrets)
        hint = next((text for sign, text in HINTS.items() if sign in line), "Nothing was taken from it.")
        raise SourceError(f"{what} cannot be read: {line.rstrip('.')}. {hint}") from error


def cause_line(error: PySparkException | Py4JJavaError) -> str:
    """The first line of the innermost exception that says something."""
    thrown: Any = error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    if thrown is None:
        return _first_line(str(error))
    line = _first_line(str(error)) if isinstance(error, PySparkException) else _first_line(thrown.toString())
    while thrown is not None:
        message = thrown.getMessage()
        if message and message.strip():
            line = _first_line(message)
        thrown = thrown.getCause()
    return line


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), text.strip())
    return line if len(line) <= LONGEST_CAUSE else line[:LONGEST_CAUSE] + " …"
