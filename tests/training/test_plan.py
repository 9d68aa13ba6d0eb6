"""The small parts: early stopping, divergence, weights on disk, what a failure says."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pricelake.errors import TrainingError
from pricelake.settings import TrainingSettings
from pricelake.training import Snapshot, load_weights
from pricelake.training.launch import explain_failure
from pricelake.training.loop import refuse_spread
from pricelake.training.plan import TrainingPlan, training_key
from pricelake.training.stopping import best_epoch, stops
from pricelake.training.weights import (
    Checkpoint,
    load_checkpoint,
    remove_temporary,
    save_checkpoint,
    save_weights,
)
from tests.training.linear_task import LinearTask

SNAPSHOT = Snapshot("/data/train-v1-a-b", ("/data/train-v1-a-b/part-00000.parquet",), 10, 10, "a", 1)


@pytest.mark.parametrize(
    ("losses", "best", "stop"),
    [([3.0], 1, False), ([3.0, 2.0, 2.5], 2, False), ([3.0, 2.0, 2.5, 2.0], 2, True), ([1.0, 2.0, 2.0], 1, True)],
)
def test_early_stopping_counts_epochs_without_a_new_best(losses: list[float], best: int, stop: bool) -> None:
    assert (best_epoch(losses), stops(losses, patience_epochs=2)) == (best, stop)


def test_spread_of_weights_between_ranks() -> None:
    equal = np.tile(np.array([[1000.0, 5.0], [-3.0, 0.1]]), (3, 1, 1))
    equal[1] *= 1.0 + 1e-8
    refuse_spread(equal, ["kernel", "bias"])
    equal[2, 1, 1] += 0.001
    with pytest.raises(TrainingError, match="Ranks hold different weights in bias: their gradients"):
        refuse_spread(equal, ["kernel", "bias"])


class Model:
    def __init__(self, *shapes: tuple[int, ...]) -> None:
        self.weights = [np.zeros(shape, np.float32) for shape in shapes]

    def get_weights(self) -> list[Any]:
        return self.weights

    def set_weights(self, weights: list[Any]) -> None:
        self.weights = weights


def test_weights_keep_their_order_and_must_fit(tmp_path: Path) -> None:
    weights = [np.full((i % 3 + 1, 2), i, np.float32) for i in range(12)]
    path = tmp_path / "model" / "weights.npz"
    save_weights(path, weights)
    model = Model(*(weight.shape for weight in weights))
    load_weights(model, path)
    for found, expected in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(TrainingError, match="It belongs to another model"):
        load_weights(Model((1, 2)), path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TrainingError, match="cannot be read"):
        load_weights(model, path)
    with pytest.raises(TrainingError, match="does not exist"):
        load_weights(model, tmp_path / "none.npz")


def test_checkpoint_goes_round_and_killed_writers_leave_nothing(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    arrays = [np.arange(3, dtype=np.float32), np.array(7, dtype=np.int64)]
    history = [{"epoch": 1, "validation_loss": 0.25, "rows_per_rank": [4, 4]}]
    saved = Checkpoint("key", 1, arrays[:1], arrays, arrays[:1], 1, history, finished=False)
    save_checkpoint(tmp_path, saved)
    (tmp_path / ".checkpoint.npz.tmp-0123abcd").write_bytes(b"half")
    remove_temporary(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]
    found = load_checkpoint(tmp_path)
    assert found is not None
    for field in dataclasses.fields(Checkpoint):
        assert repr(getattr(found, field.name)) == repr(getattr(saved, field.name))


def test_key_changes_with_what_decides_the_result_only() -> None:
    base = TrainingSettings()

    def key(task: LinearTask = LinearTask(), train: Snapshot = SNAPSHOT, **changes: Any) -> str:  # noqa: B008
        return training_key(task, train, SNAPSHOT, base.model_copy(update=changes))

    same = [key(), key(ranks=7), key(launcher="spark"), key(directory="elsewhere"), key(start_timeout_seconds=1)]
    assert len(set(same)) == 1
    moved = dataclasses.replace(SNAPSHOT, directory="/other/place/train-v1-a-b")
    assert key(train=moved) == key(), "a snapshot is known by its name, which holds its content"
    others = [
        key(LinearTask(l2=0.1)),
        key(train=dataclasses.replace(SNAPSHOT, directory="/data/train-v2-a-b")),
        *(key(**change) for change in ({"seed": 1}, {"epochs": 9}, {"batch_size": 1}, {"learning_rate": 1.0})),
    ]
    assert len({key(), *others}) == 7


def plan_with(tmp_path: Path, launcher: str, states: list[dict[str, Any]]) -> TrainingPlan:
    settings = TrainingSettings().model_copy(update={"launcher": launcher})
    plan = TrainingPlan(LinearTask(), SNAPSHOT, SNAPSHOT, settings, str(tmp_path), 1, "key")
    plan.logs.mkdir()
    for state in states:
        (plan.logs / f"rank-{state['rank']}.json").write_text(json.dumps(state))
    return plan


STARTED = {"state": "started"}
VICTIM = {"state": "failed", "kind": "UnknownError", "message": "Horovod has been shut down. This was caused by"}
LOST = {"state": "failed", "kind": "TrainingError", "message": "The feed handed out 3 rows of 4."}
CAUSE = {"state": "failed", "kind": "ValueError", "message": "bad\n\nshape\nline 3\nline 4"}
LAUNCHER = "Horovod detected\nProcess name: {}\nExit code: {}\n"


@pytest.mark.parametrize(
    ("launcher", "states", "message", "expected"),
    [
        ("local", [VICTIM, LOST], LAUNCHER.format(0, 1), "Rank 1 of 2 failed: The feed handed out 3 rows of 4. Its"),
        ("local", [CAUSE, VICTIM], LAUNCHER.format(1, 1), "Rank 0 of 2 failed: ValueError: bad shape line 3 Its log"),
        ("local", [VICTIM, STARTED], LAUNCHER.format(1, 137), "Rank 1 of 2 was ended by SIGKILL (often for lack of"),
        ("local", [STARTED, STARTED], LAUNCHER.format(1, 139), "Rank 1 of 2 was ended by SIGSEGV. Its log: "),
        ("spark", [VICTIM, STARTED], LAUNCHER.format(0, 255), "Rank 1 of 2 ended without a word, as a killed"),
    ],
)
def test_failure_names_the_rank_that_caused_it(
    tmp_path: Path, launcher: str, states: list[dict[str, Any]], message: str, expected: str
) -> None:
    plan = plan_with(tmp_path, launcher, [{"rank": rank, **state} for rank, state in enumerate(states)])
    said = explain_failure(plan, message)
    assert said.startswith(expected)
    assert said.endswith("run the same training again to go on from the last one.")
    assert f"Its log: {plan.logs}/rank-{expected[5]}.log. " in said


def test_failure_before_any_rank_started_keeps_the_launchers_words(tmp_path: Path) -> None:
    said = explain_failure(plan_with(tmp_path, "spark", []), "Timed out waiting\nfor tasks.")
    assert said == f"The ranks did not start: Timed out waiting for tasks. Logs: {tmp_path}/logs."


def test_ranks_of_unequal_steps_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    from pricelake.training import loop

    answers = iter([3, 4])
    monkeypatch.setattr(loop.hvd, "allreduce", lambda *_, **__: next(answers))
    monkeypatch.setattr(loop, "footer_rows", lambda _: 100)
    training = object.__new__(loop.RankTraining)
    training.rank = 1
    training.plan = SimpleNamespace(settings=TrainingSettings(batch_size=30), train=SNAPSHOT)  # type: ignore[assignment]
    with pytest.raises(TrainingError, match="Rank 1 has 4 steps, but ranks have between 3 and 4"):
        training._agree_on_steps(["file"])
