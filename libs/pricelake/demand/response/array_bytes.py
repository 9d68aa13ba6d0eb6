"""Named arrays as bytes: how packs and sums travel between the driver and its workers."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np


def written(arrays: Mapping[str, Any]) -> bytes:
    """Arrays and numbers by name, as one ``.npz``."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def read(content: bytes) -> dict[str, Any]:
    """What :func:`written` was given."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return {name: value if value.ndim else value.item() for name, value in found.items()}
