"""Section ``identification``: whether a model knows what it cannot know."""

from statistics import NormalDist

import numpy as np

from pricelake.evaluation.figures import STEPS
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.demand import errors_of
from pricelake.evaluation.scoring.stage import Contestant, Stage

LEVEL = 0.9


def identification(stage: Stage, contestant: Contestant) -> list[Measured]:
    """Share of categories of which a model says that nothing identifies them, and whether its intervals hold there.

    A category counts as flagged where one of its offers is. An interval is the stated elasticity at the price in force
    and 1.645 stated standard deviations to either side; an offer of a flagged category without one holds nothing.

    Returns:
        nothing of contenders that do not say how well they know their elasticities.
    """
    if contestant.limits is None:
        return []
    deviation, is_weak = contestant.limits
    error = errors_of(stage, contestant)[:, STEPS.index(0.0)]
    reach = NormalDist().inv_cdf(0.5 + LEVEL / 2.0) * deviation
    flagged = [bool(is_weak[rows].any()) for _, rows in stage.groups]
    found = []
    for seed in stage.seeds:
        own = [number for number, of in enumerate(stage.seed_of_group) if of == seed]
        weak = [number for number in own if flagged[number]]
        found.append(stage.tell("identification", "flagged_share", contestant.name, seed, len(weak), out_of=len(own)))
        rows = np.concatenate([stage.groups[number][1] for number in weak]) if weak else np.zeros(0, dtype=np.int64)
        known = rows[~np.isnan(error[rows])]
        held = float(np.sum(np.abs(error[known]) <= np.nan_to_num(reach[known], nan=-1.0)))
        found.append(
            stage.tell("identification", "coverage_90_unidentified", contestant.name, seed, held, out_of=len(known))
        )
    return found
