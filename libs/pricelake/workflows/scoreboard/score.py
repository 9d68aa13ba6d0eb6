"""Run the scoreboard: every case's shop through the jobs, every contender on it, one file of figures."""

import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from pricelake.errors import PriceLakeError
from pricelake.evaluation.feasible import HardRules, hard_rules
from pricelake.evaluation.market import KnownTastes
from pricelake.evaluation.rows import Measured, summarise
from pricelake.evaluation.scoring.demand import true_elasticity
from pricelake.evaluation.scoring.failures import told
from pricelake.evaluation.scoring.prices import possible_gain
from pricelake.evaluation.scoring.stage import Contender, Stage
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings.rules import load_rules
from pricelake.settings.scoreboard import ScoreboardSettings
from pricelake.tables import Lake
from pricelake.workflows.job import Reporter
from pricelake.workflows.provenance import code_version
from pricelake.workflows.scoreboard.again import check_variants, refit_pricelake, variant_of
from pricelake.workflows.scoreboard.case import Judged, judge, rivals
from pricelake.workflows.scoreboard.kept import FOLDER, KeptCases, check_code_is_known, origin_of
from pricelake.workflows.scoreboard.pricelake import read_pricelake, read_recommendations
from pricelake.workflows.scoreboard.rounds import (
    CONFOUNDING,
    VARIANT,
    Round,
    check_contenders,
    own_contender,
    rounds_of,
    twins_of,
)
from pricelake.workflows.scoreboard.shop import ScoredShop, run_shop


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
        ``rows`` (:meth:`pricelake.evaluation.rows.Row.as_dict`), ``cases``, ``promises``, ``promises_left_out``,
        ``failures``, ``flat``, ``usual_sold_out_rate``, ``settings`` and ``rules`` of the run, ``commit``, ``command``,
        ``started_at``, of a resumed run its first start, and ``seconds``, the sum over cases.

    Raises:
        SettingsError: the rules cannot be used, a market or contender of one's own cannot be made or has no name of its
            own, a variant's settings do not exist, or what is to be resumed is of other code, settings, rules or files.
    """
    now, version = datetime.now(UTC).isoformat(timespec="seconds"), code_version()
    if resume:
        check_code_is_known(version)
    rules = load_rules(settings.rules)
    allowed, rounds = hard_rules(rules), rounds_of(spark, settings, reporter)
    twins = twins_of(rounds)
    check_variants(settings.variants)
    check_contenders(settings.contenders, settings.variants)
    kept = KeptCases(folder / FOLDER, origin_of(settings, rules, version))
    if not resume:
        kept.clear()
    measured: list[Measured] = []
    record: dict[str, Any] = {"rows": [], "cases": [], "promises": [], "promises_left_out": []}
    record |= {
        "failures": [],
        "flat": [],
        "usual_sold_out_rate": settings.shop.sold_out_rate,
        "settings": settings.model_dump(mode="json"),
        "rules": rules.model_dump(mode="json"),
        "commit": version,
        "command": command,
        "started_at": kept.begin(now),
        "seconds": 0.0,
    }
    for number, one in enumerate(rounds, 1):
        known = kept.read(one.name)
        doing = "judged before" if known else "simulate, learn, judge"
        reporter.step(f"Case {number} of {len(rounds)}: {one.name} ({doing})")
        judged, facts = known or _judge_anew(spark, settings, allowed, one, folder, reporter)
        kept.write(one.name, judged, facts)
        measured += judged.measured
        record["flat"] += [{"case": one.name, "contender": name} for name in judged.flat]
        flat = {(entry["case"], entry["contender"]) for entry in record["flat"]}
        record["rows"] = [row.as_dict() for row in summarise([*measured, *movements(measured, twins, flat)])]
        record["cases"].append(facts)
        record["promises"] += judged.promises
        record["promises_left_out"] += [{"case": one.name} | counts for counts in judged.left_out]
        record["failures"] += [{"case": one.name} | failure for failure in judged.failures]
        record["seconds"] = round(record["seconds"] + facts["seconds"], 1)
        save(record)
    kept.clear()
    return record


def _judge_anew(
    spark: SparkSession, settings: ScoreboardSettings, rules: HardRules, one: Round, folder: Path, reporter: Reporter
) -> tuple[Judged, dict[str, Any]]:
    began, place = time.monotonic(), folder / one.name
    shutil.rmtree(place, ignore_errors=True)
    judged, facts = judge_round(spark, settings, rules, one, place, reporter)
    shutil.rmtree(place)
    return judged, facts | {"seconds": round(time.monotonic() - began, 1)}


def judge_round(
    spark: SparkSession, settings: ScoreboardSettings, rules: HardRules, one: Round, folder: Path, reporter: Reporter
) -> tuple[Judged, dict[str, Any]]:
    """One shop from its tables to its figures, and what there is to say about it."""
    market = one.open(folder)
    judges_lists = "recommendation" in one.parts and isinstance(market, KnownTastes)
    asked = {"with_model": settings.pricelake, "with_lists": judges_lists}
    shop = run_shop(spark, market, settings.rules, folder, reporter, **asked)
    history = shop.history
    feasible = rules.feasible(history.price_now, history.unit_cost)
    stage = Stage(market, history, feasible, one.setting, settings.weeks)
    contenders = rivals(stage) if settings.rivals else []
    contenders += [own_contender(reference) for reference in settings.contenders]
    recommended, missing = None, None
    refits: Mapping[str, Contender] = {}
    if settings.pricelake:
        lake = Lake(spark, shop.settings.lake.root)
        contenders.append(read_pricelake(lake, shop))
        recommended, missing = _recommended(lake, shop)
        for name, changes in settings.variants.items():
            contenders.append(variant_of(spark, shop, VARIANT.format(name), changes, reporter))
        if "stability" in one.parts:
            refits = refit_pricelake(spark, shop, reporter)
    reporter.step(f"Judge {len(contenders)} contenders on {one.name}")
    judged = judge(stage, contenders, one.parts, recommended, refits, reporter)
    if missing is not None:
        judged.failures.append({"contender": "pricelake", "error": missing})
    return judged, facts_of(stage, one)


def _recommended(lake: Lake, shop: ScoredShop) -> tuple[pd.DataFrame, str | None]:
    """What PriceLake recommends to customers, and why it is nothing."""
    try:
        return read_recommendations(lake, shop), None
    except PriceLakeError as error:
        return pd.DataFrame(columns=["customer_id", "product_id", "position"]), told(error)


def facts_of(stage: Stage, one: Round) -> dict[str, Any]:
    """What there is to say about a case. Sizes are of its first seed's shop; a market without seeds has none."""
    offers = stage.history.offers[stage.seed_of_offer == stage.seeds[0]]
    return {
        "name": one.name,
        "switches": list(one.setting.switches),
        "instruments": one.setting.instruments,
        "sold_out_rate": one.setting.sold_out_rate,
        "usual_shop": one.is_usual,
        "simulated": isinstance(stage.market, SimulatedMarket),
        "parts": list(one.parts),
        "seeds": [stage.seeds[0], stage.seeds[-1]] if "seed" in offers else None,
        "products": int(offers["product_id"].nunique()),
        "categories": int(offers["category"].nunique()),
        "markets": int(offers["market_id"].nunique()),
        "weeks": int(stage.history.closed["period_start"].nunique()),
        "true_elasticity": true_elasticity(stage),
        "possible_gain": possible_gain(stage) if "profit_capture" in one.parts else None,
    }


