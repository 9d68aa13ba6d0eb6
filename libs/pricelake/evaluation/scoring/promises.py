"""Section ``promise``: what contenders say that their prices will gain, beside what they gain in truth.

A promise is made by category and market, for the first period, as a share of the profit that the category makes at the
prices in force. Categories in which a contender moves no price are without a promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Answers, Contestant, Stage, said

LEVELS = {"coverage_50": 0.5, "coverage_90": 0.9}
MIN_CATEGORIES = 5
"""A line through fewer promises says nothing."""


@runtime_checkable
class KnowsItsGains(Protocol):
    """A contender that states the gain of its own prices, with its uncertainty."""

    def gains(self) -> tuple[Floats, Floats]:
        """Expected gain of each offer in the first period and its standard deviation, currency, shape ``(n_offers,)``.

        NaN where no price was set. Offers are taken for independent of each other when they are added up.
        """


@dataclass(frozen=True)
class Promises:
    """Promises of one contender; all shape ``(promises,)``.

    Attributes:
        contender: whose.
        seed: of the category's world.
        category: name.
        promised: gain as a share of the category's profit at the prices in force.
        realised: the same in truth.
        spread: standard deviation of the promise; NaN where none is stated.
    """

    contender: str
    seed: npt.NDArray[np.int64]
    category: npt.NDArray[np.object_]
    promised: Floats
    realised: Floats
    spread: Floats

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Ends of the central normal interval."""
        reach = NormalDist().inv_cdf(0.5 + level / 2.0) * self.spread
        return self.promised - reach, self.promised + reach


def promises_of(stage: Stage, contestant: Contestant) -> Promises | None:
    """What a contender promises; None where it makes no promise."""
    stated = _stated(stage, contestant)
    if stated is None:
        return None
    gain, deviation = stated
    history = stage.history
    moved = contestant.prices != history.price_now
    groups = [number for number, (_, rows) in enumerate(stage.groups) if moved[rows].any()]
    if not groups:
        return None
    now, then = (stage.profit(prices, [1])[0][groups] for prices in (history.price_now, contestant.prices))
    rows = [stage.groups[number][1] for number in groups]
    return Promises(
        contender=contestant.name,
        seed=stage.seed_of_group[groups],
        category=np.array([history.offers["category"].iloc[one[0]] for one in rows], dtype=object),
        promised=np.array([np.nansum(gain[one]) for one in rows]) / now,
        realised=(then - now) / now,
        spread=np.array([np.sqrt(np.nansum(deviation[one] ** 2)) for one in rows]) / now
        if isinstance(contestant.contender, KnowsItsGains)
        else np.full(len(rows), np.nan),
    )


def _stated(stage: Stage, contestant: Contestant) -> tuple[Floats, Floats] | None:
    """Gain of each offer and its deviation: the contender's own statement, else what its demand model expects."""
    if isinstance(contestant.contender, KnowsItsGains) and contestant.error is None:
        return contestant.contender.gains()
    if not isinstance(contestant.contender, Answers) or contestant.error is not None:
        return None
    history = stage.history
    prices = np.column_stack([history.price_now, contestant.prices])
    units = said(contestant.contender, prices, history)
    profit = units * (prices - history.unit_cost[:, None])
    return profit[:, 1] - profit[:, 0], np.full(len(prices), np.nan)


def promise(stage: Stage, promises: Sequence[Promises]) -> list[Measured]:
    """Slope and intercept of realised on promised gains by least squares, and coverage of the stated intervals."""
    found = []
    for one in promises:
        for seed in stage.seeds:
            mine = one.seed == seed
            said, real = one.promised[mine], one.realised[mine]
            if len(said) >= MIN_CATEGORIES and np.ptp(said) > 0.0:
                slope, intercept = np.polyfit(said, real, 1)
                found.append(stage.tell("promise", "slope", one.contender, seed, slope))
                found.append(stage.tell("promise", "intercept", one.contender, seed, intercept))
            if len(said) == 0 or np.isnan(one.spread[mine]).any():
                continue
            for figure, level in LEVELS.items():
                low, high = one.interval(level)
                share = np.mean((low[mine] <= real) & (real <= high[mine]))
                found.append(stage.tell("promise", figure, one.contender, seed, float(share)))
    return found
