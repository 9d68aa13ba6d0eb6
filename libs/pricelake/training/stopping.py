"""When a training stops early, and which epoch's weights it keeps."""

from collections.abc import Sequence


def best_epoch(validation_losses: Sequence[float]) -> int:
    """Epoch (from 1) with the lowest validation loss, the earliest where several share it."""
    return min(range(len(validation_losses)), key=validation_losses.__getitem__) + 1


def stops(validation_losses: Sequence[float], patience_epochs: int) -> bool:
    """Whether the last ``patience_epochs`` epochs brought no new best loss."""
    return len(validation_losses) - best_epoch(validation_losses) >= patience_epochs
