"""Who buys: names of numbers, places on the circle, and that they leave the class's purchases as they are."""

import numpy as np
import pytest

from pricelake.simulator.people import admiration, mixed, nearby


def test_the_closed_form_is_what_is_drawn() -> None:
    rng, size, place = np.random.default_rng(2), 37, 0.93
    drawn = nearby(rng.random(300_000), np.full(300_000, place), np.full(300_000, size))
    found = np.bincount(drawn, minlength=size) / 300_000
    expected = admiration(np.array([place]), size)[0]
    assert expected.sum() == pytest.approx(1.0)
    assert (np.abs(found - expected) < 4.0 * np.sqrt(expected * (1 - expected) / 300_000) + 1e-9).all()
    assert expected.max() > 5.0 / size


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_every_customer_of_a_class_has_a_share(size: int) -> None:
    shares = admiration(np.array([0.0, 0.25, 0.999]), size)
    assert shares.shape == (3, size)
    assert (shares > 0.0).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(3))


def test_mixed_numbers_are_uniform_and_differ_by_every_part_of_their_name() -> None:
    numbers = np.arange(200_000)
    drawn = mixed(4, numbers, 7)
    assert np.histogram(drawn, bins=20, range=(0, 1))[0] == pytest.approx(10_000, rel=0.05)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01
    for other in (mixed(5, numbers, 7), mixed(4, numbers, 8), mixed(4, 7, numbers)):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.01
    assert np.array_equal(drawn, mixed(4, numbers, 7))
