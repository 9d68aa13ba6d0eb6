"""The scoreboard's figures of one contender on one market, from what it says and what is true."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STEPS = (-0.2, -0.1, 0.0, 0.1, 0.2)
"""Where elasticities are compared, as moves of the price in force."""


def curve_elasticities(units: Floats, prices: Floats) -> Floats:
    """Elasticities between neighbouring points of curves.

    Args:
        units: expected units, shape ``(n_offers, n_prices)``; NaN where unknown.
        prices: ascending, same shape.

    Returns:
        d log units / d log price, shape ``(n_offers, n_prices - 1)``; NaN where units are 0 or unknown.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.diff(np.log(units), axis=1) / np.diff(np.log(prices), axis=1)
    return np.where(np.isfinite(slope), slope, np.nan)


def elasticity_errors(said: Floats, true: Floats) -> Floats:
    """Said minus true elasticity, shape of both; where nothing is said, as if demand did not react.

    Args:
        said: by the contender; NaN: it could not learn, which counts as 0.
        true: same shape; NaN where nothing is sold, which does not count.
    """
    return np.where(np.isnan(true), np.nan, np.nan_to_num(said) - true)


def wape(said: Floats, true: Floats) -> float:
    """Sum of absolute errors over the sum of what is true; NaN says nothing and counts as 0 units."""
    return float(np.abs(np.nan_to_num(said) - true).sum() / true.sum())


def change_groups(changes: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Group of each offer by the number of price changes seen: ``changes_0_1``, ``changes_2_5``, ``changes_6_up``."""
    names = np.array(["changes_0_1", "changes_2_5", "changes_6_up"], dtype=object)
    return np.asarray(names[np.searchsorted([2, 6], changes, side="right")])
