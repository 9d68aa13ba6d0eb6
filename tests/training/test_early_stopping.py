"""One real training with dropout whose validation loss falls and then rises: its rows want a third of the slope."""

import numpy as np
import pandas as pd
import pytest

from pricelake.settings import TrainingSettings
from pricelake.training import FitResult, fit
from pricelake.training.weights import read_weights
from tests.training.linear_task import LinearTask, linear_rows, snapshot_of

RATE, PATIENCE, EPOCHS = 0.5, 3, 40
TRAIN = linear_rows(12_000, seed=1)
HELD = linear_rows(300, seed=2)
HELD = HELD.assign(y=HELD.y - np.float32(0.7) * (2 * HELD.a - 3 * HELD.b))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """One step per epoch, so that an epoch's training loss is that of the weights before it."""
    folder = tmp_path_factory.mktemp("stopped")
    train, held = snapshot_of(TRAIN, folder / "train", files=2), snapshot_of(HELD, folder / "held", files=2)
    settings = TrainingSettings(
        epochs=EPOCHS, patience_epochs=PATIENCE, batch_size=8192, learning_rate=0.1, gradient_clip_norm=100.0
    )
    return fit(LinearTask(dropout_rate=RATE), train, held, settings, str(folder / "fit"))


def residuals_and_terms(rows: pd.DataFrame, result: FitResult) -> tuple[np.ndarray, np.ndarray]:
    """By NumPy from the weights handed out: what is left of ``y``, and what each slope adds to the forecast."""
    slope, effect = (weights[:, 0].astype(float) for weights in read_weights(result.weights_path))
    terms = rows[["a", "b"]].to_numpy(float) * slope
    return rows.y.to_numpy(float) - terms.sum(axis=1) - effect[rows.group], terms


def test_training_stops_when_validation_gets_worse_and_hands_out_the_best_epoch(stopped: FitResult) -> None:
    losses = [row["validation_loss"] for row in stopped.history]
    assert 3 < stopped.best_epoch == np.argmin(losses) + 1
    assert len(losses) == stopped.best_epoch + PATIENCE < EPOCHS
    residuals, _ = residuals_and_terms(HELD, stopped)  # the whole forecast: validation knows no dropout
    assert np.mean(residuals**2) == pytest.approx(min(losses), rel=1e-5)
    assert losses[-1] > 1.1 * min(losses)


def test_dropout_counts_in_training(stopped: FitResult) -> None:
    """Mean squared error plus rate / (1 - rate) times the squared terms (Srivastava et al. 2014, section 9.1)."""
    residuals, terms = residuals_and_terms(TRAIN, stopped)
    whole = np.mean(residuals**2)
    dropped = whole + RATE / (1 - RATE) * np.mean((terms**2).sum(axis=1))
    after_the_best = stopped.history[stopped.best_epoch]
    assert after_the_best["train_loss"] == pytest.approx(dropped, rel=0.05)
    assert dropped > 1.2 * whole
