"""What the scoreboard says of whoever failed."""

import re
import traceback
from pathlib import Path

from pricelake.errors import PriceLakeError

TOLD_FRAMES, TOLD_LINES = 3, 4
FOLDERS = re.compile(r"(?:(?:file|sqlite):/{0,3}|(?<![\w./]))/(?:[^\s/:'\",;()]+/)+")
"""The folders of an absolute path."""


def told(error: Exception) -> str:
    """What a failure says on the page: the message of an error of ours, else where it arose; both without folders."""
    if isinstance(error, PriceLakeError):
        return FOLDERS.sub("", str(error))
    frames = traceback.extract_tb(error.__traceback__)[-TOLD_FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    lines = f"{type(error).__name__}: {error}".splitlines()[:TOLD_LINES]  # Java adds hundreds of its own
    return "\n".join([*places, FOLDERS.sub("", "\n".join(lines))])
