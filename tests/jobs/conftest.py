"""The whole chain once on the tiny shop, with the state of everything kept after each job and at its commits."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from pricelake.settings import Settings, load_settings
from pricelake.tables import Lake
from pricelake.workflows import entry
from pricelake.workflows.catalogue import JOBS
from pricelake.workflows.job import JobResult, run_job
from tests.jobs.commits import COMMIT_POINTS, CommitPoint, counting_commits
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
    """An undisturbed run, each job by its script.

    Attributes:
        site: at its end.
        states: job → copy of the site after it, and ``start``.
        at_commits: copies of the site in the middle of a job.
        exit_codes: job → what its script returned.
        results: job → what it said.
    """

    site: Site
    states: dict[str, Path]
    at_commits: dict[CommitPoint, Path]
    exit_codes: dict[str, int]
    results: dict[str, JobResult]


@pytest.fixture(scope="session")
def chain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("chain")
    site = Site(folder / "site")
    write_tiny_shop(site.folder / "shop")
    write_site_settings(site)
    found = Chain(site, {"start": folder / "start"}, {}, {}, {})
    shutil.copytree(site.folder, found.states["start"])

    def run_and_keep(name: str, *more: Any) -> JobResult:
        found.results[name] = run_job(name, *more)
        return found.results[name]

    def keep_state(point: CommitPoint, _lake: Lake, _table: str) -> None:
        if point in COMMIT_POINTS:
            found.at_commits[point] = folder / "-".join(map(str, point))
            shutil.copytree(site.folder, found.at_commits[point])

    for job in JOBS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(entry, "run_job", run_and_keep)
            patch.setattr(Lake, "_commit", counting_commits(job.name, keep_state))
            found.exit_codes[job.name] = import_module(f"jobs.{job.name}").main(["--settings", str(site.settings_file)])
        found.states[job.name] = folder / f"after-{job.name}"
        shutil.copytree(site.folder, found.states[job.name])
    return found


@pytest.fixture
def site_before(chain: Chain, tmp_path: Path) -> Callable[[str], Site]:
    """A copy of the site as it was just before a job ran, in a folder of its own."""

    def copy(job: str) -> Site:
        names = ["start", *(one.name for one in JOBS)]
        return chain.site.moved_copy(tmp_path / "site", chain.states[names[names.index(job) - 1]])

    return copy
