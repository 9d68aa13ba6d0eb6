"""Sections ``own_price_bias`` and ``after_change``: what a demand model says beside what is true."""

import numpy as np

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.figures import STEPS, change_groups, elasticity_errors, wape
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import AT_STEPS, CHANGES, MOVES, Contestant, Stage

NOW = MOVES.index(0.0)
FLAT = 0.05
"""Elasticities of a smaller size say that demand does not react."""
IN_FORCE = "price_in_force"
"""Group of all products, at that price alone."""


def errors_of(stage: Stage, contestant: Contestant) -> Floats:
    """Said minus true elasticity at ``STEPS``, shape ``(n_offers, steps)``; see :func:`elasticity_errors`.

    Raises:
        ValueError: the contender has no demand model.
    """
    if contestant.slopes is None:
        raise ValueError(f"{contestant.name} has no demand model")
    return elasticity_errors(contestant.slopes, stage.own_truth[1][:, AT_STEPS])


def is_flat(stage: Stage, contestant: Contestant) -> bool:
    """Whether a model says of most elasticities that count that demand does not react, or could not learn them.

    Raises:
        ValueError: the contender has no demand model.
    """
    true = stage.own_truth[1][:, AT_STEPS]
    said = np.abs(errors_of(stage, contestant) + true)[~np.isnan(true)]
    return int(np.count_nonzero(said < FLAT)) > len(said) / 2


def true_elasticity(stage: Stage) -> float | None:
    """Mean true own-price elasticity of all offers at the prices in force; None where nothing is sold."""
    known = stage.own_truth[1][:, NOW]
    return None if np.isnan(known).all() else float(np.nanmean(known))


def own_price_bias(stage: Stage, contestant: Contestant) -> list[Measured]:
    """Mean and mean absolute error of elasticities: of all products, by price changes seen, at the price in force.

    Means over products, of all seeds together: a seed with few products of a group weighs little in it.
    """
    errors = errors_of(stage, contestant)
    changes = stage.history.open["price_changes"].fillna(0).to_numpy(dtype=np.int64)
    groups, found = change_groups(changes), []
    parts: list[tuple[str | None, Floats]] = [(None, errors), (IN_FORCE, errors[:, [STEPS.index(0.0)]])]
    parts += [(str(group), np.where((groups == group)[:, None], errors, np.nan)) for group in np.unique(groups)]
    for seed in stage.seeds:
        for group, values in parts:
            part = values[stage.seed_of_offer == seed]
            count = np.count_nonzero(~np.isnan(part))
            for figure, total in (("mean", np.nansum(part)), ("mean_absolute", np.nansum(np.abs(part)))):
                said = stage.tell("own_price_bias", figure, contestant.name, seed, total, out_of=count, group=group)
                found.append(said)
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
