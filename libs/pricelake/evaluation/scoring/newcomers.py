"""Section ``cold_start``: products with 0, 2, 4 or 8 weeks of history, all others left as they are."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import Feasible
from pricelake.evaluation.contenders.truthful import find_optimum
from pricelake.evaluation.figures import wape
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.demand import NOW, errors_of
from pricelake.evaluation.scoring.stage import Contestant, Stage
from pricelake.settings.scoreboard import COLD_START_WEEKS

AGES = (0, 2, 4, 8)
HELD_WEEKS = COLD_START_WEEKS
"""Profit of newcomers is counted over these weeks."""


def cold_start(stage: Stage, contestants: Sequence[Contestant]) -> list[Measured]:
    """Mean absolute elasticity error, WAPE of units at the price in force, and profit capture of newcomers by age.

    The best is what the newcomers of one age could earn for their category if only their prices moved.
    """
    offers = stage.history.offers
    if "periods_on_sale" not in offers:
        return []
    found = []
    for age in AGES:
        new = offers["periods_on_sale"].to_numpy() == age
        seeds = [seed for seed in stage.seeds if new[stage.seed_of_offer == seed].any()]
        for one in contestants:
            if one.units is not None:
                errors = np.abs(errors_of(stage, one))
                for seed in seeds:
                    mine = new & (stage.seed_of_offer == seed)
                    said, true = one.units[mine][:, NOW], stage.own_truth[0][mine][:, NOW]
                    missed = wape(said, true)
                    if not np.isnan(errors[mine]).all():  # nothing is sold of any of them, whatever is said
                        error = float(np.nanmean(errors[mine]))
                        found.append(stage.tell("cold_start", "elasticity_error", one.name, seed, error, weeks=age))
                    found.append(stage.tell("cold_start", "units_error", one.name, seed, missed, weeks=age))
        found += _captures(stage, contestants, age, new, seeds)
    return found


def _captures(
    stage: Stage, contestants: Sequence[Contestant], age: int, new: npt.NDArray[np.bool_], seeds: Sequence[int]
) -> list[Measured]:
    history, horizon = stage.history, [HELD_WEEKS]
    only_now = np.full_like(stage.feasible.prices, np.nan)
    only_now[:, 0] = history.price_now
    feasible = Feasible(np.where(new[:, None], stage.feasible.prices, only_now))
    best = find_optimum(stage.market, history, feasible, horizon, feasible.nearest(history.price_now)).bound[0]
    now = stage.profit(history.price_now, horizon)[0]
    found = []
    for one in contestants:
        earned = stage.profit(np.where(new, one.prices, history.price_now), horizon)[0]
        for seed in seeds:
            mine = stage.seed_of_group == seed
            gained, possible = (earned - now)[mine].sum(), (best - now)[mine].sum()
            found.append(stage.tell("cold_start", "capture", one.name, seed, gained, out_of=possible, weeks=age))
    return found
