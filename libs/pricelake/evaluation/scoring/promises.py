"""Section ``promise``: what contenders say that their prices will gain, beside what they gain in truth.

A promise is made by category and market, for the first period, as a share of what the category earned in a period
lately, at the prices in force (:attr:`pricelake.evaluation.scoring.stage.Stage.recent_profit`). That is known when the
promise is made. As a share of the profit that is true in the first period, which nobody knows, even the best of
forecasters would promise too much where demand turns out weak and too little where it turns out strong, and its line
would be flatter than 1. Categories in which a contender moves no price are without a promise, those that it could not
learn among them. Coverage of nothing is no figure, least of all 0 or 1: it stands in the record without a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Contestant, Stage

LEVELS = {"coverage_50": 0.5, "coverage_90": 0.9}


@dataclass(frozen=True)
class Promises:
    """Promises of one contender; all shape ``(promises,)``.

    Attributes:
        contender: whose.
        seed: of the category's world.
        category: name.
        promised: gain as a share of the category's recent profit.
        realised: the same in truth.
        spread: standard deviation of the promise; NaN where none is stated.
        unmoved: categories without a promise because it moves none of their prices, though it could.
        failed: categories without a promise because it could learn or price none of their offers.
        losing: categories without a promise because what they sold lately earns nothing at the prices in force,
            whatever it does.
    """

    contender: str
    seed: npt.NDArray[np.int64]
    category: npt.NDArray[np.object_]
    promised: Floats
    realised: Floats
    spread: Floats
    unmoved: int = 0
    failed: int = 0
    losing: int = 0

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Ends of the central normal interval."""
        reach = NormalDist().inv_cdf(0.5 + level / 2.0) * self.spread
        return self.promised - reach, self.promised + reach


def promises_of(stage: Stage, contestant: Contestant) -> Promises | None:
    """What a contender promises; None: it makes no promises at all.

    Categories that earned nothing lately have no promise: a share of a loss means nothing.
    """
    if contestant.gains is None:
        return None
    history = stage.history
    recent, now = stage.recent_profit, stage.first_profit_now
    then = stage.profit(contestant.prices, [1])[0]
    moved = contestant.prices != history.price_now
    earning = [number for number in range(len(stage.groups)) if recent[number] > 0.0]
    groups = [number for number in earning if moved[stage.groups[number][1]].any()]
    failed = [number for number in earning if number not in groups and contestant.failed[stage.groups[number][1]].all()]
    rows = [stage.groups[number][1] for number in groups]
    # a held price has no uncertainty, and a forbidden one is held
    gain, deviation, shared = (np.where(moved, part, 0.0) for part in contestant.gains)
    own = np.maximum(deviation**2 - np.sum(shared**2, axis=0), 0.0)
    return Promises(
        contender=contestant.name,
        seed=stage.seed_of_group[groups],
        category=np.array([history.offers["category"].iloc[one[0]] for one in rows], dtype=object),
        promised=np.array([gain[one].sum() for one in rows]) / recent[groups],
        realised=(then - now)[groups] / recent[groups],
        spread=np.sqrt(np.array([own[one].sum() + np.sum(shared[:, one].sum(axis=1) ** 2) for one in rows]))
        / recent[groups],
        unmoved=len(earning) - len(groups) - len(failed),
        failed=len(failed),
        losing=len(stage.groups) - len(earning),
    )


def promise(stage: Stage, promises: Sequence[Promises]) -> list[Measured]:
    """Slope and intercept of realised on promised gains by least squares, and coverage of the stated intervals.

    Over seeds, lines are averaged with the sums of squares of what was promised as weights, which for the slope is the
    least-squares estimate with an intercept for each seed (the within estimator); coverage is of all promises alike.
    Where nothing is promised on a seed, or at all, every figure is a share of nothing.
    """
    found = []
    for one in promises:
        for seed in stage.seeds:
            mine = one.seed == seed
            said, real = one.promised[mine], one.realised[mine]
            products, levels, squares = _line(said, real)
            found.append(stage.tell("promise", "slope", one.contender, seed, products, out_of=squares))
            found.append(stage.tell("promise", "intercept", one.contender, seed, levels, out_of=squares))
            if len(one.spread) and np.isnan(one.spread).all():
                continue  # it states no intervals; one that is missing among others holds nothing
            for figure, level in LEVELS.items():
                low, high = one.interval(level)
                held = np.sum((low[mine] <= real) & (real <= high[mine]))
                found.append(stage.tell("promise", figure, one.contender, seed, float(held), out_of=len(said)))
    return found


def _line(said: Floats, real: Floats) -> tuple[float, float, float]:
    """Numerators of slope and intercept, and their denominator: the sum of squares of what is said; 0 for no line."""
    if len(said) == 0 or np.ptp(said) == 0.0:
        return 0.0, 0.0, 0.0
    centred = said - said.mean()
    squares, products = float(centred @ centred), float(centred @ real)
    return products, float(squares * real.mean() - products * said.mean()), squares
