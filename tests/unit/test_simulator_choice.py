"""The closed form of choice against shoppers drawn one by one, and its derivatives against differences."""

import numpy as np
import pytest

from pricelake.simulator.choice import choose
from tests.drawn_shoppers import drawn_shares

SHOPPERS = 400_000


@pytest.mark.parametrize(("scale", "incidence"), [(0.3, -1.0), (0.6, 0.5), (1.0, -0.5)])
def test_shares_are_those_of_shoppers_who_take_what_is_worth_most(scale: float, incidence: float) -> None:
    rng = np.random.default_rng(5)
    worth = rng.normal(0.0, 0.5, 6)
    expected = choose(worth[None], np.array([incidence]), scale).probability[0]
    found = drawn_shares(rng, worth, incidence, scale, SHOPPERS)
    error = np.sqrt(expected * (1.0 - expected) / SHOPPERS)
    assert (np.abs(found - expected) < 4.0 * error).all(), (found, expected)


@pytest.mark.parametrize("is_joint", [True, False])
def test_derivatives_are_the_limits_of_differences(is_joint: bool) -> None:
    rng = np.random.default_rng(7)
    worth, incidence, scale, step = rng.normal(0.0, 0.7, (3, 5)), rng.normal(-2.0, 0.5, 3), 0.45, 1e-5
    usual = None if is_joint else rng.normal(0.0, 0.7, (3, 5))
    chosen = choose(worth, incidence, scale, usual)
    for i in range(5):
        moved = [worth + sign * step * (np.arange(5) == i) for sign in (1.0, -1.0)]
        more, less = (np.log(choose(one, incidence, scale, usual).probability) for one in moved)
        slope = (more - less) / (2.0 * step)
        assert slope[:, i] == pytest.approx(chosen.own_derivative()[:, i], abs=1e-6)
        others = np.delete(slope, i, axis=1)
        assert others == pytest.approx(np.repeat(chosen.cross_derivative()[:, [i]], 4, axis=1), abs=1e-6)
        assert (others < 0.0).all() if is_joint else (others == 0.0).all()


def test_what_is_not_on_sale_is_not_bought_and_takes_nothing_away() -> None:
    worth = np.array([[0.3, -np.inf, -0.2]])
    with_gap = choose(worth, np.array([-1.0]), 0.5).probability[0]
    without = choose(worth[:, [0, 2]], np.array([-1.0]), 0.5).probability[0]
    assert with_gap[[0, 2]] == pytest.approx(without)
    assert with_gap[1] == 0.0
    nothing = choose(np.full((1, 2), -np.inf), np.array([3.0]), 0.5)
    assert (nothing.probability == 0.0).all()


def test_alone_a_product_at_its_usual_worth_sells_as_it_does_among_the_others() -> None:
    rng = np.random.default_rng(3)
    worth, incidence = rng.normal(size=(2, 4)), np.array([-1.0, -2.0])
    together = choose(worth, incidence, 0.5).probability
    assert choose(worth, incidence, 0.5, worth).probability == pytest.approx(together)
