"""Batches leave an epoch its least number of steps."""

import pytest

from pricelake.settings import TrainingSettings
from pricelake.workflows.train_demand import SMALLEST_BATCH, with_fitting_batches


@pytest.mark.parametrize(
    ("rows", "ranks", "batch"),
    [(10_000_000, 2, 2048), (24_000, 2, 240), (24_000, 1, 480), (204_800, 2, 2048), (900, 2, SMALLEST_BATCH)],
)
def test_small_data_get_small_batches(rows: int, ranks: int, batch: int) -> None:
    settings = TrainingSettings(ranks=ranks)
    fitting = with_fitting_batches(settings, rows)
    assert fitting.batch_size == batch
    assert fitting == settings.model_copy(update={"batch_size": batch})
    if batch > SMALLEST_BATCH:
        assert rows // (ranks * batch) >= settings.steps_per_epoch


def test_a_smaller_batch_that_was_asked_for_stays() -> None:
    assert with_fitting_batches(TrainingSettings(batch_size=100), 10_000_000).batch_size == 100
