"""Run the scoreboard: every case's shop through the jobs, every contender on it, one file of figures."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from pricelake.evaluation.contenders.curves import GuessedElasticity, HierarchicalOls, LogLogOls
from pricelake.evaluation.contenders.double_ml import DoubleMl
from pricelake.evaluation.contenders.interface import DemandModel, ModelPolicy, Policy
from pricelake.evaluation.contenders.lazy import CompetitorMedian, CostPlus, RatingRule, StatusQuo, UniformMove
from pricelake.evaluation.contenders.mlp import Mlp
from pricelake.evaluation.contenders.trees import LightGbm
from pricelake.evaluation.contenders.truthful import TrueOwnCurves
from pricelake.evaluation.feasible import HardRules
from pricelake.evaluation.judging import Stage, judge_model, judge_policies
from pricelake.evaluation.rows import Measured, Setting, summarise
from pricelake.settings.scoreboard import Case, ScoreboardSettings
from pricelake.tables import Lake
from pricelake.workflows.job import Reporter
from pricelake.workflows.provenance import code_version
from pricelake.workflows.score_shop import ScoredShop, read_pricelake, run_shop

UNIFORM_MOVES = (-0.10, -0.05, 0.05, 0.10, 0.15, 0.20)
CONFOUNDING = {"confounding_visible", "confounding_hidden"}


def score(
    spark: SparkSession, settings: ScoreboardSettings, folder: Path, command: str, reporter: Reporter
) -> dict[str, Any]:
    """The whole scoreboard.

    Args:
        spark: session.
        settings: what to run.
        folder: for the shops; each is removed when it is judged.
        command: what started the run, for the record.
        reporter: progress.

    Returns:
        ``rows`` (:meth:`pricelake.evaluation.rows.Row.as_dict`), ``commit``, ``command``, ``started_at``, ``seconds``.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    measured: list[Measured] = []
    for case in settings.cases:
        shop = run_shop(spark, settings.simulation(case), folder / case.name, reporter, with_model=True)
        reporter.step(f"Judge {case.name}")
        measured += judge_case(shop, case, Lake(spark, shop.settings.lake.root), settings.weeks)
        shutil.rmtree(folder / case.name)
    rows = summarise([*measured, *movements(measured)])
    return {
        "rows": [row.as_dict() for row in rows],
        "commit": code_version(),
        "command": command,
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 1),
    }


def judge_case(shop: ScoredShop, case: Case, lake: Lake, weeks: Sequence[int]) -> list[Measured]:
    """Every figure of every contender on one shop."""
    history = shop.history
    stage = Stage(
        market=shop.market,
        history=history,
        feasible=HardRules().feasible(history.price_now, history.unit_cost),
        setting=Setting(tuple(sorted(case.switches)), case.instruments, sold_out_rate=case.sold_out_rate),
    )
    pricelake = read_pricelake(lake, shop)
    models: list[DemandModel] = [
        *(GuessedElasticity(), LogLogOls(), HierarchicalOls()),
        *(LightGbm(), DoubleMl(), Mlp()),
    ]
    found = [one for model in (*models, pricelake) for one in judge_model(stage, model)]
    lazy: list[Policy] = [StatusQuo(), CostPlus(), CompetitorMedian(), RatingRule(), TrueOwnCurves(shop.market)]
    moves: list[Policy] = [UniformMove(rate) for rate in UNIFORM_MOVES]
    return found + judge_policies(stage, [*lazy, *moves, *map(ModelPolicy, models), pricelake], weeks)


def movements(measured: Sequence[Measured]) -> list[Measured]:
    """Mean own-price bias on a confounded shop minus that on its unconfounded twin, by contender and seed."""
    means = {
        (one.contender, one.setting, one.seed): one.value
        for one in measured
        if (one.section, one.figure) == ("own_price_bias", "mean") and one.setting.group is None
    }
    found = []
    for (contender, setting, seed), value in means.items():
        calm = replace(setting, switches=tuple(name for name in setting.switches if name not in CONFOUNDING))
        twin = means.get((contender, calm, seed))
        if calm != setting and twin is not None and np.isfinite(value - twin):
            found.append(Measured("own_price_bias", "movement", contender, setting, seed, value - twin))
    return found
