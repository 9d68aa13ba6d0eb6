"""A stored demand curve as points along a price ladder, with its interval."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pricelake.period_units import relative_variance_at, units_interval
from pricelake.report.facts import DrawnCurve, ObservedPeriod, Recommendation

Floats = NDArray[np.float64]
ExpectedUnits = Callable[[Mapping[str, Floats], Floats], Floats]

STEPS = 81
WIDEST = 2.0  # a price beyond half or double today's would only flatten the picture
MARGIN = 0.06


def price_range(recommendation: Recommendation, observed: Sequence[ObservedPeriod]) -> tuple[float, float]:
    """Lowest and highest price worth drawing: what was seen and what the rules allow, within a factor of two.

    Args:
        recommendation: the product's recommendation.
        observed: its past periods.
    """
    now = float(recommendation.price_now)
    bounds = [recommendation.price_recommended, recommendation.range_low, recommendation.range_high]
    seen = [float(price) for price in bounds if price is not None] + [period.unit_price for period in observed]
    inside = [price for price in seen if now / WIDEST <= price <= now * WIDEST]
    return min([*inside, now * 0.85]) * (1 - MARGIN), max([*inside, now * 1.15]) * (1 + MARGIN)


def draw_curve(
    recommendation: Recommendation,
    curve: Mapping[str, float],
    observed: Sequence[ObservedPeriod],
    expected_units: ExpectedUnits,
    interval_rate: float,
) -> DrawnCurve:
    """Expected units over the price range of one product.

    The interval is that of the period's units, a count: with u = ln(price / reference price), its mean has the relative
    variance ``log_units_sd**2 + (u * elasticity_sd)**2`` (delta method, the two errors taken as independent).

    Args:
        recommendation: the product's recommendation.
        curve: columns of ``gold.demand_curves`` as floats.
        observed: its past periods; those outside the range drawn are left out.
        expected_units: closed form of the curve: parameters of shape ``(n_rows,)`` and prices of shape
            ``(n_rows, n_steps)`` → units of shape ``(n_rows, n_steps)``.
        interval_rate: coverage of the interval, 0–1.

    Returns:
        points at ``STEPS`` prices, evenly spaced in the log of price.
    """
    low, high = price_range(recommendation, observed)
    prices = np.geomspace(low, high, STEPS)
    units = expected_units({name: np.array([value]) for name, value in curve.items()}, prices[np.newaxis, :])[0]
    u = np.log(prices / curve["reference_price"])
    variance = relative_variance_at(curve["log_units_sd"], u, curve["elasticity_sd"])
    units_low, units_high = units_interval(units, variance, interval_rate)
    return DrawnCurve(
        recommendation=recommendation,
        prices=tuple(prices.tolist()),
        units=tuple(units.tolist()),
        units_low=tuple(units_low.tolist()),
        units_high=tuple(units_high.tolist()),
        observed=tuple(period for period in observed if low <= period.unit_price <= high),
    )
