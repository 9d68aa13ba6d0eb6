"""Samples of curves against the moments that they are drawn from."""

import numpy as np
import pytest

from pricelake.demand.curve import expected_units
from pricelake.demand.draws import LEAST_STEEPNESS, draw_samples


def curves(rows: int, **changes: float) -> dict[str, np.ndarray]:
    usual = {
        "reference_price": 2.0,
        "log_units": 3.0,
        "elasticity_low": 1.5,
        "elasticity_high": 2.5,
        "bend": 0.0,
        "steepness": 5.0,
        "elasticity_sd": 0.5,
        "elasticity_kind_sd": 0.3,
        "elasticity_common_sd": 0.2,
        "log_units_sd": 0.1,
    }
    return {name: np.full(rows, value) for name, value in (usual | changes).items()}


def test_samples_have_the_deviations_of_the_curves_and_share_what_is_shared() -> None:
    found = draw_samples(curves(3), np.array([0, 0, 1]), 20_000, seed=1)
    sizes = 2.0 * found.steepness  # between low and high at the reference price
    assert sizes.mean(axis=0) == pytest.approx([2.0] * 3, abs=0.02)
    covariance = np.cov(sizes.T)
    same, other = 0.3**2 + 0.2**2, 0.2**2
    wanted = np.array([[0.25, same, other], [same, 0.25, other], [other, other, 0.25]])
    np.testing.assert_allclose(covariance, wanted, atol=0.01)
    assert found.log_units.std(axis=0) == pytest.approx([0.1] * 3, abs=0.003)
    assert abs(np.corrcoef(found.log_units[:, 0], sizes[:, 0])[0, 1]) < 0.03


@pytest.mark.parametrize("deviation", [0.1, 0.6, 1.5])
def test_expected_units_over_samples_are_those_of_the_curve(deviation: float) -> None:
    rows, count = 200, 4_000
    known = curves(rows, log_units_sd=deviation, elasticity_sd=0.5, elasticity_common_sd=0.0, elasticity_kind_sd=0.0)
    drawn = draw_samples(known, np.arange(rows), count, seed=3)
    found = drawn.expected_units(np.full(rows, 2.0)).astype(np.float64)
    mean, error = found.mean(), found.std() / (rows * count) ** 0.5
    assert mean == pytest.approx(np.exp(3.0), abs=4 * error)
    assert 4 * error < 0.02 * mean  # so that exp(deviation^2 / 2) would be seen
    assert found.std() / mean == pytest.approx(deviation, rel=0.03)
    # at another price the error of the elasticity stands in the exponent
    dearer = drawn.expected_units(np.full(rows, 2.0 * 1.1)).astype(np.float64)
    ratio = dearer.mean() / expected_units(known, np.full(rows, 2.2))[0]
    assert ratio == pytest.approx(np.exp((np.log(1.1) * 0.5) ** 2 / 2), abs=4 * error / mean)


def test_without_doubt_every_sample_is_the_curve() -> None:
    sure = curves(2, elasticity_sd=0.0, elasticity_kind_sd=0.0, elasticity_common_sd=0.0, log_units_sd=0.0)
    prices = np.array([1.6, 2.7])
    found = draw_samples(sure, np.array([0, 1]), 4, seed=1).expected_units(prices)
    assert found.shape == (4, 2)
    np.testing.assert_allclose(found, np.tile(expected_units(sure, prices), (4, 1)), rtol=1e-5)


def test_no_sample_rises_with_the_price() -> None:
    vague = curves(50, elasticity_sd=4.0)
    found = draw_samples(vague, np.arange(50), 200, seed=2)
    assert found.steepness.min() == pytest.approx(LEAST_STEEPNESS)
    low, high = (found.expected_units(np.full(50, price)) for price in (1.9, 2.1))
    assert (high < low).all()


def test_the_same_seed_draws_the_same() -> None:
    first, again, other = (draw_samples(curves(5), np.zeros(5, dtype=np.int64), 10, seed) for seed in (1, 1, 2))
    assert (first.steepness == again.steepness).all()
    assert (first.log_units != other.log_units).all()
