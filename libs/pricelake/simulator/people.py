"""Which customer of a class buys or looks: every product has its admirers, and every customer a place among them.

The customers of a class in a market stand on a circle, and so does every product, by its latent attributes. A purchase
of the class goes to a customer near the product: the probability falls with the distance between the two. That gives
people tastes of their own, repeat purchases and neighbours alike, and leaves what the class buys, and so the truth, as
it is.
"""

import numpy as np

from pricelake.simulator.draws import Array

CONCENTRATION = 3.0
"""Distance = half the circle x uniform^3: half of the purchases come from the nearest eighth of the class."""


def nearby(uniform: Array, place: Array, size: Array) -> Array:
    """Number of a customer within a class, 0 to size - 1.

    Args:
        uniform: in [0, 1), one per purchase; its fractional use gives side and distance.
        place: place of the product on the circle, in [0, 1).
        size: customers of the class in the market, 1 or more.
    """
    side = np.where(uniform < 0.5, -1.0, 1.0)
    distance = 0.5 * (2.0 * uniform - (uniform >= 0.5)) ** CONCENTRATION
    turn = (place + side * distance) % 1.0
    return np.minimum((turn * size).astype(np.int64), size - 1)


def admiration(place: Array, size: int) -> Array:
    """P(customer i | a purchase of the class), closed form of :func:`nearby`.

    Args:
        place: places of products, shape ``(products,)``.
        size: customers of the class.

    Returns:
        shape ``(products, size)``; rows sum to 1.
    """
    edges = np.arange(size + 1) / size - place[:, None]
    # distance d = u^c / 2 on either side, so P(|distance| <= d) = (2 d)^(1/c); unrolled: the circle's mass left of x
    whole = np.floor(edges + 0.5)
    inside = edges - whole
    mass = whole + 0.5 * np.sign(inside) * (2.0 * np.abs(inside)) ** (1.0 / CONCENTRATION)
    return np.diff(mass, axis=1)


def mixed(seed: int, *numbers: Array | int) -> Array:
    """Uniform numbers in [0, 1) that whole numbers name: splitmix64 (Steele, Lea and Flood 2014), in a chain."""
    state: Array = np.asarray(np.uint64(seed))
    with np.errstate(over="ignore"):
        for number in numbers:
            state = state * np.uint64(0x9E3779B97F4A7C15) + np.asarray(number).astype(np.uint64)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(11)).astype(np.float64) / float(2**53))
