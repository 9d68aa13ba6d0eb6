"""Sections ``own_price_bias`` and ``after_change``: what a demand model says beside what is true."""

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.figures import STEPS, change_groups, elasticity_errors, wape
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import CHANGES, MOVES, Contestant, Stage

AT_STEPS = [MOVES.index(step) for step in STEPS]
NOW = MOVES.index(0.0)


def errors_of(stage: Stage, contestant: Contestant) -> Floats:
    """Said minus true elasticity at ``STEPS``, shape ``(n_offers, steps)``; see :func:`elasticity_errors`.

    Raises:
        ValueError: the contender has no demand model.
    """
    if contestant.slopes is None:
        raise ValueError(f"{contestant.name} has no demand model")
    return elasticity_errors(contestant.slopes, stage.own_truth[1][:, AT_STEPS])


def own_price_bias(stage: Stage, contestant: Contestant) -> list[Measured]:
    """Mean and mean absolute error of elasticities, of all products and by number of price changes seen."""
    errors = errors_of(stage, contestant)
    changes = stage.history.open["price_changes"].fillna(0).to_numpy(dtype=np.int64)
    groups, found = change_groups(changes), []
    for seed in stage.seeds:
        mine = stage.seed_of_offer == seed
        parts: list[tuple[str | None, npt.NDArray[np.bool_]]] = [(None, mine)]
        parts += [(str(group), mine & (groups == group)) for group in np.unique(groups[mine])]
        for group, rows in parts:
            part = errors[rows]
            if np.isnan(part).all():
                continue
            for figure, value in (("mean", np.nanmean(part)), ("mean_absolute", np.nanmean(np.abs(part)))):
                found.append(stage.tell("own_price_bias", figure, contestant.name, seed, value, group=group))
    return found


def after_change(stage: Stage, contestant: Contestant) -> list[Measured]:
    """Errors of units when one price moves, beside the forecast error at prices in force."""
    said, true = contestant.units, stage.own_truth[0]
    if said is None:
        raise ValueError(f"{contestant.name} has no demand model")
    found = []
    for seed in stage.seeds:
        rows = stage.seed_of_offer == seed
        for change in CHANGES:
            both = [MOVES.index(-change), MOVES.index(change)]
            error = wape(said[rows][:, both], true[rows][:, both])
            found.append(stage.tell("after_change", f"error_{round(100 * change)}", contestant.name, seed, error))
        now, wanted = said[rows][:, NOW], true[rows][:, NOW]
        short = 1.0 - float(np.nansum(now) / wanted.sum())
        found.append(stage.tell("after_change", "forecast_wape", contestant.name, seed, wape(now, wanted)))
        found.append(stage.tell("after_change", "soldout_underestimation", contestant.name, seed, short))
    return found
