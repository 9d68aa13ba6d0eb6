"""Real Horovod ranks: their arithmetic, their agreement, their failures."""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pricelake.errors import TrainingError
from pricelake.settings import TrainingSettings
from pricelake.training import Snapshot, SnapshotColumn, fit, load_weights, write_snapshot
from pricelake.training.weights import read_weights
from tests.rank_processes import is_running, pid_of
from tests.training.linear_task import COLUMNS, LinearTask, linear_rows, snapshot_of

NAMES = [column.name for column in COLUMNS]


@pytest.fixture
def train(tmp_path: Path) -> Snapshot:
    return snapshot_of(linear_rows(1205, seed=1), tmp_path / "train", files=4)


@pytest.fixture
def validation(tmp_path: Path) -> Snapshot:
    return snapshot_of(linear_rows(301, seed=2), tmp_path / "validation", files=2)


def settings(**changes: Any) -> TrainingSettings:
    base: dict[str, Any] = {"epochs": 6, "batch_size": 64, "learning_rate": 0.05}
    base |= {"patience_epochs": 6, "start_timeout_seconds": 60}
    return TrainingSettings(**(base | changes))


def numpy_training(
    rows: pd.DataFrame, held: pd.DataFrame, epochs: int, rate: float, l2: float, clip: float
) -> tuple[np.ndarray, np.ndarray, list[float], list[float]]:
    """Full-batch Adam (Kingma and Ba 2015) on mean squared error plus l2 * |slope|², in float64."""
    x, group, y = rows[["a", "b"]].to_numpy(float), rows.group.to_numpy(), rows.y.to_numpy(float)
    one_hot = np.eye(5)[group]
    theta, first, second = np.zeros(7), np.zeros(7), np.zeros(7)
    train_losses, validation_losses = [], []
    for epoch in range(epochs):
        residual = x @ theta[:2] + one_hot @ theta[2:] - y
        train_losses.append(float(np.mean(residual**2)))
        gradient = 2.0 / len(y) * np.concatenate([x.T @ residual, one_hot.T @ residual])
        gradient[:2] += 2.0 * l2 * theta[:2]
        gradient *= min(1.0, clip / np.linalg.norm(gradient))
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        step = first / (1 - 0.9 ** (epoch + 1)) / (np.sqrt(second / (1 - 0.999 ** (epoch + 1))) + 1e-7)
        theta = theta - rate * step
        predicted = held[["a", "b"]].to_numpy(float) @ theta[:2] + theta[2:][held.group.to_numpy()]
        validation_losses.append(float(np.mean((predicted - held.y.to_numpy(float)) ** 2)))
    return theta[:2], theta[2:], train_losses, validation_losses


def test_two_ranks_do_the_arithmetic_of_one_global_batch(train: Snapshot, validation: Snapshot, tmp_path: Path) -> None:
    """One step per epoch over all rows of both ranks, against NumPy; 3 padding rows must not count."""
    assert (train.rows, train.rows_padded) == (1205, 1208)
    epochs: list[dict[str, Any]] = []
    plan = settings(epochs=5, batch_size=4096, gradient_clip_norm=4.0)
    result = fit(LinearTask(l2=0.1), train, validation, plan, str(tmp_path / "fit"), epochs.append)
    slope, effect, train_losses, validation_losses = numpy_training(
        linear_rows(1205, seed=1), linear_rows(301, seed=2), epochs=5, rate=0.05, l2=0.1, clip=4.0
    )
    np.testing.assert_allclose([row["train_loss"] for row in result.history], train_losses, rtol=1e-5)
    np.testing.assert_allclose([row["validation_loss"] for row in result.history], validation_losses, rtol=1e-5)
    model = LinearTask().build_model()
    load_weights(model, result.weights_path)
    np.testing.assert_allclose(model.get_layer("slope").get_weights()[0][:, 0], slope, atol=1e-5)
    np.testing.assert_allclose(model.get_layer("effect").get_weights()[0][:, 0], effect, atol=1e-5)
    assert epochs == result.history, "every epoch is handed on while ranks run"
    assert result.rows_per_rank == {0: 604, 1: 604}
    assert (result.ranks, result.best_epoch, result.resumed_from) == (2, 5, 0)
    assert {row["steps"] for row in result.history} == {1}
    assert all(0.0 < row["allreduce_share"] < 1.0 for row in result.history)


