"""Samples of demand curves: what is not known of a period's demand, drawn many times for many products at once.

Errors of the level and of the elasticity are independent. The former multiplies units by a log-normal with mean 1 and
the relative variance that ``log_units_sd`` states, so that units at the reference price average to those of the curve.
The latter is normal and stands in the exponent: with ``u`` the log of a price over the reference price, the mean over
samples lies above the curve by the rate ``(u elasticity_sd)**2 / 2``, 0.1 % at a change of 10 % and a deviation of 0.5,
1 % at one of 30 %. That is left as it is: the curve is the one of the expected elasticity. A sample that would rise
with the price falls by ``LEAST_STEEPNESS``, which makes elasticities larger on average, by 9 % where the deviation is
as large as the elasticity and by 0.6 % where it is half of it. The elasticity's error has the
parts that ``gold.demand_curves`` tells apart: the product's own, one that the products of its category share, and one
that all share. Within a sample they are the same for all who share them, so that what is added up over products, such
as the profit of a shop, scatters as widely as it should. The error is relative to the curve: a sample is steeper or
flatter along all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pricelake.demand.curve import SHAPE, elasticity, response

Array = npt.NDArray[np.float32]

LEAST_STEEPNESS = 0.05
"""Smallest share of its expected elasticity that a sample may have: demand never rises with the price."""


@dataclass(frozen=True)
class CurveDraws:
    """Samples of the curves of some rows.

    Attributes:
        curves: the curves, as given to :func:`draw_samples`.
        log_units: log of the sample's units at the reference price, shape ``(count, rows)``; the mean of their
            exponential is expected units.
        steepness: elasticities over those of the curve, above 0, same shape.
    """

    curves: Mapping[str, Any]
    log_units: Array
    steepness: Array

    def expected_units(self, prices: npt.ArrayLike) -> Array:
        """Units of each sample at a price for each row.

        Args:
            prices: paid, above 0, currency of the reference price, shape ``(rows,)``.

        Returns:
            shape ``(count, rows)``.
        """
        reference = np.asarray(self.curves["reference_price"], dtype=np.float64)
        ratio = np.log(np.asarray(prices, dtype=np.float64) / reference)
        moved = response(ratio, *(self.curves[name] for name in SHAPE)).astype(np.float32)
        return np.asarray(np.exp(self.log_units + self.steepness * moved))


def draw_samples(curves: Mapping[str, Any], category: npt.NDArray[np.int64], count: int, seed: int) -> CurveDraws:
    """Draw samples; the same for the same arguments.

    Args:
        curves: columns of ``gold.demand_curves`` as arrays of shape ``(rows,)``.
        category: number of each row's category and market, 0 …, shape ``(rows,)``.
        count: samples.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    whole, kind, common, level = (
        np.asarray(curves[name], dtype=np.float32)
        for name in ("elasticity_sd", "elasticity_kind_sd", "elasticity_common_sd", "log_units_sd")
    )
    own = np.sqrt(np.maximum(whole**2 - kind**2 - common**2, 0.0))
    shape, categories = (count, len(whole)), int(category.max(initial=-1)) + 1
    error = own * random.standard_normal(shape, dtype=np.float32)
    error += kind * random.standard_normal((count, categories), dtype=np.float32)[:, category]
    error += common * random.standard_normal((count, 1), dtype=np.float32)
    expected = -elasticity(0.0, *(curves[name] for name in SHAPE)).astype(np.float32)
    # log of a log-normal whose mean is 1 and whose relative variance is the square of log_units_sd
    variance = np.log1p(level**2)
    log_units = np.asarray(curves["log_units"], dtype=np.float32) - variance / 2
    log_units = log_units + np.sqrt(variance) * random.standard_normal(shape, dtype=np.float32)
    return CurveDraws(curves, log_units, np.maximum(1.0 + error / expected, np.float32(LEAST_STEEPNESS)))
