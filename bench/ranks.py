"""Ranks: two against one at equal rows, batch and threads per rank, with the share of time spent in all-reduce."""

import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from bench.feed import COLUMNS, IDS, write_files
from bench.runs import summarise
from pricelake.settings import TrainingSettings
from pricelake.training import Snapshot, SnapshotColumn, schema_hash
from pricelake.training.launch import run_ranks
from pricelake.training.plan import TrainingPlan

ROWS_PER_RANK, EPOCHS, RUNS, MOST_RANKS = 400_000, 4, 3, 2


@dataclass(frozen=True)
class NetworkTask:
    """A network of the demand model's size: six embeddings of 5 000 ids, two dense layers."""

    columns: tuple[SnapshotColumn, ...] = COLUMNS

    def build_model(self) -> Any:
        """24 numbers and 6 embedded ids → 96 → 48 → 1."""
        import tensorflow as tf

        layers = tf.keras.layers
        inputs = {c.name: tf.keras.Input((), name=c.name, dtype=c.dtype) for c in self.columns}
        numbers = tf.stack([inputs[c.name] for c in self.columns if c.dtype == "float32"], axis=1)
        embedded = [layers.Embedding(IDS, 8)(inputs[c.name]) for c in self.columns if c.dtype == "int32"]
        hidden = layers.Dense(96, activation="relu")(tf.concat([numbers, *embedded], axis=1))
        hidden = layers.Dense(48, activation="relu")(layers.Dropout(0.1)(hidden))
        return tf.keras.Model(inputs, tf.squeeze(layers.Dense(1)(hidden), axis=1))

    def loss(self, outputs: Any, batch: Mapping[str, Any]) -> Any:
        """Squared error against the first number."""
        import tensorflow as tf

        return tf.square(outputs - batch["feature_0"])


def measure(spark: SparkSession, folder: Path, rows_per_rank: int = ROWS_PER_RANK, runs: int = RUNS) -> dict[str, Any]:
    """Train the same network ``runs`` times with one rank and with two, one TensorFlow thread per rank.

    Timed: the training steps of an epoch, feed and all-reduce included; of each training the median over its epochs.
    Not timed: the first epoch, which traces the graphs, the start of the ranks, and validation.

    Args:
        spark: not used; ranks run on this machine.
        folder: empty directory.
        rows_per_rank: rows each rank reads per epoch.
        runs: repetitions.

    Returns:
        ``cores``, and by :func:`bench.runs.summarise`: ``efficiency`` (seconds per epoch with one rank over those with
        two; 1 is perfect), ``allreduce_share`` (of the two ranks' training time, waiting for each other included),
        ``feed_wait_share``, ``rows_per_second`` (both ranks), ``one_rank_seconds`` and ``two_ranks_seconds`` (per
        epoch).
    """
    files = write_files(folder / "rows", rows_per_rank * MOST_RANKS, 4 * MOST_RANKS)
    held = _snapshot(folder, write_files(folder / "held", 8192, MOST_RANKS, first_seed=99), 8192)
    by_run = []
    for run in range(runs):
        one, two = (
            _epochs(
                folder / f"{run}-{ranks}", _snapshot(folder, files[: 4 * ranks], rows_per_rank * ranks), held, ranks
            )
            for ranks in (1, MOST_RANKS)
        )
        by_run.append(
            {
                "efficiency": one["seconds"] / two["seconds"],
                "allreduce_share": two["allreduce_share"],
                "feed_wait_share": two["feed_wait_share"],
                "rows_per_second": MOST_RANKS * rows_per_rank / two["seconds"],
                "one_rank_seconds": one["seconds"],
                "two_ranks_seconds": two["seconds"],
            }
        )
    return {"cores": os.cpu_count(), **summarise(by_run)}


def _snapshot(folder: Path, files: list[str], rows: int) -> Snapshot:
    return Snapshot(str(folder), tuple(files), rows, rows, schema_hash(COLUMNS), 0)


def _epochs(directory: Path, train: Snapshot, held: Snapshot, ranks: int) -> dict[str, float]:
    """Medians over the counted epochs."""
    directory.mkdir()
    settings = TrainingSettings(ranks=ranks, epochs=EPOCHS, patience_epochs=EPOCHS, batch_size=2048)
    plan = TrainingPlan(NetworkTask(), train, held, settings, str(directory), threads=1, key=directory.name)
    counted = run_ranks(plan)[0].history[1:]
    median = {name: statistics.median(row[name] for row in counted) for name in ("allreduce_share", "feed_wait_share")}
    return {"seconds": statistics.median(row["train_seconds"] for row in counted), **median}
