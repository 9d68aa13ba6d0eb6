"""Units of a period as a count: customers buy in whole units around a mean that is itself not known.

Units are a Poisson count around a gamma-distributed mean, which is the negative binomial (Cameron and Trivedi,
*Regression Analysis of Count Data*, 2nd ed. 2013, section 3.3): with mean ``m`` and relative variance ``v`` of the mean
their variance is ``m + v m^2``. For goods sold by weight this is an approximation: it takes a unit for what is bought
at once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]

LARGEST_COUNTED = 1e4
"""Mean up to which units are counted. Above, the count scatters by less than 1 %; a gamma of its variance is used."""
SMALLEST_VARIANCE = 1e-9
"""Of the mean, relative: below, the count is a Poisson one up to what float64 resolves."""
LARGEST_RATE = 1.0 - 1e-9


def units_interval(mean: npt.ArrayLike, relative_variance: npt.ArrayLike, rate: float) -> tuple[Floats, Floats]:
    """Central interval of a period's units, in whole units.

    Its ends are quantiles of the count, so that it holds at least the share ``rate``. Where the mean lies outside, as
    that of a product that sells once in many periods does, the end next to it moves to the whole unit beyond the mean.

    Args:
        mean: expected units of the period, 0 or more, any shape.
        relative_variance: of that mean, variance over its square, 0 or more, of a shape that fits.
        rate: coverage, 0–1.

    Returns:
        lower and upper end, of the broadcast shape; NaN where an argument is NaN.
    """
    mean_, variance = _arguments(mean, relative_variance)
    tail = (1.0 - min(rate, LARGEST_RATE)) / 2.0
    low, high = (_quantile(mean_, variance, at) for at in (tail, 1.0 - tail))
    return np.minimum(low, np.floor(mean_)), np.maximum(high, np.ceil(mean_))


def relative_variance_at(log_units_sd: Any, log_price_ratio: Any, elasticity_sd: Any) -> Any:
    """Of the mean that a period's units are drawn around, at one price; shape and kind of the arguments.

    The first part is a relative variance as it is measured, the second one to first order (delta method); the two
    errors are independent.

    Args:
        log_units_sd: of a curve, numbers, arrays or columns of Spark.
        log_price_ratio: log of the price over the reference price.
        elasticity_sd: of a curve.
    """
    return log_units_sd**2 + (log_price_ratio * elasticity_sd) ** 2


def coverage_names(rate: float) -> tuple[str, str]:
    """Names of the figures that say how often intervals of a rate hold, and how often they should.

    Such as ``coverage_80`` and ``coverage_80_expected``.
    """
    name = f"coverage_{rate * 100:g}"
    return name, f"{name}_expected"


def share_between(
    mean: npt.ArrayLike, relative_variance: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike
) -> Floats:
    """Probability that a period's units lie between two whole numbers, both included.

    Args:
        mean: as in :func:`units_interval`.
        relative_variance: as there.
        low: whole units, 0 or more.
        high: whole units, ``low`` or more.
    """
    mean_, variance = _arguments(mean, relative_variance)
    below = _share_up_to(mean_, variance, np.asarray(low, dtype=np.float64) - 1.0)
    return _share_up_to(mean_, variance, np.asarray(high, dtype=np.float64)) - below


def _arguments(mean: npt.ArrayLike, relative_variance: npt.ArrayLike) -> tuple[Floats, Floats]:
    pair = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(relative_variance, dtype=np.float64))
    return pair[0], np.maximum(pair[1], SMALLEST_VARIANCE)


def _quantile(mean: Floats, variance: Floats, at: float) -> Floats:
    """Smallest whole number of units that is not exceeded with probability ``at``."""
    found = np.where(np.isnan(mean + variance), np.nan, 0.0)
    few, many = _few_and_many(mean)
    shape = 1.0 / variance[few]
    found[few] = stats.nbinom.ppf(at, shape, shape / (shape + mean[few]))
    shape = _gamma_shape(mean[many], variance[many])
    found[many] = np.rint(special.gammaincinv(shape, at) / shape * mean[many])
    return found


def _share_up_to(mean: Floats, variance: Floats, units: Floats) -> Floats:
    found = np.where(np.isnan(mean + variance + units), np.nan, np.where(units < 0, 0.0, 1.0))
    few, many = _few_and_many(mean)
    shape = 1.0 / variance[few]
    found[few] = stats.nbinom.cdf(units[few], shape, shape / (shape + mean[few]))
    shape = _gamma_shape(mean[many], variance[many])
    # a whole number stands for the half units on either side of it
    found[many] = special.gammainc(shape, np.maximum(units[many] + 0.5, 0.0) / mean[many] * shape)
    return found


def _few_and_many(mean: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where units are counted, and where they are so many that they are measured; neither where none are expected."""
    few: npt.NDArray[np.bool_] = (mean > 0) & (mean <= LARGEST_COUNTED)
    return few, (mean > LARGEST_COUNTED) & np.isfinite(mean)


def _gamma_shape(mean: Floats, variance: Floats) -> Floats:
    shape: Floats = 1.0 / (variance + 1.0 / mean)
    return shape
