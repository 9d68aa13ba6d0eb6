"""Section ``run``: what was not learnt, and what fitting took."""

import numpy as np

from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Contestant, Stage


def run(stage: Stage, contestant: Contestant) -> list[Measured]:
    """Failed offers of each seed; seconds, shared out among seeds, and memory of the fit of all of them together."""
    found, name = [], contestant.name
    for seed in stage.seeds:
        failed = contestant.failed[stage.seed_of_offer == seed].sum()
        found.append(stage.tell("run", "failed_fits", name, seed, float(np.asarray(failed))))
        if contestant.effort is not None:
            seconds = contestant.effort.seconds / len(stage.seeds)
            found.append(stage.tell("run", "seconds", name, seed, seconds))
            found.append(stage.tell("run", "peak_memory_mb", name, seed, contestant.effort.peak_memory_mb))
    return found
