"""The demand curve of one product in one market and period: a closed form of price.

With the log price ratio ``u = ln(price / reference_price)``::

    log units(u)  = log_units + response(u)
    response'(u)  = -[low + (high - low) * sigmoid(steepness * (u - bend))]
    response(u)   = -[low * u + (high - low) / steepness
                      * (softplus(steepness * (u - bend)) - softplus(-steepness * bend))]

``response'`` is the own-price elasticity. It moves between ``-low`` (far below the reference price) and ``-high`` (far
above it); with both above 0 the curve falls everywhere, whatever the other parameters are. ``low = high`` is the
constant-elasticity (log-log) curve; ``low < high`` gives a maximum of profit that a constant elasticity lacks.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SHAPE = ("elasticity_low", "elasticity_high", "bend", "steepness")
CURVE_COLUMNS = ("log_units", *SHAPE)


def response(
    log_price_ratio: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    bend: npt.ArrayLike,
    steepness: npt.ArrayLike,
) -> Array:
    """Change of log units against the reference price; 0 at the reference price.

    Args:
        log_price_ratio: ``u``, dimensionless.
        low: size of the elasticity far below the reference price, above 0.
        high: size of the elasticity far above it, above 0.
        bend: ``u`` where the elasticity is half-way between the two.
        steepness: how fast it moves, per unit of ``u``, above 0.

    Returns:
        array of the broadcast shape of the arguments; NaN where one of them is NaN.
    """
    u, low_, high_, bend_, steep = (
        np.asarray(a, dtype=np.float64) for a in (log_price_ratio, low, high, bend, steepness)
    )
    rise = np.logaddexp(0.0, steep * (u - bend_)) - np.logaddexp(0.0, -steep * bend_)
    return np.asarray(-(low_ * u + (high_ - low_) / steep * rise), dtype=np.float64)


def elasticity(
    log_price_ratio: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    bend: npt.ArrayLike,
    steepness: npt.ArrayLike,
) -> Array:
    """Own-price elasticity ``d log(units) / d log(price)``, below 0; arguments as :func:`response`."""
    u, low_, high_, bend_, steep = (
        np.asarray(a, dtype=np.float64) for a in (log_price_ratio, low, high, bend, steepness)
    )
    share = 0.5 * (1.0 + np.tanh(0.5 * steep * (u - bend_)))
    return np.asarray(-(low_ + (high_ - low_) * share), dtype=np.float64)


def expected_units(curves: Mapping[str, Any], prices: Array) -> Array:
    """Expected units at each candidate price: the whole ladder without another pass of the network.

    Args:
        curves: columns of ``gold.demand_curves`` as arrays of shape ``(rows,)``: ``reference_price`` (currency,
            above 0) and those in ``CURVE_COLUMNS``.
        prices: candidate prices, shape ``(rows, steps)`` or ``(rows,)``, same currency.

    Returns:
        expected units per period, 0 or more, of the shape of ``prices``; NaN where a price or a curve is NaN, infinite
        or a price is not above 0, so that a bad input cannot become a price.
    """
    ladder = np.asarray(prices, dtype=np.float64)
    shape = (-1,) + (1,) * (ladder.ndim - 1)
    column = {name: np.asarray(curves[name], dtype=np.float64).reshape(shape) for name in CURVE_COLUMNS}
    reference = np.asarray(curves["reference_price"], dtype=np.float64).reshape(shape)
    usable = (ladder > 0) & np.isfinite(ladder) & (reference > 0) & np.isfinite(reference)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratio = np.log(np.where(usable, ladder, np.nan) / reference)
        units = np.exp(
            column["log_units"]
            + response(ratio, column["elasticity_low"], column["elasticity_high"], column["bend"], column["steepness"])
        )
    return np.where(np.isfinite(units), units, np.nan)
