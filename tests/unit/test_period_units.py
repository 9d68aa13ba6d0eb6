"""Intervals of a count against scipy's distributions, simulation and the form that they replace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, norm, poisson

from pricelake.period_units import LARGEST_COUNTED, share_between, units_interval

MEANS = np.array([0.05, 0.3, 1.0, 5.0, 20.0, 200.0, 9_000.0])


@pytest.mark.parametrize("variance", [0.01, 0.3, 1.0, 2.25])
@pytest.mark.parametrize("rate", [0.5, 0.8, 0.95])
def test_ends_are_the_quantiles_of_a_negative_binomial_that_hold_the_mean(variance: float, rate: float) -> None:
    low, high = units_interval(MEANS, variance, rate)
    held = nbinom(1 / variance, 1 / (1 + variance * MEANS))
    np.testing.assert_array_equal(low, np.minimum(held.ppf((1 - rate) / 2), np.floor(MEANS)))
    np.testing.assert_array_equal(high, np.maximum(held.ppf((1 + rate) / 2), np.ceil(MEANS)))
    stated = share_between(MEANS, variance, low, high)
    np.testing.assert_allclose(stated, held.cdf(high) - held.cdf(low - 1), rtol=1e-9)
    assert (stated >= rate - 1e-9).all()


def test_nothing_known_but_the_count_is_poisson() -> None:
    low, high = units_interval(MEANS, 0.0, 0.9)
    np.testing.assert_array_equal(low, np.minimum(poisson.ppf(0.05, MEANS), np.floor(MEANS)))
    np.testing.assert_array_equal(high, np.maximum(poisson.ppf(0.95, MEANS), np.ceil(MEANS)))


@pytest.mark.parametrize("dispersion", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("mean", [0.3, 1.0, 5.0, 50.0, 50_000.0])
def test_drawn_units_lie_inside_as_often_as_stated_and_a_log_normal_around_the_mean_held_fewer(
    dispersion: float, mean: float
) -> None:
    rng = np.random.default_rng(5)
    units = rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, 200_000))
    low, high = units_interval([mean], [dispersion], 0.8)
    inside = ((units >= low) & (units <= high)).mean()
    assert inside == pytest.approx(share_between([mean], [dispersion], low, high)[0], abs=0.005)
    assert inside > 0.795
    reach = np.exp(norm.ppf(0.9) * dispersion**0.5)
    assert ((units >= mean / reach) & (units <= mean * reach)).mean() < inside


def test_ends_do_not_jump_where_units_are_no_longer_counted() -> None:
    for variance in (0.0, 0.0025, 0.3, 2.25):
        counted, measured = units_interval([LARGEST_COUNTED, LARGEST_COUNTED * (1 + 1e-9)], variance, 0.8)
        assert counted[1] == pytest.approx(counted[0], rel=2e-4, abs=1.0)
        assert measured[1] == pytest.approx(measured[0], rel=2e-4, abs=1.0)
        stated = share_between(np.array([1.0, 1 + 1e-9]) * LARGEST_COUNTED, variance, counted, measured)
        assert stated == pytest.approx([0.8, 0.8], abs=2e-3)


def test_few_or_none_begin_at_nothing_and_what_is_unknown_stays_unknown() -> None:
    low, high = units_interval([0.0, 1e-300, 0.02, np.nan, 1.0, np.inf], [0.5, 0.5, 0.5, 0.5, np.nan, 0.5], 0.8)
    np.testing.assert_array_equal(low, [0.0, 0.0, 0.0, np.nan, np.nan, 0.0])
    np.testing.assert_array_equal(high, [0.0, 1.0, 1.0, np.nan, np.nan, np.inf])
    stated = share_between([0.0, 0.02, np.nan], 0.5, [0.0, 0.0, 0.0], [0.0, 1.0, 1.0])
    np.testing.assert_allclose(stated, [1.0, nbinom.cdf(1, 2, 1 / 1.01), np.nan])


def test_arguments_of_any_shape() -> None:
    low, high = units_interval(np.array([[1.0, 5.0], [2e4, 0.0]]), np.array([[0.3], [0.1]]), 0.8)
    assert low.shape == high.shape == (2, 2)
    assert (low[0, 1], high[0, 1]) == (nbinom.ppf(0.1, 1 / 0.3, 1 / 2.5), nbinom.ppf(0.9, 1 / 0.3, 1 / 2.5))


@settings(max_examples=300, deadline=None)
@given(mean=st.floats(0.0, 1e13), variance=st.floats(0.0, 2e4), rate=st.floats(0.0, 1.0))
def test_ends_are_whole_and_hold_the_mean_and_the_rate(mean: float, variance: float, rate: float) -> None:
    low, high = (ends[0] for ends in units_interval([mean], [variance], rate))
    assert 0 <= low <= mean <= high < np.inf
    assert (low % 1, high % 1) == (0, 0)
    assert share_between([mean], [variance], [low], [high])[0] > min(rate, 1 - 1e-9) - 2e-3
