"""The MLflow adapter on a real SQLite store."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest

from pricelake.errors import MachineError, TrainingError
from pricelake.settings import TrackingSettings
from pricelake.tracking import CHALLENGER, CHAMPION, Registry, TrackedRun, Tracker

NAME = "demand"
X, Y = pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"y": [4.0, 5.0]})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrackingSettings:
    root = tmp_path_factory.mktemp("store")
    return TrackingSettings(uri=f"sqlite:///{root}/not/yet/there/mlflow.db", artifacts=str(root / "artifacts"))


@pytest.fixture(scope="module")
def tracker(store: TrackingSettings) -> Tracker:
    return Tracker(store)


@pytest.fixture(scope="module")
def registry(store: TrackingSettings, tracker: Tracker) -> Registry:
    return Registry(store)


def logged(registry: Registry, run: TrackedRun, directory: Path, summand: float) -> str:
    directory.mkdir(exist_ok=True)
    (directory / "summand.txt").write_text(str(summand))
    return registry.log_model(run, directory, "tests.unit.additive_model", X, Y)


def test_run_keeps_parameters_curves_and_tags(tracker: Tracker, store: TrackingSettings) -> None:
    with tracker.start_run("train", "key-a", {"gold.demand_panel": 7}) as run:
        run.log_params({"demand": {"hidden_units": (96, 48), "trait_sd": 1e-5}, "as_of": "2018-01-01"})
        for epoch in (1, 2):
            run.log_epoch({"epoch": epoch, "validation_loss": 1.0 / epoch, "rows_per_rank": [5, 5]})
        run.log_metrics({"wape": 0.45})
        run.set_tags({"snapshot": "train-v7"})
    found = mlflow.MlflowClient(store.uri).get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"demand.hidden_units": "(96, 48)", "demand.trait_sd": "1e-05", "as_of": "2018-01-01"}
    assert found.data.tags["gold.demand_panel"] == "7"
    assert (found.data.tags["snapshot"], found.data.tags["pricelake.key"]) == ("train-v7", "key-a")
    curve = mlflow.MlflowClient(store.uri).get_metric_history(run.run_id, "validation_loss")
    assert [(point.step, point.value) for point in curve] == [(1, 1.0), (2, 0.5)]
    assert found.data.metrics == {"validation_loss": 0.5, "wape": 0.45}


def test_failed_and_killed_runs_end(tracker: Tracker) -> None:
    with pytest.raises(ValueError, match="no"), tracker.start_run("train", "key-b") as failed:
        raise ValueError("no")
    open_runs = [tracker.client.create_run(tracker.experiment_id, tags={"pricelake.key": key}) for key in "cd"]
    with tracker.start_run("train", "c"):
        pass
    states = [tracker.client.get_run(run.info.run_id).info.status for run in open_runs]
    assert tracker.client.get_run(failed.run_id).info.status == "FAILED"
    assert states == ["KILLED", "RUNNING"], "only the run with the same key is taken for killed"


def test_model_goes_round_with_signature_versions_and_aliases(
    tracker: Tracker, registry: Registry, store: TrackingSettings, tmp_path: Path
) -> None:
    assert registry.version_by_alias(NAME, CHAMPION) is None
    assert registry.version_by_key(NAME, "one") is None
    versions = {}
    for key, summand in (("one", 3.0), ("two", 5.0)):
        with tracker.start_run("train", key) as run:
            uri = logged(registry, run, tmp_path / key, summand)
            versions[key] = registry.register(uri, NAME, run, key, {"as_of": "2018-01-01"})
        assert tracker.client.get_run(run.run_id).info.status == "FINISHED"
    assert versions == {"one": 1, "two": 2}
    with tracker.start_run("train", "two") as rerun:
        again = registry.register(logged(registry, rerun, tmp_path / "two", 5.0), NAME, rerun, "two")
    assert again == 2, "the same key is registered once"

    registry.set_alias(NAME, CHAMPION, 1)
    registry.set_alias(NAME, CHALLENGER, 2)
    champion = registry.version_by_alias(NAME, CHAMPION)
    assert champion is not None
    assert (champion.version, champion.key, champion.tags["as_of"]) == (1, "one", "2018-01-01")
    assert (registry.download(NAME, CHAMPION) / "summand.txt").read_text() == "3.0"
    assert (registry.download(NAME, 2) / "summand.txt").read_text() == "5.0"
    registry.set_alias(NAME, CHAMPION, 2)
    moved = registry.version_by_alias(NAME, CHAMPION)
    assert moved is not None
    assert moved.version == 2
    registry.set_version_tags(NAME, 2, {"gates": "passed"})
    tagged = registry.version_by_key(NAME, "two")
    assert tagged is not None
    assert tagged.tags["gates"] == "passed"

    mlflow.set_tracking_uri(store.uri)
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@{CHAMPION}")
    assert served.metadata.signature.inputs.input_names() == ["x"]
    assert served.predict(X)["y"].tolist() == [6.0, 7.0]


def test_what_is_missing_is_said(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"models:/nothing/9 cannot be fetched from sqlite:.*Train the model again"):
        registry.download("nothing", 9)
    assert registry.version_by_alias("nothing", CHAMPION) is None
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match=r"cannot be created: .*Set tracking.uri to another place"):
        Tracker(TrackingSettings(uri=f"sqlite:///{tmp_path}/file/mlflow.db"))


def test_process_wide_store_is_left_alone(registry: Registry, tracker: Tracker, tmp_path: Path) -> None:
    before = mlflow.get_tracking_uri()
    with tracker.start_run("train", "three") as run:
        logged(registry, run, tmp_path / "three", 1.0)
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None
