"""Run the scoreboard: every case's shop through the jobs, every contender on it, one file of figures."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from pricelake.evaluation.feasible import hard_rules
from pricelake.evaluation.market import Market
from pricelake.evaluation.rows import Measured, Setting, summarise
from pricelake.evaluation.scoring.stage import Contender, Stage
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings.loading import settings_hash
from pricelake.settings.rules import load_rules
from pricelake.settings.scoreboard import Case, Part, ScoreboardSettings
from pricelake.tables import Lake
from pricelake.workflows.job import Reporter
from pricelake.workflows.own_code import create
from pricelake.workflows.provenance import code_version
from pricelake.workflows.score_case import Judged, judge, rivals
from pricelake.workflows.score_kept import KeptCases
from pricelake.workflows.score_pricelake import read_pricelake, read_recommendations
from pricelake.workflows.score_shop import run_shop
from pricelake.workflows.simulate import simulate

CONFOUNDING = {"confounding_visible", "confounding_hidden"}
EVERY_PART: tuple[Part, ...] = (
    "own_price_bias", "after_change", "profit_capture", "promise", "cold_start", "recommendation",
)  # fmt: skip


@dataclass(frozen=True)
class Round:
    """One shop to judge on, and how to come by it.

    Attributes:
        name: of its folder and in the record.
        setting: under which its figures stand.
        parts: sections that are measured.
        open: makes the market, with a folder for its files.
    """

    name: str
    setting: Setting
    parts: tuple[Part, ...]
    open: Callable[[Path], Market]


def score(
    spark: SparkSession,
    settings: ScoreboardSettings,
    folder: Path,
    command: str,
    reporter: Reporter,
    save: Callable[[dict[str, Any]], None] = lambda _: None,
    *,
    resume: bool = False,
) -> dict[str, Any]:
    """The whole scoreboard.

    Args:
        spark: session.
        settings: what to run.
        folder: for the shops, each removed when it is judged, and for judged cases until all are.
        command: what started the run, for the record.
        reporter: progress.
        save: given the record so far after each case.
        resume: whether to take the cases that a run judged before it was cut off.

    Returns:
        ``rows`` (:meth:`pricelake.evaluation.rows.Row.as_dict`), ``cases``, ``promises``, ``failures``,
        ``usual_sold_out_rate``, ``commit``, ``command``, ``started_at`` and ``seconds``, the sum over cases.

    Raises:
        SettingsError: a market or contender of one's own cannot be made, or what is to be resumed is of other code or
            settings.
    """
    started, kept = datetime.now(UTC), KeptCases(folder / "judged", f"{code_version()}/{settings_hash(settings)}")
    if not resume:
        kept.clear()
    measured: list[Measured] = []
    record: dict[str, Any] = {"rows": [], "cases": [], "promises": [], "failures": []}
    record |= {
        "usual_sold_out_rate": settings.shop.sold_out_rate,
        "commit": code_version(),
        "command": command,
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": 0.0,
    }
    rounds = rounds_of(spark, settings, reporter)
    for reference in settings.contenders:
        _own(reference)  # before an hour is spent
    for number, one in enumerate(rounds, 1):
        known = kept.read(one.name)
        told = "judged before" if known else "simulate, learn, judge"
        reporter.step(f"Case {number} of {len(rounds)}: {one.name} ({told})")
        judged, facts = known or _judge_anew(spark, settings, one, folder, reporter)
        kept.write(one.name, judged, facts)
        measured += judged.measured
        record["rows"] = [row.as_dict() for row in summarise([*measured, *movements(measured)])]
        record["cases"].append(facts)
        record["promises"] += judged.promises
        record["failures"] += [{"case": one.name} | failure for failure in judged.failures]
        record["seconds"] = round(record["seconds"] + facts["seconds"], 1)
        save(record)
    kept.clear()
    return record


def _judge_anew(
    spark: SparkSession, settings: ScoreboardSettings, one: Round, folder: Path, reporter: Reporter
) -> tuple[Judged, dict[str, Any]]:
    began, place = time.monotonic(), folder / one.name
    shutil.rmtree(place, ignore_errors=True)
    judged, facts = judge_round(spark, settings, one, place, reporter)
    shutil.rmtree(place)
    return judged, facts | {"seconds": round(time.monotonic() - began, 1)}


def rounds_of(spark: SparkSession, settings: ScoreboardSettings, reporter: Reporter) -> list[Round]:
    """Simulated shops first, then the user's own markets.

    Raises:
        SettingsError: a market of one's own cannot be made; said before anything runs.
    """

    def simulated(case: Case) -> Callable[[Path], Market]:
        def open_shop(folder: Path) -> Market:
            shop = settings.simulation(case)
            simulate(spark, shop, folder, reporter)
            return SimulatedMarket(shop, folder / "shop.yaml")

        return open_shop

    rounds = [Round(case.name, setting_of(case), case.parts, simulated(case)) for case in settings.cases]
    return rounds + [_own_market(create(reference, ("expected_units",))) for reference in settings.markets]


def _own_market(market: Market) -> Round:
    name = market.name.replace(" ", "_")
    return Round(name, Setting((), "none", case=name), EVERY_PART, lambda _: market)


def setting_of(case: Case) -> Setting:
    """Where a case's figures stand; a shop of another make than the usual one has a place of its own."""
    own = case.name if case.shop else None
    return Setting(tuple(sorted(case.switches)), case.instruments, sold_out_rate=case.sold_out_rate, case=own)


def judge_round(
    spark: SparkSession, settings: ScoreboardSettings, one: Round, folder: Path, reporter: Reporter
) -> tuple[Judged, dict[str, Any]]:
    """One shop from its tables to its figures, and what there is to say about its size."""
    market = one.open(folder)
    shop = run_shop(spark, market, settings.rules, folder, reporter, with_model=settings.pricelake)
    history = shop.history
    rules = hard_rules(load_rules(settings.rules))
    feasible = rules.feasible(history.price_now, history.unit_cost)
    stage = Stage(market, history, feasible, one.setting, settings.weeks)
    contenders = rivals(stage)
    contenders += [_own(reference) for reference in settings.contenders]
    recommended = None
    if settings.pricelake:
        lake = Lake(spark, shop.settings.lake.root)
        contenders.append(read_pricelake(lake, shop))
        recommended = read_recommendations(lake, shop)
    reporter.step(f"Judge {len(contenders)} contenders on {one.name}")
    judged = judge(stage, contenders, one.parts, recommended, reporter)
    offers = history.offers
    facts = {
        "name": one.name,
        "switches": list(one.setting.switches),
        "instruments": one.setting.instruments,
        "sold_out_rate": one.setting.sold_out_rate,
        "case": one.setting.case,
        "parts": list(one.parts),
        "seeds": [stage.seeds[0], stage.seeds[-1]],
        "products": int(offers["product_id"].nunique()),
        "categories": int(offers["category"].nunique()),
        "markets": int(offers["market_id"].nunique()),
        "weeks": int(history.closed["period_start"].nunique()),
        "order_units": float(history.closed["units"].sum()),
    }
    return judged, facts


def _own(reference: str) -> Contender:
    contender: Contender = create(reference, ("units", "propose"))
    return contender


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
