import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pricelake.demand.curve import elasticity, expected_units, response

CASES = [(0.5, 4.0, 0.1, 8.0), (4.0, 0.5, -0.2, 3.0), (2.0, 2.0, 0.3, 20.0), (0.2, 8.0, -0.5, 2.0)]
GRID = np.linspace(-0.8, 0.8, 33)


@pytest.mark.parametrize("curve", CASES)
def test_response_is_the_integral_of_the_elasticity(curve):
    expected = [quad(lambda s: elasticity(s, *curve), 0.0, u, epsabs=1e-10)[0] for u in GRID]
    np.testing.assert_allclose(response(GRID, *curve), expected, atol=1e-9)


@pytest.mark.parametrize("curve", CASES)
def test_elasticity_is_the_slope_by_finite_differences(curve):
    step = 1e-5
    slope = (response(GRID + step, *curve) - response(GRID - step, *curve)) / (2 * step)
    np.testing.assert_allclose(elasticity(GRID, *curve), slope, rtol=1e-6)


@pytest.mark.parametrize("curve", CASES)
def test_response_is_zero_at_the_reference_price(curve):
    assert response(0.0, *curve) == pytest.approx(0.0, abs=1e-14)


def test_equal_ends_give_the_log_log_curve():
    np.testing.assert_allclose(response(GRID, 1.7, 1.7, 0.2, 9.0), -1.7 * GRID, atol=1e-12)


def test_elasticity_at_the_bend_is_half_way():
    assert elasticity(0.1, 1.0, 3.0, 0.1, 12.0) == pytest.approx(-2.0)


@given(
    low=st.floats(0.2, 8.0),
    high=st.floats(0.2, 8.0),
    bend=st.floats(-0.5, 0.5),
    steepness=st.floats(2.0, 20.0),
    price=st.floats(0.05, 500.0),
    rise=st.floats(1.001, 3.0),
)
def test_units_fall_wherever_the_price_rises(low, high, bend, steepness, price, rise):
    first, second = response(np.log([price, price * rise]), low, high, bend, steepness)
    assert second < first


def curves(rows):
    names = ("reference_price", "log_units", "elasticity_low", "elasticity_high", "bend", "steepness")
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}


def test_expected_units_of_a_log_log_curve_by_hand():
    ladder = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 6.0]])
    units = expected_units(
        curves([(2.0, np.log(10.0), 2.0, 2.0, 0.0, 5.0), (3.0, np.log(7.0), 1.0, 1.0, 0.0, 5.0)]), ladder
    )
    np.testing.assert_allclose(units, [[40.0, 10.0, 2.5], [7.0, 7.0, 3.5]])


def test_expected_units_takes_one_price_per_row():
    one = curves([(2.0, np.log(10.0), 2.0, 2.0, 0.0, 5.0)])
    np.testing.assert_allclose(expected_units(one, np.array([4.0])), [2.5])


@pytest.mark.parametrize("price", [0.0, -1.0, np.nan, np.inf])
def test_a_bad_price_gives_no_units(price):
    units = expected_units(curves([(2.0, 1.0, 2.0, 2.0, 0.0, 5.0)]), np.array([[price, 2.0]]))
    assert np.isnan(units[0, 0])
    assert units[0, 1] == pytest.approx(np.e)


@pytest.mark.parametrize("position", range(6))
def test_a_curve_with_a_hole_gives_no_units(position):
    row = [2.0, 1.0, 2.0, 2.0, 0.0, 5.0]
    row[position] = np.nan
    assert np.isnan(expected_units(curves([row]), np.array([[1.0, 2.5]]))).all()
