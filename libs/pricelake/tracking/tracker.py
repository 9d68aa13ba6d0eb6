"""MLflow behind one adapter: runs with parameters, curves and tags."""

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pricelake.errors import MachineError
from pricelake.settings import TrackingSettings

KEY_TAG = "pricelake.key"
"""Tag that names what was trained; a rerun after a kill is recognised by it."""

QUIET = ("mlflow", "alembic", "sqlalchemy")


class TrackedRun:
    """One open MLflow run."""

    def __init__(self, client: Any, run_id: str) -> None:
        """Wrap the run ``run_id``."""
        self._client, self.run_id = client, run_id

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters; nested mappings become ``section.name``, values are cut at 500 characters."""
        from mlflow.entities import Param

        flat = [Param(name, str(value)[:500]) for name, value in _flat(params)]
        for start in range(0, len(flat), 100):
            self._client.log_batch(self.run_id, params=flat[start : start + 100])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log figures; for a curve call it once per step."""
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        logged = [Metric(name, float(value), now, step) for name, value in metrics.items()]
        self._client.log_batch(self.run_id, metrics=logged)

    def log_epoch(self, row: Mapping[str, Any]) -> None:
        """Log one row of a training's history: its numbers, at step ``row["epoch"]``."""
        numbers = {k: v for k, v in row.items() if k != "epoch" and isinstance(v, int | float)}
        self.log_metrics(numbers, step=int(row["epoch"]))

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags, for example table → Delta version, snapshot, code version."""
        for name, value in tags.items():
            self._client.set_tag(self.run_id, name, str(value))

    def log_directory(self, directory: str | Path, name: str) -> None:
        """Store the files of ``directory`` as artifacts under ``name``."""
        self._client.log_artifacts(self.run_id, str(directory), name)


class Tracker:
    """Runs of one experiment."""

    def __init__(self, settings: TrackingSettings) -> None:
        """Connect, and create database, experiment and artifact directory where they are missing.

        Raises:
            MachineError: the tracking store does not answer or is no place to write.
        """
        self.settings = settings
        self.client = connect(settings)
        self.experiment_id = self._experiment()

    @contextmanager
    def start_run(self, name: str, key: str, tags: Mapping[str, Any] | None = None) -> Iterator[TrackedRun]:
        """Open a run; it ends as finished, or as failed where the block raises.

        Args:
            name: shown in MLflow.
            key: what is trained (inputs, settings, code). Runs with the same key that a kill left open end as killed.
            tags: further tags.
        """
        self._end_killed_runs(key)
        all_tags = {name: str(value) for name, value in (tags or {}).items()} | {KEY_TAG: key}
        run_id = str(self.client.create_run(self.experiment_id, tags=all_tags, run_name=name).info.run_id)
        try:
            yield TrackedRun(self.client, run_id)
        except BaseException:
            self.client.set_terminated(run_id, "FAILED")
            raise
        self.client.set_terminated(run_id, "FINISHED")

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name = self.settings.experiment
        try:
            found = self.client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage == "active":
                return str(found.experiment_id)
            if found is not None:
                self.client.restore_experiment(found.experiment_id)
                return str(found.experiment_id)
            return str(self.client.create_experiment(name, artifact_location=_as_uri(self.settings.artifacts)))
        except MlflowException as error:
            raise MachineError(
                f"MLflow at {self.settings.uri} does not work: {' '.join(str(error).split())[:300]} "
                f"Check tracking.uri and that the place can be written."
            ) from error

    def _end_killed_runs(self, key: str) -> None:
        query = f"attributes.status = 'RUNNING' and tags.`{KEY_TAG}` = '{key}'"
        for run in self.client.search_runs([self.experiment_id], query, max_results=100):
            self.client.set_terminated(run.info.run_id, "KILLED")


def connect(settings: TrackingSettings) -> Any:
    """A quiet ``MlflowClient`` for ``settings.uri``; the directory of an SQLite file is created.

    Raises:
        MachineError: the store cannot be opened.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    warnings.filterwarnings("ignore", module="mlflow")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    sqlite = re.fullmatch(r"sqlite:///(.+)", settings.uri)
    try:
        if sqlite:
            Path(sqlite.group(1)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"{settings.uri} cannot be created: {error}. Set tracking.uri to another place.") from error
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=settings.uri, registry_uri=settings.uri)


def _as_uri(place: str) -> str:
    return place if re.match(r"[a-z0-9+.-]+:", place) else Path(place).absolute().as_uri()


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
