"""Section ``run``: what was not learnt, and what fitting took."""

from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Contestant, Stage


def run(stage: Stage, contestant: Contestant) -> list[Measured]:
    """Failed offers of each seed; seconds and memory of the one fit of all seeds together, told of the first alone.

    One measurement has no interval: told of every seed, it would look like one of width 0.
    """
    found, name, effort = [], contestant.name, contestant.effort
    for seed in stage.seeds:
        failed = contestant.failed[stage.seed_of_offer == seed].sum()
        found.append(stage.tell("run", "failed_fits", name, seed, failed))
    if effort is not None:
        found.append(stage.tell("run", "seconds", name, stage.seeds[0], effort.seconds))
        found.append(stage.tell("run", "peak_memory_mb", name, stage.seeds[0], effort.peak_memory_mb))
    return found
