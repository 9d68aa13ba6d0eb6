"""Section ``stability``: by how much a model's elasticities change when it is learnt again."""

from collections.abc import Mapping

import numpy as np

from pricelake.evaluation.figures import STEPS
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Contestant, Stage

AT_PRESENT = STEPS.index(0.0)
REFITS = {"seed": "elasticity_shift_seed", "week": "elasticity_shift_week"}
"""What differs in a refit → its figure."""


def stability(stage: Stage, contestant: Contestant, refits: Mapping[str, Contestant]) -> list[Measured]:
    """Mean absolute difference of own-price elasticities at the price in force, over offers that either fit answers.

    A fit without an answer says that demand does not react, as everywhere. What neither answers is no agreement: it
    does not count, and where that is all, the figure is a share of nothing.

    Args:
        stage: the shop.
        contestant: a demand model.
        refits: the same model learnt again, by what differs, a key of ``REFITS``; one that failed answers no offer.

    Raises:
        ValueError: one of them has no demand model.
    """
    found = []
    for what, other in refits.items():
        if contestant.slopes is None or other.slopes is None:
            raise ValueError(f"{contestant.name} has no demand model")
        fits = np.stack([contestant.slopes[:, AT_PRESENT], other.slopes[:, AT_PRESENT]])
        apart = np.where(np.isnan(fits).all(axis=0), np.nan, np.abs(np.diff(np.nan_to_num(fits), axis=0)[0]))
        for seed in stage.seeds:
            own = apart[stage.seed_of_offer == seed]
            count = np.count_nonzero(~np.isnan(own))
            total = float(np.nansum(own))
            found.append(stage.tell("stability", REFITS[what], contestant.name, seed, total, out_of=count))
    return found
