"""The model registry: versions with a key, aliases, and the files of a version."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pricelake import __version__
from pricelake.errors import TrainingError
from pricelake.settings import TrackingSettings
from pricelake.tracking.tracker import KEY_TAG, TrackedRun, connect

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class ModelVersion:
    """One registered version.

    Attributes:
        name: registered model.
        version: number, from 1.
        key: what was trained; the same key is registered once.
        run_id: MLflow run that made it.
        source: URI of its files.
        tags: further tags.
    """

    name: str
    version: int
    key: str
    run_id: str
    source: str
    tags: dict[str, str]


class Registry:
    """Registered models of one MLflow store."""

    def __init__(self, settings: TrackingSettings) -> None:
        """Connect to ``settings.uri``."""
        self.settings = settings
        self.client = connect(settings)

    def log_model(
        self,
        run: TrackedRun,
        directory: str | Path,
        loader_module: str,
        input_example: pd.DataFrame,
        output_example: pd.DataFrame,
    ) -> str:
        """Store a directory of model files as a pyfunc model with a signature.

        Args:
            run: the run that made the model.
            directory: its files (weights, vocabulary, …); copied.
            loader_module: importable module with ``_load_pyfunc(path)``, which gets the copied directory and returns an
                object with ``predict(frame)``.
            input_example: a few rows as ``predict`` takes them.
            output_example: what it returns for them.

        Returns:
            model URI, to be registered.
        """
        import mlflow
        from mlflow.models import infer_signature

        with _current(self.settings):
            mlflow.start_run(run_id=run.run_id)
            try:
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    loader_module=loader_module,
                    data_path=str(directory),
                    signature=infer_signature(input_example, output_example),
                    pip_requirements=[f"pricelake=={__version__}"],
                )
            finally:
                mlflow.end_run("RUNNING")
        return str(logged.model_uri)

    def register(
        self, model_uri: str, name: str, run: TrackedRun, key: str, tags: Mapping[str, Any] | None = None
    ) -> int:
        """Register a logged model once per key; the version appears with all its tags or not at all.

        Args:
            model_uri: from :meth:`log_model`.
            name: registered model, created where it is missing.
            run: the run that made it.
            key: what was trained.
            tags: further tags.

        Returns:
            the version: the one that already has this key, or a new one.
        """
        found = self.version_by_key(name, key)
        if found is not None:
            return found.version
        self._create(name)
        all_tags = {tag: str(value) for tag, value in (tags or {}).items()} | {KEY_TAG: key}
        model_id = model_uri.removeprefix("models:/") if model_uri.startswith("models:/m-") else None
        source = self.client.get_logged_model(model_id).artifact_location if model_id else model_uri
        made = self.client.create_model_version(name, source, run.run_id, tags=all_tags, model_id=model_id)
        return int(made.version)

    def version_by_key(self, name: str, key: str) -> ModelVersion | None:
        """The version that was registered for ``key``, or None."""
        found = self.client.search_model_versions(f"name = '{name}' and tags.`{KEY_TAG}` = '{key}'")
        return _version(max(found, key=lambda version: int(version.version))) if found else None

    def version_by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """The version that carries ``alias``, or None."""
        from mlflow.exceptions import MlflowException

        try:
            return _version(self.client.get_model_version_by_alias(name, alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Give ``alias`` to ``version`` and take it from any other one."""
        self.client.set_registered_model_alias(name, alias, str(version))

    def set_version_tags(self, name: str, version: int, tags: Mapping[str, Any]) -> None:
        """Add tags to a version, for example the outcome of its gates."""
        for tag, value in tags.items():
            self.client.set_model_version_tag(name, str(version), tag, str(value))

    def download(self, name: str, version: int | str) -> Path:
        """The directory that was given to :meth:`log_model`, on this machine.

        Args:
            name: registered model.
            version: number, or an alias.

        Raises:
            TrainingError: there is no such version, or its files are gone.
        """
        import mlflow
        from mlflow.exceptions import MlflowException
        from mlflow.models import Model

        place = f"models:/{name}@{version}" if isinstance(version, str) else f"models:/{name}/{version}"
        try:
            # not by models:/ URI, which MLflow resolves in the process-wide registry whatever it is told
            by_alias = isinstance(version, str)
            number = self.client.get_model_version_by_alias(name, version).version if by_alias else version
            source = self.client.get_model_version_download_uri(name, str(number))
            local = Path(mlflow.artifacts.download_artifacts(source, tracking_uri=self.settings.uri))
            data = Model.load(str(local)).flavors["python_function"]["data"]
        except (MlflowException, OSError, KeyError) as error:
            raise TrainingError(
                f"{place} cannot be fetched from {self.settings.uri}: {' '.join(str(error).split())[:300]} "
                f"Train the model again, or set tracking.uri to the store that holds it."
            ) from error
        return local / str(data)

    def _create(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _version(found: Any) -> ModelVersion:
    tags = dict(found.tags)
    key = tags.pop(KEY_TAG, "")
    return ModelVersion(found.name, int(found.version), key, str(found.run_id), str(found.source), tags)


@contextmanager
def _current(settings: TrackingSettings) -> Iterator[None]:
    """MLflow's process-wide tracking store set to ours, and put back."""
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(settings.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
