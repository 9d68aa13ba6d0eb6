"""The training loop of a rank: reduced gradients, reduced validation, checkpoints, early stopping."""

import json
import math
import time
from typing import Any

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from pricelake.errors import TrainingError
from pricelake.training.feed import Feed, deal_files
from pricelake.training.plan import PROGRESS, RankReport, TrainingPlan
from pricelake.training.snapshot_files import footer_rows
from pricelake.training.steps import Steps
from pricelake.training.stopping import best_epoch, stops
from pricelake.training.weights import (
    WEIGHTS,
    Array,
    Checkpoint,
    load_checkpoint,
    remove_temporary,
    save_checkpoint,
    save_weights,
)

MAX_SPREAD = 1e-5
"""Relative difference of weights between ranks that is taken for divergence; equal machines differ by exactly 0."""


class RankTraining:
    """One rank's part of a training; every rank runs the same epochs and steps, rank 0 alone writes."""

    def __init__(self, plan: TrainingPlan) -> None:
        """Build model and optimiser; Horovod is initialised."""
        self.plan = plan
        self.rank, self.ranks = hvd.rank(), hvd.size()
        # rank 0's initial weights are broadcast
        tf.keras.utils.set_random_seed(plan.settings.seed + self.rank)
        self.steps = Steps(plan.task, plan.settings.learning_rate, plan.settings.gradient_clip_norm)
        self.model, self.optimiser = self.steps.model, self.steps.optimiser
        self.history: list[dict[str, Any]] = []
        self.best: list[Array] = self.model.get_weights()

    def run(self) -> RankReport:
        """Train from the last checkpoint to the end.

        Raises:
            TrainingError: a loss is not finite, ranks diverge, or a rank did not see every row.
        """
        finished = self._resume()
        resumed_from = len(self.history)
        while not finished:
            row = self._epoch(len(self.history))
            self.history.append(row)
            losses = [past["validation_loss"] for past in self.history]
            finished = len(self.history) == self.plan.settings.epochs or stops(
                losses, self.plan.settings.patience_epochs
            )
            if best_epoch(losses) == len(losses):
                self.best = self.model.get_weights()
            self._save(finished)
        if self.rank == 0:
            save_weights(f"{self.plan.directory}/{WEIGHTS}", self.best)
        _wait_for_all("finished")
        rows = self.history[-1]["rows_per_rank"]
        best = best_epoch([past["validation_loss"] for past in self.history])
        own = rows[self.rank] if self.rank < len(rows) else 0
        return RankReport(self.rank, own, best, resumed_from, self.history if self.rank == 0 else [])

    def _resume(self) -> bool:
        """Start from rank 0's checkpoint where it fits; returns whether nothing is left to do."""
        finished = False
        if self.rank == 0:
            remove_temporary(self.plan.checkpoints)
            found = load_checkpoint(self.plan.checkpoints)
            if found is not None and found.key == self.plan.key and self._fits(found):
                self.model.set_weights(found.weights)
                for variable, value in zip(self.optimiser.variables, found.optimiser, strict=True):
                    variable.assign(value)
                self.best, self.history, finished = found.best_weights, found.history, found.finished
        self.history, finished = hvd.broadcast_object((self.history, finished), root_rank=0, name="progress")
        hvd.broadcast_variables([*self.model.variables, *self.optimiser.variables], root_rank=0)
        return bool(finished)

    def _fits(self, found: Checkpoint) -> bool:
        shapes = [w.shape for w in self.model.get_weights()], [tuple(v.shape) for v in self.optimiser.variables]
        return shapes == ([w.shape for w in found.weights], [w.shape for w in found.optimiser])

    def _epoch(self, epoch: int) -> dict[str, Any]:
        settings, started = self.plan.settings, time.perf_counter()
        self.steps.reset()
        files = deal_files(self.plan.train.files, self.ranks, self.rank, epoch, settings.seed)
        n_steps = self._agree_on_steps(files)
        # ranks draw different rows and dropout masks
        seed = int(np.random.SeedSequence([settings.seed, epoch, self.rank]).generate_state(1)[0])
        self.steps.draw_from(seed)
        with Feed(files, self.plan.task.columns, settings.batch_size, seed) as feed:
            for batch in feed:
                self.steps.train(batch)
        seconds = time.perf_counter() - started
        loss, weight, allreduce_seconds = self.steps.totals()
        self._average_statistics()
        validation_loss = self._validate()
        _refuse_divergence(self.model)
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "train_loss": loss / weight,
            "validation_loss": validation_loss,
            "steps": n_steps,
            "train_seconds": _mean(seconds, "seconds"),
            "feed_wait_seconds": _mean(feed.wait_seconds, "wait"),
            "allreduce_seconds": _mean(allreduce_seconds, "allreduce"),
            "rows_per_rank": [int(rows) for rows in hvd.allgather(tf.constant([feed.rows]), name="rows").numpy()],
        }
        row["seconds"] = time.perf_counter() - started
        row["allreduce_share"] = row["allreduce_seconds"] / row["train_seconds"]
        row["feed_wait_share"] = row["feed_wait_seconds"] / row["train_seconds"]
        self._refuse_not_finite(row)
        return row

    def _agree_on_steps(self, files: list[str]) -> int:
        own = -(-sum(footer_rows(file) for file in files) // self.plan.settings.batch_size)
        fewest, most = (int(hvd.allreduce(tf.constant(own), op=op, name=f"steps{op}")) for op in (hvd.Min, hvd.Max))
        if fewest != most:
            raise TrainingError(
                f"Rank {self.rank} has {own} steps, but ranks have between {fewest} and {most}: the files of "
                f"{self.plan.train.directory} are not equal in rows. Write the snapshot again."
            )
        return own

    def _validate(self) -> float:
        """Weighted mean of the loss over all validation rows of all ranks, without penalties or dropout."""
        self.steps.reset()
        files = deal_files(self.plan.validation.files, self.ranks, self.rank, 0, self.plan.settings.seed)
        with Feed(files, self.plan.task.columns, self.plan.settings.batch_size, None) as feed:
            for batch in feed:
                self.steps.validate(batch)
        loss, weight, _ = self.steps.totals()
        summed = hvd.allreduce(tf.constant([loss, weight], tf.float64), op=hvd.Sum, name="validation").numpy()
        return float(summed[0] / summed[1])

    def _average_statistics(self) -> None:
        """Moving statistics of normalisation layers are local to a rank; give all ranks their mean."""
        for i, variable in enumerate(self.model.non_trainable_variables):
            if variable.dtype.is_floating:
                variable.assign(hvd.allreduce(variable, op=hvd.Average, name=f"statistics{i}"))

    def _refuse_not_finite(self, row: dict[str, Any]) -> None:
        for name in ("train_loss", "validation_loss"):
            if not math.isfinite(row[name]):
                raise TrainingError(
                    f"The {name.replace('_', ' ')} of epoch {row['epoch']} is {row[name]} at learning rate "
                    f"{self.plan.settings.learning_rate:.2g}. Lower training.learning_rate or "
                    f"training.gradient_clip_norm."
                )

    def _save(self, finished: bool) -> None:
        if self.rank == 0:
            best = best_epoch([past["validation_loss"] for past in self.history])
            optimiser = [variable.numpy() for variable in self.optimiser.variables]
            now = Checkpoint(
                key=self.plan.key,
                epoch=len(self.history),
                weights=self.model.get_weights(),
                optimiser=optimiser,
                best_weights=self.best,
                best_epoch=best,
                history=self.history,
                finished=finished,
            )
            save_checkpoint(self.plan.checkpoints, now)
            with (self.plan.checkpoints / PROGRESS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(self.history[-1]) + "\n")
        _wait_for_all("saved")


def _wait_for_all(name: str) -> None:
    hvd.allreduce(tf.constant(0), op=hvd.Sum, name=f"wait_{name}")


def _mean(value: float, name: str) -> float:
    return float(hvd.allreduce(tf.constant(value, tf.float64), op=hvd.Average, name=f"mean_{name}"))


def _refuse_divergence(model: Any) -> None:
    """Compare sums of weights and squared weights, variable by variable, over the ranks."""
    sums = np.array(
        [[np.sum(w, dtype=np.float64), np.sum(np.square(w, dtype=np.float64))] for w in model.get_weights()]
    )
    gathered = hvd.allgather(tf.constant(sums[np.newaxis]), name="checksums").numpy()
    refuse_spread(gathered, [variable.name for variable in model.weights])


def refuse_spread(checksums: Array, names: list[str]) -> None:
    """Raise where ranks hold different weights.

    Args:
        checksums: shape ``(n_ranks, n_variables, 2)``: sum and sum of squares of each variable.
        names: of the variables.

    Raises:
        TrainingError: a variable differs between ranks by more than rounding.
    """
    spread = np.max(checksums, axis=0) - np.min(checksums, axis=0)
    scale = 1.0 + np.max(np.abs(checksums), axis=0)
    differing = [name for name, share in zip(names, np.max(spread / scale, axis=1), strict=True) if share > MAX_SPREAD]
    if differing:
        raise TrainingError(
            f"Ranks hold different weights in {', '.join(differing)}: their gradients were not reduced alike, so each "
            f"rank trains a model of its own. The model must not assign variables outside the optimiser."
        )
