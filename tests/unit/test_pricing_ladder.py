"""Endings and ladders: against counting by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricelake.pricing.endings import EndingGrid, RowGrids
from pricelake.pricing.ladder import candidate_prices
from pricelake.settings.rules import EndingRule

MOST = 4000  # cents enumerated


def ending_rule(*bands: tuple[float | None, tuple[str, ...]]) -> EndingRule:
    listed = [{"below": below, "endings": endings} for below, endings in bands]
    return EndingRule.model_validate({"name": "endings", "kind": "ending", "bands": listed})


def allowed(rule: EndingRule | None) -> list[int]:
    """Every allowed price up to ``MOST`` cents, by looking at its digits."""
    prices = []
    for cents in range(1, MOST + 1):
        if rule is None:
            prices.append(cents)
            continue
        band = next(b for b in rule.bands if b.below is None or cents < round(b.below * 100))
        digits = f"{cents:06d}"
        for ending in band.endings:
            tail = ending.replace("X", "").replace(".", "")
            if digits.endswith(tail):
                prices.append(cents)
                break
    return prices


RULES = (
    None,
    ending_rule((None, ("X9",))),
    ending_rule((1.0, ("X5", "X9")), (20.0, ("X9",)), (None, ("49", "99"))),
    ending_rule((0.05, ("99",)), (3.33, ("00", "X7")), (None, ("9.99", "4.50"))),
    ending_rule((5.0, ("X9",)), (None, ("00",))),
)


@pytest.mark.parametrize("rule", RULES)
def test_ranks_count_the_allowed_prices(rule: EndingRule | None) -> None:
    grid, expected = EndingGrid(rule), allowed(rule)
    cents = np.arange(0, MOST + 1)
    assert grid.count_up_to(cents).tolist() == [sum(e <= c for e in expected) for c in cents.tolist()]
    assert grid.price(np.arange(len(expected))).tolist() == expected
    assert np.flatnonzero(grid.contains(cents)).tolist() == expected


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(RULES), st.integers(1, MOST * 100), st.integers(1, MOST * 100), st.integers(2, 60))
def test_ladders_hold_allowed_prices_and_both_ends(rule: EndingRule | None, low: int, high: int, steps: int) -> None:
    grid = RowGrids(np.zeros(1, dtype=np.int64), (EndingGrid(rule),))
    prices, is_candidate = candidate_prices(grid, np.array([low]), np.array([high]), steps)
    found = prices[is_candidate].tolist()
    expected = [c * 100 for c in allowed(rule) if low <= c * 100 <= high]
    if len(expected) <= steps:
        assert found == expected
    else:
        assert len(found) == steps
        assert (found[0], found[-1]) == (expected[0], expected[-1])
        assert sorted(set(found)) == found
        assert set(found) <= set(expected)
        gaps = np.diff([expected.index(price) for price in found])
        assert gaps.max() - gaps.min() <= 1


def test_each_row_has_its_own_grid() -> None:
    grids = RowGrids(np.array([1, 0, 1]), (EndingGrid(), EndingGrid(RULES[1])))
    prices, is_candidate = candidate_prices(grids, np.array([10000] * 3), np.array([10500] * 3), 10)
    found = [prices[row][is_candidate[row]].tolist() for row in range(3)]
    assert found == [[], [10000, 10100, 10200, 10300, 10400, 10500], []]
    prices, is_candidate = candidate_prices(grids, np.array([10000] * 3), np.array([12000] * 3), 10)
    assert prices[0][is_candidate[0]].tolist() == [10900, 11900]
