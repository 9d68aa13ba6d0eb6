"""Drawn curves against the closed form computed by hand."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import nbinom

from pricelake.report.curves import STEPS, draw_curve, price_range
from pricelake.report.facts import ObservedPeriod, Recommendation

CURVE = {"reference_price": 2.0, "log_units": 3.0, "elasticity_sd": 0.4, "log_units_sd": 0.1, "elasticity_low": 1.7}


def constant_elasticity(curve, prices):
    u = np.log(prices / curve["reference_price"][:, np.newaxis])
    return np.exp(curve["log_units"][:, np.newaxis] - curve["elasticity_low"][:, np.newaxis] * u)


def recommendation(**changes) -> Recommendation:
    content = {
        "product_id": "p", "market_id": "m", "period_start": date(2024, 3, 4), "price_now": Decimal("2.00"),
        "price_recommended": Decimal("2.20"), "decision": "raise", "reason": "r", "range_low": Decimal("1.80"),
        "range_high": Decimal("2.20"), "units_now": 20.0, "units_then": 17.0, "revenue_now_amount": None,
        "revenue_then_amount": None, "profit_now_amount": None, "profit_then_amount": None, "uplift_amount": None,
        "uplift_low_amount": None, "uplift_high_amount": None, "elasticity": -1.7, "confidence": "high", "flags": (),
    }  # fmt: skip
    return Recommendation(**{**content, **changes})


def seen(price: float) -> ObservedPeriod:
    return ObservedPeriod(date(2024, 1, 1), price, 5.0, False)


def test_units_and_interval_follow_the_closed_form_at_every_price() -> None:
    drawn = draw_curve(recommendation(), CURVE, [seen(1.5)], constant_elasticity, interval_rate=0.8)
    assert len(drawn.prices) == STEPS
    for price, units, low, high in zip(drawn.prices, drawn.units, drawn.units_low, drawn.units_high, strict=True):
        u = math.log(price / 2.0)
        expected = math.exp(3.0 - 1.7 * u)
        variance = 0.1**2 + (u * 0.4) ** 2
        assert units == pytest.approx(expected, rel=1e-12)
        ends = nbinom.ppf([0.1, 0.9], 1 / variance, 1 / (1 + variance * expected))
        assert (low, high) == tuple(ends)


def test_range_takes_in_all_prices_seen_and_allowed_but_not_a_misprint() -> None:
    low, high = price_range(recommendation(), [seen(1.2), seen(2.9), seen(40.0), seen(0.01)])
    assert low == pytest.approx(1.2 * 0.94)
    assert high == pytest.approx(2.9 * 1.06)


def test_range_without_any_observation_still_surrounds_the_price() -> None:
    held = recommendation(price_recommended=Decimal("2.00"), range_low=None, range_high=None)
    assert price_range(held, []) == pytest.approx((2.0 * 0.85 * 0.94, 2.0 * 1.15 * 1.06))


def test_points_outside_the_range_are_left_out() -> None:
    drawn = draw_curve(recommendation(), CURVE, [seen(1.5), seen(40.0)], constant_elasticity, 0.8)
    assert [period.unit_price for period in drawn.observed] == [1.5]
