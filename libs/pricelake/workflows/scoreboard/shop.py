"""One shop of the scoreboard: its history through the jobs, as contenders see it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from pricelake.evaluation.contenders.interface import History
from pricelake.evaluation.market import Market
from pricelake.evaluation.scoring.effort import Effort, attempted
from pricelake.evaluation.scoring.failures import told
from pricelake.settings import Settings
from pricelake.settings.loading import load_settings
from pricelake.tables import Lake
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import Reporter, run_job
from pricelake.workflows.scoreboard.history import read_history
from pricelake.workflows.simulate import run_settings

DATA_JOBS = ("ingest", "build_features")
MODEL_JOBS = ("train_recommender", "train_demand", "recommend_prices")


def quicker(*, with_lists: bool) -> dict[str, Any]:
    """Settings that leave out what no contender reads and no figure is of.

    The jobs' own comparisons decide nothing here, as the scoreboard has a LightGBM on all rows, and true tastes. Prices
    rest on the recommender's factors and not on its lists.

    Args:
        with_lists: whether recommendations are judged.
    """
    return {
        "demand": {"lightgbm_max_rows": 2000},
        "features": {"sequences": False},
        "recommender": {"judge_ranking": False, "lists": with_lists},
    }


@dataclass(frozen=True)
class ScoredShop:
    """A shop after its jobs.

    Attributes:
        market: its truth.
        history: what contenders get.
        settings: with which its jobs ran.
        effort: what PriceLake's own jobs took, up to the failure where one failed; None: they were not asked for.
        finished: PriceLake's own jobs that did.
        error: why the job after those failed; None where none did.
    """

    market: Market
    history: History
    settings: Settings
    effort: Effort | None = None
    finished: tuple[str, ...] = ()
    error: str | None = None


def run_shop(
    spark: SparkSession,
    market: Market,
    rules: Path,
    folder: Path,
    reporter: Reporter,
    *,
    with_model: bool,
    with_lists: bool,
) -> ScoredShop:
    """Ingest and build features and, if asked, train and price.

    Whatever PriceLake's own jobs raise, a gate that was not passed or a process that died, is PriceLake's failure and
    stops nobody else; the jobs after it are left out, as in a nightly run.

    Args:
        spark: session.
        market: whose shop file names the bronze tables.
        rules: rules file.
        folder: for tables and models.
        reporter: progress.
        with_model: whether PriceLake itself is a contender.
        with_lists: whether its recommendations are judged.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(run_settings(market.shop.absolute(), market.as_of, folder)), encoding="utf-8")
    settings = load_settings(path, {"rules": str(rules), **quicker(with_lists=with_lists)})

    def run(name: str) -> None:
        run_job(name, job_entry(name).workflow(), spark, settings, market.as_of, reporter)

    for name in DATA_JOBS:
        run(name)
    history = read_history(Lake(spark, settings.lake.root), market, settings)
    if not with_model:
        return ScoredShop(market, history, settings)
    finished: list[str] = []

    def learn() -> None:
        for name in MODEL_JOBS:
            run(name)
            finished.append(name)

    effort, failure = attempted(learn)
    return ScoredShop(market, history, settings, effort, tuple(finished), None if failure is None else told(failure))
