"""How shoppers choose: whether to buy in a category, and which product, in closed form.

A shopper of class k on a visit looks at every category by itself. Product j is worth U_kj = V_kj + e_kj with e from the
generalised extreme value distribution of a nested logit whose one nest is the category (McFadden 1978; Train, *Discrete
Choice Methods with Simulation*, ch. 4), so with scale 0 < s <= 1

    P(j | category) = exp(V_kj / s) / sum_i exp(V_ki / s)
    P(category)     = 1 / (1 + exp(-(a_k + s log sum_i exp(V_ki / s))))

and P(j) is their product. Derivatives by the worth of a product, with w_j = P(j | category) and b = P(category):

    d log P(j) / d V_j = (1 - w_j) / s + w_j (1 - b)
    d log P(j) / d V_i = w_i (1 - b) - w_i / s
"""

from dataclasses import dataclass

import numpy as np

from pricelake.simulator.draws import Array


@dataclass(frozen=True)
class Choice:
    """Probabilities of one visit.

    Attributes:
        within: P(j | category), shape ``(..., classes, products)``; 0 for products not on sale.
        buys: P(category), same shape as ``within`` or broadcast to it (it differs by product only without cross
            effects).
        scale: s.
        is_joint: whether products take sales from each other.
    """

    within: Array
    buys: Array
    scale: float
    is_joint: bool

    @property
    def probability(self) -> Array:
        """P(j), shape ``(..., classes, products)``."""
        return np.asarray(self.within * self.buys)

    def own_derivative(self) -> Array:
        """The derivative of log P(j) by V_j, shape ``(..., classes, products)``; at least 0."""
        return np.asarray((1.0 - self.within) / self.scale + self.within * (1.0 - self.buys))

    def cross_derivative(self) -> Array:
        """The derivative of log P(j) by V_i, the same for all j other than i, shape ``(..., classes, products i)``."""
        if not self.is_joint:
            return np.zeros_like(self.within)
        return np.asarray(self.within * (1.0 - self.buys) - self.within / self.scale)


def choose(worth: Array, incidence: Array, scale: float, rivals_worth: Array | None = None) -> Choice:
    """Choice probabilities of each class.

    Args:
        worth: V_kj, shape ``(..., classes, products)``; minus infinity: not on sale.
        incidence: a_k, shape ``(..., classes)``.
        scale: s, above 0 and at most 1.
        rivals_worth: None where products take sales from each other; otherwise what every product is worth in its
            usual state, shape of ``worth``: a product is then compared with the others as they usually are, so that
            their prices do not matter to it.

    Returns:
        the probabilities.
    """
    with np.errstate(divide="ignore", over="raise"):
        attraction = np.exp(worth / scale)
        if rivals_worth is None:
            total = attraction.sum(axis=-1, keepdims=True)
        else:
            usual = np.exp(rivals_worth / scale)
            total = attraction + (usual.sum(axis=-1, keepdims=True) - usual)
        inclusive = scale * np.log(total)
    buys = 1.0 / (1.0 + np.exp(-np.clip(incidence[..., None] + inclusive, -700.0, 700.0)))
    within = np.divide(attraction, total, out=np.zeros_like(attraction), where=total > 0.0)
    return Choice(within, np.broadcast_to(buys, within.shape), scale, rivals_worth is None)
