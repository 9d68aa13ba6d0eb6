"""The whole chain once on the tiny shop, with the state of everything kept after each job."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from pricelake.settings import Settings, load_settings
from pricelake.workflows.catalogue import JOBS
from pricelake.workflows.job import JobResult, run_job
from tests.tiny_shop import AS_OF, write_tiny_shop

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Site:
    """One installation: a folder with settings, shop, lake, models and report."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        return self.folder / "settings.yaml"

    @property
    def settings(self) -> Settings:
        return load_settings(self.settings_file)

    def moved_copy(self, folder: Path, state: Path) -> "Site":
        """Everything as it was in ``state``, at ``folder``."""
        shutil.copytree(state, folder)
        copy = Site(folder)
        write_site_settings(copy)
        return copy


def write_site_settings(site: Site) -> None:
    """Small models, so that a run takes seconds."""
    at = str(site.folder)
    settings = {
        "as_of": AS_OF,
        "lake": {"root": f"{at}/lake"},
        "shop": f"{at}/shop/shop.yaml",
        "rules": str(REPOSITORY / "conf/rules/grocery.yaml"),
        "spark": {"master": "local[2]", "driver_memory": "1g", "shuffle_partitions": 2},
        "recommender": {"rank": 4, "iterations": 3, "top_k": 5, "similar_k": 3},
        "demand": {"hidden_units": [16, 8], "min_sold_periods": 10, "holdout_periods": 6, "validation_periods": 4},
        "training": {"epochs": 4, "batch_size": 128, "files_per_rank": 2, "directory": f"{at}/training"},
        "tracking": {"uri": f"sqlite:///{at}/mlflow.db", "artifacts": f"{at}/artifacts"},
        "report": {"path": f"{at}/report.html", "curves": 3},
    }
    site.settings_file.write_text(yaml.safe_dump(settings), encoding="utf-8")


@dataclass(frozen=True)
class Chain:
    """An undisturbed run: the site at its end, the state after each job, and what each job said."""

    site: Site
    states: dict[str, Path]
    results: dict[str, JobResult]


@pytest.fixture(scope="session")
def chain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("chain")
    site = Site(folder / "site")
    write_tiny_shop(site.folder / "shop")
    write_site_settings(site)
    states, results = {"start": folder / "start"}, {}
    shutil.copytree(site.folder, states["start"])
    for entry in JOBS:
        results[entry.name] = run_job(entry.name, entry.workflow(), spark, site.settings, AS_OF)
        states[entry.name] = folder / f"after-{entry.name}"
        shutil.copytree(site.folder, states[entry.name])
    return Chain(site, states, results)


@pytest.fixture
def site_before(chain: Chain, tmp_path: Path) -> Callable[[str], Site]:
    """A copy of the site as it was just before a job ran, in a folder of its own."""

    def copy(job: str) -> Site:
        names = ["start", *(entry.name for entry in JOBS)]
        return chain.site.moved_copy(tmp_path / "site", chain.states[names[names.index(job) - 1]])

    return copy
