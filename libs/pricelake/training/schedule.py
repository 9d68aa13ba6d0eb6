"""The learning rate over a training, and when it stops early."""

import math
from collections.abc import Sequence
from typing import Literal

FINAL_RATE = 0.01
"""Share of the peak learning rate that the cosine ends at."""


def learning_rate(
    progress: float, epochs: int, warmup_epochs: int, peak: float, schedule: Literal["cosine", "constant"] = "cosine"
) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the peak, or the peak to the end.

    Warm-up: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2. Cosine: Loshchilov and Hutter 2017,
    "SGDR", equation 5 without restarts. The rate belongs to the global batch and is not scaled by the number of ranks.

    Args:
        progress: epochs done, fractions included, 0 … ``epochs``.
        epochs: epochs of the whole training.
        warmup_epochs: epochs of warm-up; none where they would be the whole training.
        peak: highest rate.
        schedule: what follows the warm-up.

    Returns:
        the rate, above 0.
    """
    warmup = warmup_epochs if warmup_epochs < epochs else 0
    if progress < warmup:
        return peak * max(progress, 0.0) / warmup + peak * FINAL_RATE * (1.0 - progress / warmup)
    if schedule == "constant":
        return peak
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, (progress - warmup) / (epochs - warmup))))
    return peak * (FINAL_RATE + (1.0 - FINAL_RATE) * cosine)


def best_epoch(validation_losses: Sequence[float]) -> int:
    """Epoch (from 1) with the lowest validation loss, the earliest where several share it."""
    return min(range(len(validation_losses)), key=validation_losses.__getitem__) + 1


def stops(validation_losses: Sequence[float], patience_epochs: int) -> bool:
    """Whether the last ``patience_epochs`` epochs brought no new best loss."""
    return len(validation_losses) - best_epoch(validation_losses) >= patience_epochs
