"""Section ``profit_capture``: what prices earn in truth, between the status quo and the oracle."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Contestant, Stage


def profit_capture(stage: Stage, contestants: Sequence[Contestant]) -> list[Measured]:
    """Capture, regret and violations of every contender and of the oracle, by weeks.

    The best is the oracle's bound: where its optimum is not proven, its own capture lies below 1 and shows the gap. A
    forbidden price earns what the price in force earns.
    """
    optimum = stage.optimum
    now = _by_seed(stage, stage.profit(stage.history.price_now))
    best = _by_seed(stage, optimum.bound)
    earned = {one.name: _by_seed(stage, stage.profit(one.prices)) for one in contestants}
    earned["oracle"] = _by_seed(stage, optimum.profit)
    found = []
    for row, weeks in enumerate(stage.weeks):
        for name, profit in earned.items():
            for column, seed in enumerate(stage.seeds):
                missed = best[row, column] - profit[row, column]
                found.append(stage.tell("profit_capture", "regret_amount", name, seed, missed, weeks=weeks))
                gained, possible = profit[row, column] - now[row, column], best[row, column] - now[row, column]
                found.append(stage.tell("profit_capture", "capture", name, seed, gained, out_of=possible, weeks=weeks))
        found += _violations(stage, "oracle", ~stage.feasible.allows(optimum.prices[row]), weeks)
        found += [said for one in contestants for said in _violations(stage, one.name, one.forbidden, weeks)]
    return found


def possible_gain(stage: Stage) -> dict[str, float]:
    """By number of weeks, what the best rule-feasible prices earn above those in force, as a share of the latter."""
    now, best = stage.profit(stage.history.price_now).sum(axis=1), stage.optimum.bound.sum(axis=1)
    return {str(weeks): float(gain) for weeks, gain in zip(stage.weeks, best / now - 1.0, strict=True)}


def _violations(stage: Stage, name: str, broken: npt.NDArray[np.bool_], weeks: int) -> list[Measured]:
    return [
        stage.tell("profit_capture", "violations", name, seed, broken[stage.seed_of_offer == seed].sum(), weeks=weeks)
        for seed in stage.seeds
    ]


def _by_seed(stage: Stage, of_groups: Floats) -> Floats:
    """Sums over the groups of each seed, shape ``(weeks, seeds)``."""
    return np.stack([of_groups[:, stage.seed_of_group == seed].sum(axis=1) for seed in stage.seeds], axis=1)
