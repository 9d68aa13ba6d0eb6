"""Estimates of known variance pulled towards those of their group, and groups towards all: empirical Bayes."""

import numpy as np
import numpy.typing as npt

from pricelake.evaluation.contenders.interface import Floats

LEAST_VARIANCE = 1e-12


def shrink(own: Floats, variance: Floats, groups: npt.NDArray[np.intp]) -> Floats:
    """Posterior means under normal distributions within and between groups, shape ``(n,)``.

    The variance within groups is one for all of them, estimated by the moments of DerSimonian and Laird (1986,
    *Controlled Clinical Trials* 7, eq. 8) summed over groups; so is the variance between groups' means.

    Args:
        own: estimates, shape ``(n,)``.
        variance: of each; infinite where nothing is known, shape ``(n,)``.
        groups: number of each estimate's group, from 0 without gaps, shape ``(n,)``.
    """
    variance = np.maximum(variance, LEAST_VARIANCE)
    spread = between_variance(own, variance, groups)
    precision = 1.0 / (spread + variance)
    total = np.bincount(groups, precision)
    known = np.where(np.isfinite(variance), own, 0.0)
    means = np.bincount(groups, precision * known) / np.maximum(total, 1e-12)
    of_means = 1.0 / np.maximum(total, 1e-12)
    together = between_variance(means, of_means, np.zeros(len(means), dtype=np.intp))
    centre = np.average(means, weights=1.0 / (together + of_means))
    means = centre + together / (together + of_means) * (means - centre)
    kept = spread / (spread + variance)
    return np.asarray(means[groups] + kept * (known - means[groups]))


def between_variance(own: Floats, variance: Floats, groups: npt.NDArray[np.intp]) -> float:
    """Variance of what is estimated around the mean of its group, 0 or more; arguments as in :func:`shrink`."""
    weight = np.where(np.isfinite(variance), 1.0 / np.maximum(variance, LEAST_VARIANCE), 0.0)
    known = weight > 0.0
    own, weight, groups = own[known], weight[known], groups[known]
    if not known.any():
        return 0.0
    total = np.maximum(np.bincount(groups, weight), 1e-300)
    mean = np.bincount(groups, weight * own) / total
    members = np.bincount(groups)
    excess = float((weight * (own - mean[groups]) ** 2).sum()) - float(np.maximum(members - 1, 0).sum())
    scale = float((total - np.bincount(groups, weight**2) / total)[members > 1].sum())
    return max(excess / scale, 0.0) if scale > 0.0 else 0.0
