"""Shoppers drawn one by one, as a nested logit of one nest says they decide."""

import numpy as np

from pricelake.simulator.draws import Array


def stable(rng: np.random.Generator, index: float, size: int) -> Array:
    """Positive stable variables, E exp(-t Z) = exp(-t^index) (Kanter 1975)."""
    angle, spread = np.pi * rng.random(size), rng.exponential(size=size)
    return np.asarray(
        np.sin(index * angle)
        / np.sin(angle) ** (1.0 / index)
        * (np.sin((1.0 - index) * angle) / spread) ** ((1.0 - index) / index)
    )


def drawn_shares(rng: np.random.Generator, worth: Array, incidence: float, scale: float, shoppers: int) -> Array:
    """Shares of shoppers who each take what is worth most to them.

    Errors of one nest are s (log Z + G) with Z positive stable of index s and G standard Gumbel: each is then standard
    Gumbel, and they are correlated as the generalised extreme value distribution of a nest says.
    """
    common = scale * np.log(stable(rng, scale, shoppers))
    inside = worth + incidence + common[:, None] + scale * rng.gumbel(size=(shoppers, len(worth)))
    outside = rng.gumbel(size=shoppers)
    best = inside.argmax(axis=1)
    buys = inside.max(axis=1) > outside
    return np.bincount(best[buys], minlength=len(worth)) / shoppers
