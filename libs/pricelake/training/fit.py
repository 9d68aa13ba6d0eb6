"""Train a task on snapshots with Horovod ranks, resuming where an earlier run was interrupted."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pricelake.errors import TrainingError
from pricelake.settings import TrainingSettings
from pricelake.training.launch import run_ranks
from pricelake.training.plan import PROGRESS, TrainingPlan, training_key
from pricelake.training.snapshot_files import Snapshot
from pricelake.training.task import TrainingTask, schema_hash
from pricelake.training.weights import WEIGHTS, load_checkpoint


@dataclass(frozen=True)
class FitResult:
    """A finished training.

    Attributes:
        weights_path: ``.npz`` with the weights of the best epoch; see :func:`pricelake.training.load_weights`.
        history: one dict per epoch, those before an interruption included: ``epoch`` (from 1), ``train_loss`` (mean
            over the epoch, without penalties), ``validation_loss``, ``steps``, ``seconds``,
            ``train_seconds``, ``feed_wait_seconds``, ``feed_wait_share``, ``allreduce_seconds`` (waiting
            for other ranks included), ``allreduce_share``, ``rows_per_rank``.
        rows_per_rank: rank → rows it read in the last epoch, padding included; they sum to ``train.rows_padded``.
        ranks: number of ranks.
        seconds: wall time of this call.
        best_epoch: epoch of the kept weights, from 1.
        resumed_from: epochs taken over from an interrupted run with the same task, snapshots and settings.
    """

    weights_path: str
    history: list[dict[str, Any]]
    rows_per_rank: dict[int, int]
    ranks: int
    seconds: float
    best_epoch: int
    resumed_from: int


def fit(
    task: TrainingTask,
    train: Snapshot,
    validation: Snapshot,
    settings: TrainingSettings,
    checkpoint_directory: str,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> FitResult:
    """Train ``task`` and keep the weights of the epoch with the lowest validation loss.

    Call it from the main thread. An interrupted training with the same task, snapshots and settings goes on from its
    last whole epoch; a finished one returns at once with the ranks' earlier result; anything else starts afresh.

    Args:
        task: model, loss and columns.
        train: rows to train on.
        validation: rows for early stopping.
        settings: ranks and optimiser.
        checkpoint_directory: for checkpoints, logs and final weights; shared storage on a cluster.
        on_epoch: called in a thread of this process with each new epoch's row of the history.

    Returns:
        the result.

    Raises:
        TrainingError: snapshots do not fit the task or the ranks, or a rank failed; its message names rank and log.
    """
    started = time.monotonic()
    for part, snapshot in (("train", train), ("validation", validation)):
        _check_snapshot(task, part, snapshot, settings.ranks)
    directory = Path(checkpoint_directory).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    key = training_key(task, train, validation, settings)
    before = load_checkpoint(directory)
    if before is not None and before.key == key and before.finished and (directory / WEIGHTS).exists():
        history, best, resumed_from = before.history, before.best_epoch, before.epoch
    else:
        plan = TrainingPlan(task, train, validation, settings, str(directory), _threads(settings), key)
        with _progress_handed_on(directory / PROGRESS, on_epoch):
            report = run_ranks(plan)[0]
        history, best, resumed_from = report.history, report.best_epoch, report.resumed_from
    rows = dict(enumerate(history[-1]["rows_per_rank"]))
    seconds = time.monotonic() - started
    return FitResult(str(directory / WEIGHTS), history, rows, len(rows), seconds, best, resumed_from)


def _check_snapshot(task: TrainingTask, part: str, snapshot: Snapshot, ranks: int) -> None:
    if snapshot.schema_hash != schema_hash(task.columns):
        raise TrainingError(
            f"The {part} snapshot {snapshot.directory} has schema {snapshot.schema_hash}, the task's columns have "
            f"{schema_hash(task.columns)}. Write the snapshot with the columns of this task."
        )
    if len(snapshot.files) % ranks:
        raise TrainingError(
            f"The {part} snapshot has {len(snapshot.files)} files, which {ranks} ranks cannot share equally. "
            f"Write it with a multiple of {ranks} files."
        )


def _threads(settings: TrainingSettings) -> int:
    """TensorFlow threads per rank: this machine's processors shared out; on a cluster the processors of a task."""
    if settings.launcher == "local":
        return max(1, (os.cpu_count() or 1) // settings.ranks)
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    return 1 if context is None else int(context.getConf().get("spark.task.cpus", "1") or 1)


@contextmanager
def _progress_handed_on(path: Path, on_epoch: Callable[[dict[str, Any]], None] | None) -> Iterator[None]:
    """Follow the file to which rank 0 adds one line per epoch."""
    path.unlink(missing_ok=True)
    if on_epoch is None:
        yield
        return
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(path, on_epoch, ended), name="progress", daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _follow(path: Path, on_epoch: Callable[[dict[str, Any]], None], ended: threading.Event) -> None:
    done = 0
    while True:
        last_look = ended.wait(0.2)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        for line in lines[done:]:
            on_epoch(json.loads(line))
        done = len(lines)
        if last_look:
            return