def test_killed_rank_is_named_and_the_next_run_ends_like_an_undisturbed_one(
    train: Snapshot, validation: Snapshot, tmp_path: Path
) -> None:
    killed, plan, task = tmp_path / "killed", settings(epochs=8, patience_epochs=8), _SlowTask(dropout_rate=0.2)
    pids: dict[int, int] = {}
    on_interrupt = signal.getsignal(signal.SIGINT)

    def kill_rank_1(row: dict[str, Any]) -> None:
        if row["epoch"] == 2:
            pids.update({rank: pid_of(killed, rank) for rank in (0, 1)})
            os.kill(pids[1], signal.SIGKILL)

    with pytest.raises(TrainingError) as failure:
        fit(task, train, validation, plan, str(killed), kill_rank_1)
    assert str(failure.value) == (
        f"Rank 1 of 2 was ended by SIGKILL (often for lack of memory). Its log: {killed}/logs/rank-1.log. "
        "Finished epochs are kept; run the same training again to go on from the last one."
    )
    assert not [pid for pid in pids.values() if is_running(pid)], "no rank is left behind"
    assert signal.getsignal(signal.SIGINT) is on_interrupt

    resumed = fit(task, train, validation, plan, str(killed))
    whole = fit(task, train, validation, plan, str(tmp_path / "whole"))
    assert 2 <= resumed.resumed_from < 8
    assert whole.resumed_from == 0
    assert [row["epoch"] for row in resumed.history] == list(range(1, 9))
    for name in ("train_loss", "validation_loss"):
        left, right = ([row[name] for row in result.history] for result in (resumed, whole))
        np.testing.assert_allclose(left, right, rtol=1e-5, err_msg=name)
    for left, right in zip(read_weights(resumed.weights_path), read_weights(whole.weights_path), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)

    again = fit(task, train, validation, plan, str(tmp_path / "whole"))
    assert (again.history, again.best_epoch, again.rows_per_rank) == (whole.history, whole.best_epoch, {0: 604, 1: 604})
    assert again.seconds < 5.0, "a finished training is not started again"


@dataclass(frozen=True)
class _SlowTask(LinearTask):
    """Half a second of thought per validation batch of 64 rows, so that a signal finds an epoch in progress."""

    def loss(self, outputs: Any, batch: Mapping[str, Any]) -> Any:
        import tensorflow as tf

        def wait(values: Any) -> Any:
            import time

            time.sleep(0.02)
            return values

        losses = LinearTask.loss(self, outputs, batch)
        waited = tf.numpy_function(wait, [tf.stop_gradient(losses)], tf.float32)
        return losses + 0.0 * tf.ensure_shape(waited, [None])


@dataclass(frozen=True)
class _DivergingTask(LinearTask):
    """Assigns a weight outside the optimiser, another one on each rank."""

    def build_model(self) -> Any:
        model = LinearTask.build_model(self)
        self._held["model"] = model
        return model

    @property
    def _held(self) -> dict[str, Any]:
        return _MODELS

    def loss(self, outputs: Any, batch: Mapping[str, Any]) -> Any:
        import horovod.tensorflow as hvd
        import tensorflow as tf

        effect = self._held["model"].get_layer("effect").trainable_variables[0]
        drift = effect.assign_add(tf.fill((5, 1), 0.01 * hvd.rank()))
        with tf.control_dependencies([drift]):
            return tf.square(outputs - batch["y"])


_MODELS: dict[str, Any] = {}


def test_diverging_ranks_are_stopped(train: Snapshot, validation: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Rank \d of 2 failed: Ranks hold different weights in effect/embeddings"):
        fit(_DivergingTask(), train, validation, settings(), str(tmp_path / "fit"))


def test_ranks_on_spark_executors(spark: SparkSession, tmp_path: Path) -> None:
    rows, held = (spark.createDataFrame(linear_rows(n, seed=n)).select(*NAMES) for n in (2001, 401))
    train = write_snapshot(rows, COLUMNS, tmp_path, 0, "train", files=4, seed=1)
    validation = write_snapshot(held, COLUMNS, tmp_path, 0, "validation", files=2, seed=1)
    plan = settings(launcher="spark", epochs=6, batch_size=32, learning_rate=0.05)
    result = fit(LinearTask(dropout_rate=0.01), train, validation, plan, str(tmp_path / "fit"))
    assert result.rows_per_rank == {0: 1002, 1: 1002}
    assert result.history[-1]["validation_loss"] < 0.1 < 0.5 < result.history[0]["validation_loss"]


def test_too_few_slots_are_refused_at_once(
    spark: SparkSession, train: Snapshot, validation: Snapshot, tmp_path: Path
) -> None:
    plan = settings(launcher="spark", ranks=4)
    held = Snapshot(**{**vars(validation), "files": validation.files * 2})
    with pytest.raises(TrainingError, match="4 ranks need 4 free task slots, Spark has 2 of which 0 are busy"):
        fit(LinearTask(), train, held, plan, str(tmp_path / "fit"))


def test_training_outside_the_main_thread_is_refused(train: Snapshot, validation: Snapshot, tmp_path: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            fit(LinearTask(), train, validation, settings(), str(tmp_path / "fit"))
        except TrainingError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "outside the main thread" in str(caught[0])


def test_snapshots_that_do_not_fit_are_refused(train: Snapshot, validation: Snapshot, tmp_path: Path) -> None:
    other = LinearTask(columns=(*COLUMNS, SnapshotColumn("c", "float32")))
    with pytest.raises(TrainingError, match=r"The train snapshot .* has schema .* the task's columns have"):
        fit(other, train, validation, settings(), str(tmp_path / "fit"))
    with pytest.raises(TrainingError, match="The validation snapshot has 2 files, which 4 ranks cannot share equally"):
        fit(LinearTask(), train, validation, settings(ranks=4), str(tmp_path / "fit"))
