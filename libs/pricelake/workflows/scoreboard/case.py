"""Every contender judged on one shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pricelake.evaluation.contenders.curves import GuessedElasticity, HierarchicalOls, LogLogOls
from pricelake.evaluation.contenders.double_ml import DoubleMl
from pricelake.evaluation.contenders.lazy import CompetitorMedian, CostPlus, RatingRule, StatusQuo, UniformMove
from pricelake.evaluation.contenders.mlp import Mlp
from pricelake.evaluation.contenders.trees import LightGbm
from pricelake.evaluation.contenders.truthful import TrueOwnCurves
from pricelake.evaluation.market import KnownTastes
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.demand import after_change, is_flat, own_price_bias
from pricelake.evaluation.scoring.fits import run
from pricelake.evaluation.scoring.identification import identification
from pricelake.evaluation.scoring.newcomers import cold_start
from pricelake.evaluation.scoring.prices import profit_capture
from pricelake.evaluation.scoring.promises import Promises, promise, promises_of
from pricelake.evaluation.scoring.stability import stability
from pricelake.evaluation.scoring.stage import Contender, Contestant, Stage, enter
from pricelake.evaluation.scoring.tastes import best_sellers, recommendation
from pricelake.settings.scoreboard import Part
from pricelake.workflows.job import Reporter

UNIFORM_MOVES = (-0.10, -0.05, 0.05, 0.10, 0.15, 0.20)
OTHER_GUESSES = ((-1.5, "guessed_elasticity_-1.5"), (-2.0, "guessed_elasticity_-2"))
OWN = "pricelake"
STATED_LEVEL = 0.9


@dataclass(frozen=True)
class Judged:
    """What was found on one shop.

    Attributes:
        measured: figures by seed.
        promises: one entry per contender and category with a promise, JSON-ready.
        failures: contenders that failed as a whole, with what they raised.
        left_out: by contender that promises, how many categories it promises something for, and how many it does not
            because it could not learn them, moves no price or because they earned nothing lately; JSON-ready.
        flat: contenders whose models say that demand does not react, or could not learn, see
            :func:`pricelake.evaluation.scoring.demand.is_flat`; only where the price effect is judged.
    """

    measured: list[Measured] = field(default_factory=list)
    promises: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    flat: list[str] = field(default_factory=list)


def rivals(stage: Stage) -> list[Contender]:
    """Everybody but PriceLake and the oracle, unfitted."""
    lazy: list[Contender] = [StatusQuo(), CostPlus(), CompetitorMedian(), RatingRule(), TrueOwnCurves(stage.market)]
    moves: list[Contender] = [UniformMove(rate) for rate in UNIFORM_MOVES]
    guesses: list[Contender] = [GuessedElasticity(), *(GuessedElasticity(*other) for other in OTHER_GUESSES)]
    models: list[Contender] = [LogLogOls(), HierarchicalOls(), LightGbm(), DoubleMl(), Mlp()]
    return [*lazy, *moves, *guesses, *models]


def judge(
    stage: Stage,
    contenders: Sequence[Contender],
    parts: Sequence[Part],
    recommended: pd.DataFrame | None,
    refits: Mapping[str, Contender],
    reporter: Reporter,
) -> Judged:
    """The wanted sections for every contender.

    Args:
        stage: the shop.
        contenders: all but the oracle.
        parts: sections that are wanted; ``run`` always is.
        recommended: what PriceLake recommends to customers; None: it was not asked for.
        refits: PriceLake learnt again, see :func:`pricelake.evaluation.scoring.stability.stability`.
        reporter: progress.
    """
    contestants = []
    for number, contender in enumerate(contenders):
        reporter.advance(number, len(contenders), contender.name)
        contestants.append(enter(contender, stage))
    judged = Judged()
    found = judged.measured
    for one in contestants:
        found += run(stage, one)
        if one.units is not None and "own_price_bias" in parts:
            found += own_price_bias(stage, one)
            found += identification(stage, one)
            if is_flat(stage, one):
                judged.flat.append(one.name)
        if one.units is not None and "after_change" in parts:
            found += after_change(stage, one)
        if one.error is not None:
            judged.failures.append({"contender": one.name, "error": one.error})
    if refits:
        again = {what: enter(one, stage) for what, one in refits.items()}
        own = next(one for one in contestants if one.name == OWN)
        found += stability(stage, own, again)
        failed = {what: one.error for what, one in again.items() if one.error is not None}
        judged.failures.extend({"contender": f"{OWN} again ({what})", "error": error} for what, error in failed.items())
    if "profit_capture" in parts:
        reporter.step("Ask the oracle")
        found += profit_capture(stage, contestants)
    if "promise" in parts:
        promises = [made for one in contestants if (made := promises_of(stage, one)) is not None]
        found += promise(stage, promises)
        judged.promises.extend(entry for made in promises for entry in _entries(made))
        judged.left_out.extend(map(_left_out, promises))
    if "cold_start" in parts:
        found += cold_start(stage, _scored_from_the_start(contestants))
    if "recommendation" in parts and recommended is not None and isinstance(stage.market, KnownTastes):
        found += recommendation(stage, {OWN: recommended, "popularity": _popular(stage, stage.market)})
    return judged


def _scored_from_the_start(contestants: Sequence[Contestant]) -> list[Contestant]:
    """One uniform move stands for all where products are new: none of them looks at a product."""
    other = {UniformMove(rate).name for rate in UNIFORM_MOVES} - {UniformMove().name}
    return [one for one in contestants if one.name not in other]


def _left_out(made: Promises) -> dict[str, Any]:
    counts = {"promised": len(made.promised), "failed": made.failed, "no_price_moved": made.unmoved}
    return {"contender": made.contender, **counts, "loses_money": made.losing}


def _entries(made: Promises) -> list[dict[str, Any]]:
    low, high = made.interval(STATED_LEVEL)
    columns = zip(made.seed, made.category, made.promised, made.realised, low, high, strict=True)
    return [
        {
            "contender": made.contender,
            "seed": int(seed),
            "category": str(category),
            "promised": float(promised),
            "realised": float(realised),
            "low_90": float(least),
            "high_90": float(most),
        }
        for seed, category, promised, realised, least, most in columns
    ]


def _popular(stage: Stage, market: KnownTastes) -> pd.DataFrame:
    closed = stage.history.closed
    markets = stage.history.offers["market_id"].unique()
    lists = [best_sellers(closed[closed["market_id"] == one], market.tastes(str(one))) for one in markets]
    return pd.concat(lists, ignore_index=True)