def movements(
    measured: Sequence[Measured], twins: Mapping[str, str], flat: Collection[tuple[str, str]]
) -> list[Measured]:
    """Mean own-price bias on a confounded shop minus that on its unconfounded twin, by contender and seed.

    Elasticities of 0 stay where they are whatever prices follow: a model that is flat on one of the two shops would be
    ideal for having failed. Its movement is a share of nothing.

    Args:
        measured: figures of all cases so far.
        twins: of :func:`pricelake.workflows.scoreboard.rounds.twins_of`.
        flat: case and contender of the models that say that demand does not react, or could not learn.
    """
    means = {
        (one.contender, one.setting, one.seed): one.of_seed
        for one in measured
        if (one.section, one.figure) == ("own_price_bias", "mean") and one.setting.group is None
    }
    found = []
    for (contender, setting, seed), value in means.items():
        cases = setting.case or "", twins.get(setting.case or "")
        calm = tuple(name for name in setting.switches if name not in CONFOUNDING)
        twin = means.get((contender, replace(setting, switches=calm, case=cases[1]), seed))
        if calm == setting.switches or twin is None or not np.isfinite(value - twin):
            continue
        is_flat = any((case, contender) in flat for case in cases)
        amount, whole = (0.0, 0.0) if is_flat else (value - twin, None)
        found.append(Measured("own_price_bias", "movement", contender, setting, seed, amount, whole))
    return found
