"""PriceLake's jobs once more on a scored shop: under other settings, with another seed, as of a week before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from pricelake.evaluation.scoring.effort import attempted
from pricelake.evaluation.scoring.failures import told
from pricelake.evaluation.scoring.stability import REFITS
from pricelake.settings import Settings
from pricelake.settings.loading import overlay, validate
from pricelake.tables import Lake
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import Reporter, run_job
from pricelake.workflows.scoreboard.pricelake import PriceLakeCurves, read_pricelake
from pricelake.workflows.scoreboard.shop import MODEL_JOBS, ScoredShop
from pricelake.workflows.simulate import run_settings

DEMAND_JOBS = ("train_demand", "recommend_prices")


def variant_of(
    spark: SparkSession, shop: ScoredShop, name: str, changes: Mapping[str, Any], reporter: Reporter
) -> PriceLakeCurves:
    """PriceLake under other settings, as a contender of its own.

    The tables of the shop's last run are replaced: read first what is wanted of them.

    Args:
        spark: session.
        shop: whose jobs have run.
        name: of the contender.
        changes: what differs in the settings, by section; of the recommender only what it learns for ``train_demand``.
        reporter: progress.

    Raises:
        SettingsError: there are no such settings.
    """
    settings = with_changes(shop.settings, name, changes)
    return replace(_run_again(spark, shop, name, DEMAND_JOBS, settings, shop.market.as_of, reporter), name=name)


def check_variants(variants: Mapping[str, Mapping[str, Any]]) -> None:
    """See that there are settings such as the variants want, before an hour is spent.

    Args:
        variants: what differs in the settings, by name.

    Raises:
        SettingsError: a variant has none.
    """
    usual = Settings.model_validate(run_settings(Path("shop.yaml"), date(2000, 1, 3), Path()))
    for name, changes in variants.items():
        with_changes(usual, name, changes)


def with_changes(settings: Settings, name: str, changes: Mapping[str, Any]) -> Settings:
    """Settings of a variant.

    Raises:
        SettingsError: there are no such settings.
    """
    return validate(Settings, overlay(settings.model_dump(), changes), f"variant {name}")


def refit_pricelake(spark: SparkSession, shop: ScoredShop, reporter: Reporter) -> dict[str, PriceLakeCurves]:
    """Curves of the same offers, learnt again, by what differs: a key of ``evaluation.scoring.stability.REFITS``.

    The tables of the shop's last run are replaced: read first what is wanted of them. Where its jobs failed, there is
    nothing to hold another fit against: they are not run again, and both fits fail with them.

    Args:
        spark: session.
        shop: whose jobs have run.
        reporter: progress.
    """
    settings, as_of = shop.settings, shop.market.as_of
    if shop.error is not None:
        unlearnt = replace(shop, effort=None, error=f"Not learnt again, as it was not learnt once: {shop.error}")
        return dict.fromkeys(REFITS, read_pricelake(Lake(spark, settings.lake.root), unlearnt))
    seeds = {"training": {"seed": settings.training.seed + 1}, "recommender": {"seed": settings.recommender.seed + 1}}
    other_seed = with_changes(settings, "seed", seeds)
    week_before = as_of - timedelta(days=settings.features.period_days)
    return {
        "seed": _run_again(spark, shop, "seed", DEMAND_JOBS, other_seed, as_of, reporter),
        "week": _run_again(spark, shop, "week", ("build_features", *MODEL_JOBS), settings, week_before, reporter),
    }


def _run_again(
    spark: SparkSession,
    shop: ScoredShop,
    what: str,
    jobs: tuple[str, ...],
    settings: Settings,
    as_of: date,
    reporter: Reporter,
) -> PriceLakeCurves:
    """Models go by names of their own, so that none of them is held against another one."""
    tracking = settings.tracking.model_copy(update={"model_name": f"{settings.tracking.model_name}-{what}"})
    named = settings.model_copy(update={"tracking": tracking})

    def work() -> None:
        for name in jobs:
            run_job(name, job_entry(name).workflow(), spark, named, as_of, reporter)

    effort, failure = attempted(work)
    after = replace(shop, effort=effort, error=None if failure is None else told(failure))
    return read_pricelake(Lake(spark, settings.lake.root), after, as_of)
