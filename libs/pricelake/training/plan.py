"""What travels to the ranks: paths and numbers, never rows or weights; and what comes back."""

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pricelake.settings import TrainingSettings
from pricelake.training.snapshot_files import Snapshot
from pricelake.training.task import TrainingTask

PROGRESS, LOGS = "progress.jsonl", "logs"
NOT_IN_KEY = {"launcher", "ranks", "start_timeout_seconds", "stall_timeout_seconds", "files_per_rank", "directory"}


@dataclass(frozen=True)
class TrainingPlan:
    """One training, as every rank gets it.

    Attributes:
        task: model, loss and columns.
        train: rows to train on.
        validation: rows for early stopping.
        settings: ranks and optimiser.
        directory: absolute path for checkpoints and logs, shared by all ranks.
        threads: TensorFlow threads of a rank.
        key: hash of all that decides the result; a checkpoint with another one is not resumed.
    """

    task: TrainingTask
    train: Snapshot
    validation: Snapshot
    settings: TrainingSettings
    directory: str
    threads: int
    key: str

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints, final weights and progress lie."""
        return Path(self.directory)

    @property
    def logs(self) -> Path:
        """Where the ranks write what they have to say."""
        return Path(self.directory) / LOGS


@dataclass(frozen=True)
class RankReport:
    """What one rank brings back.

    Attributes:
        rank: its number.
        rows: rows it read in the last epoch, padding included.
        best_epoch: epoch of the weights kept, from 1.
        resumed_from: epochs that were already done when it started.
        history: one dict per epoch, of rank 0 alone.
    """

    rank: int
    rows: int
    best_epoch: int
    resumed_from: int
    history: list[dict[str, Any]]


def training_key(task: TrainingTask, train: Snapshot, validation: Snapshot, settings: TrainingSettings) -> str:
    """Sixteen hex digits for task, its module's source, snapshots and optimiser settings.

    The number of ranks is left out: a training may be resumed on fewer or more ranks.
    """
    kept = {name: value for name, value in settings.model_dump(mode="json").items() if name not in NOT_IN_KEY}
    content = {
        "task": f"{type(task).__module__}.{type(task).__qualname__}",
        "fields": dataclasses.asdict(task) if dataclasses.is_dataclass(task) else repr(task),
        "source": _source(type(task)),
        "snapshots": [Path(train.directory).name, Path(validation.directory).name],
        "settings": kept,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()[:16]


def _source(of: Callable[..., Any]) -> str:
    try:
        return hashlib.sha256(inspect.getsource(inspect.getmodule(of) or of).encode()).hexdigest()
    except (OSError, TypeError):  # defined in a notebook or at a prompt
        return ""
