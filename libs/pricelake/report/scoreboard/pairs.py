"""Differences between two contenders taken seed by seed: both met the same shops, so that what the shops share goes."""

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from pricelake.report.scoreboard.figures import Figure
from pricelake.report.scoreboard.record import Score

Floats = npt.NDArray[np.float64]
CONFIDENCE = 0.95


def lead_interval(figure: Figure, own: Score, rival: Score) -> tuple[float, float] | None:
    """The 95 % interval of how much nearer the ideal a rival's mean is than one's own, Student's t over seeds.

    A mean of ratios of sums is linear in the seeds near itself (Cochran 1977, *Sampling Techniques*, section 6.3), so
    that the deviations of each seed are those of a plain mean.

    Args:
        figure: that both are of.
        own: with a mean.
        rival: with a mean.

    Returns:
        low and high; None where the two have fewer than two seeds in common that tell something, were not measured on
        the same ones, or it is uncertain on which side of the ideal one of them lies, where distances are not linear.
    """
    if own.by_seed.keys() != rival.by_seed.keys():
        return None
    seeds = sorted(seed for seed, ours in own.by_seed.items() if any((*ours, *rival.by_seed[seed])))
    if len(seeds) < 2:
        return None
    ours, theirs = _deviations(own, seeds), _deviations(rival, seeds)
    ways = _way(figure, own), _way(figure, rival)
    if own.mean is None or rival.mean is None or ours is None or theirs is None or 0 in ways:
        return None
    lead = figure.distance(own.mean) - figure.distance(rival.mean)
    differences = ways[0] * ours - ways[1] * theirs
    half = half_width(differences)
    return lead - half, lead + half


def _deviations(score: Score, seeds: list[int]) -> Floats | None:
    """What each seed adds to the mean's error, shape ``(seeds,)``; None without a mean."""
    parts, wholes = np.array([score.by_seed[seed] for seed in seeds]).T
    return None if wholes.sum() <= 0.0 else deviations(parts, wholes)


def deviations(parts: Floats, wholes: Floats) -> Floats:
    """What each seed adds to the error of a mean that is the sum of parts over that of wholes, shape ``(seeds,)``."""
    return np.asarray((parts - parts.sum() / wholes.sum() * wholes) / wholes.mean())


def half_width(differences: Floats) -> float:
    """Half the 95 % interval of the mean of differences, shape ``(seeds,)``: Student's t over at least two seeds."""
    quantile = t.ppf(0.5 + CONFIDENCE / 2.0, len(differences) - 1)
    return float(quantile * differences.std(ddof=1) / np.sqrt(len(differences)))


def _way(figure: Figure, score: Score) -> int:
    """1 where a larger value is worse, -1 where it is better, 0 where its interval does not tell."""
    if figure.better != "near":
        return -1 if figure.better == "higher" else 1
    if score.low is None or score.high is None or score.low <= figure.ideal <= score.high:
        return 0
    return 1 if score.low > figure.ideal else -1
