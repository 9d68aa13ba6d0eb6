"""Exact money: against fractions and decimals."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricelake.pricing.money import (
    MAX_COST_TICKS,
    MAX_PRICE_TICKS,
    MONEY_TYPE,
    amounts_of,
    cents_at_least,
    cents_at_most,
    decimals_of,
    price_at_margin,
    price_text,
    share_of,
    ticks_of,
)

prices = st.integers(min_value=1, max_value=MAX_PRICE_TICKS)
rates = st.integers(min_value=-1_000_000, max_value=10_000_000)


def test_decimals_survive_the_way_to_ticks_and_back() -> None:
    values = [Decimal("2.4900"), None, Decimal("-0.0001"), Decimal("99999999999999.9999"), Decimal("0.0000")]
    column = pa.array(values, MONEY_TYPE)
    ticks, valid = ticks_of(column)
    assert ticks.tolist() == [24900, 0, -1, 999999999999999999, 0]
    assert decimals_of(ticks, valid).to_pylist() == values
    part = column.slice(2, 2)
    assert ticks_of(part)[0].tolist() == [-1, 999999999999999999]


def test_amounts_are_rounded_to_ticks_and_nothing_stays_nothing() -> None:
    values = np.array([1.00004, -2.00006, np.nan, 1e300])
    found = amounts_of(values, np.array([True, True, False, True])).to_pylist()
    assert found == [Decimal("1.0000"), Decimal("-2.0001"), None, Decimal("90000000000000.0000")]


@given(prices, rates, st.booleans())
def test_shares_are_exact(ticks: int, millionths: int, up: bool) -> None:
    exact = Fraction(ticks) * (1 + Fraction(millionths, 1_000_000))
    found = share_of(np.array([ticks]), millionths / 1e6, up)
    assert found[0] == (ceil(exact) if up else floor(exact))


@given(st.integers(1, MAX_COST_TICKS), st.integers(-1_000_000, 999_999))
def test_the_price_at_a_margin_keeps_the_margin_and_one_tick_less_does_not(cost: int, millionths: int) -> None:
    margin = Fraction(millionths, 1_000_000)
    price = int(price_at_margin(np.array([cost]), millionths / 1e6)[0])
    assert (price - cost) >= margin * price
    assert (price - 1 - cost) < margin * (price - 1)


@pytest.mark.parametrize(("ticks", "least", "most"), [(24900, 249, 249), (24901, 250, 249), (24999, 250, 249)])
def test_whole_cents_round_to_the_allowed_side(ticks: int, least: int, most: int) -> None:
    assert cents_at_least(np.array([ticks]))[0] == least
    assert cents_at_most(np.array([ticks]))[0] == most


@pytest.mark.parametrize(
    ("ticks", "text"), [(24900, "2.49"), (24967, "2.4967"), (500, "0.05"), (-12300, "-1.23"), (0, "0.00")]
)
def test_price_text(ticks: int, text: str) -> None:
    assert price_text(ticks) == text
