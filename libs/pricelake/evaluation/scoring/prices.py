"""Section ``profit_capture``: what prices earn in truth, between the status quo and the oracle."""

from collections.abc import Sequence

import numpy as np

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.figures import capture
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Contestant, Stage


def profit_capture(stage: Stage, contestants: Sequence[Contestant]) -> list[Measured]:
    """Capture, regret and violations of every contender and of the oracle, by weeks.

    The best is the oracle's bound: where its optimum is not proven, its own capture lies below 1 and shows the gap.
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
                share = capture(profit[row, column], now[row, column], best[row, column])
                missed = best[row, column] - profit[row, column]
                found.append(stage.tell("profit_capture", "capture", name, seed, share, weeks=weeks))
                found.append(stage.tell("profit_capture", "regret_amount", name, seed, missed, weeks=weeks))
        found += _violations(stage, "oracle", optimum.prices[row], weeks)
        found += [said for one in contestants for said in _violations(stage, one.name, one.prices, weeks)]
    return found


def _violations(stage: Stage, name: str, prices: Floats, weeks: int) -> list[Measured]:
    broken = ~stage.feasible.allows(prices)
    return [
        stage.tell("profit_capture", "violations", name, seed, broken[stage.seed_of_offer == seed].sum(), weeks=weeks)
        for seed in stage.seeds
    ]


def _by_seed(stage: Stage, of_groups: Floats) -> Floats:
    """Sums over the groups of each seed, shape ``(weeks, seeds)``."""
    return np.stack([of_groups[:, stage.seed_of_group == seed].sum(axis=1) for seed in stage.seeds], axis=1)
