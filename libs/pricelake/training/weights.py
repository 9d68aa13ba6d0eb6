"""Weights and checkpoints as files, each written under a temporary name and renamed."""

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from pricelake.errors import TrainingError

Array = npt.NDArray[Any]
CHECKPOINT, WEIGHTS = "checkpoint.npz", "weights.npz"


@dataclass
class Checkpoint:
    """Where a training stands after a whole epoch.

    Attributes:
        key: what was trained: task, snapshots, settings; a checkpoint of another key is not resumed.
        epoch: epochs finished.
        weights: ``model.get_weights()``.
        optimiser: optimiser variables in order.
        best_weights: weights with the lowest validation loss so far.
        best_epoch: their epoch, from 1.
        history: one dict per finished epoch.
        finished: whether nothing is left to train.
    """

    key: str
    epoch: int
    weights: list[Array]
    optimiser: list[Array]
    best_weights: list[Array]
    best_epoch: int
    history: list[dict[str, Any]]
    finished: bool


def save_weights(path: str | Path, weights: Sequence[Array]) -> None:
    """Write arrays in the order of ``model.get_weights()`` to an ``.npz`` file, at once or not at all."""
    _write(Path(path), {f"w{i:05d}": weight for i, weight in enumerate(weights)})


def load_weights(model: Any, path: str | Path) -> None:
    """Set a model's weights from a file of :func:`save_weights`.

    Args:
        model: ``keras.Model``, built.
        path: the ``.npz`` file.

    Raises:
        TrainingError: the file cannot be read, or its weights do not fit the model in number or shape.
    """
    weights = read_weights(path)
    expected, found = [w.shape for w in model.get_weights()], [w.shape for w in weights]
    if expected != found:
        raise TrainingError(
            f"{path} holds {len(found)} weights of shapes {found}, the model has {len(expected)} of shapes {expected}. "
            f"It belongs to another model; build the model with the settings it was trained with."
        )
    model.set_weights(weights)


def read_weights(path: str | Path) -> list[Array]:
    """The arrays of a file of :func:`save_weights`, in order.

    Raises:
        TrainingError: the file is missing or broken.
    """
    content = _read(Path(path))
    return [content[name] for name in sorted(content)]


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Put ``checkpoint`` in place of the previous one, at once or not at all."""
    groups = {"w": checkpoint.weights, "o": checkpoint.optimiser, "b": checkpoint.best_weights}
    content = {f"{group}{i:05d}": array for group, arrays in groups.items() for i, array in enumerate(arrays)}
    facts = {name: getattr(checkpoint, name) for name in ("key", "epoch", "best_epoch", "history", "finished")}
    _write(directory / CHECKPOINT, {**content, "facts": np.array(json.dumps(facts))})


def load_checkpoint(directory: Path) -> Checkpoint | None:
    """The checkpoint in ``directory``, or None where there is none.

    Raises:
        TrainingError: it is broken, which renaming rules out unless storage lost it.
    """
    path = directory / CHECKPOINT
    if not path.exists():
        return None
    content = _read(path)
    facts = json.loads(str(content.pop("facts")))

    def group(letter: str) -> list[Array]:
        return [content[name] for name in sorted(content) if name.startswith(letter)]

    return Checkpoint(weights=group("w"), optimiser=group("o"), best_weights=group("b"), **facts)


def remove_temporary(directory: Path) -> None:
    """Remove what a killed writer left."""
    for path in directory.glob(".*.npz.tmp-*"):
        path.unlink()


def _write(path: Path, content: dict[str, Array]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp-{uuid.uuid4().hex[:8]}")
    with temporary.open("wb") as file:
        np.savez(file, **content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _read(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except FileNotFoundError as error:
        raise TrainingError(f"{path} does not exist. Train the model first.") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise TrainingError(f"{path} cannot be read: {error}. Remove it and train again.") from error
