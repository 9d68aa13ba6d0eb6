"""Who shops: classes of customers with tastes, sensitivity to price and habits."""

from dataclasses import dataclass

import numpy as np

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.draws import Array, Draws

CLASSES = 10
TASTES = 6
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
SEGMENTS = ("single", "couple", "family", "retired")


@dataclass(frozen=True)
class Shoppers:
    """Latent classes of customers; a customer belongs to one class and one market for good.

    Attributes:
        taste: latent taste, shape ``(classes, tastes)``.
        sensitivity: utility lost when a product's price rises by 1 % of its usual price, times 100, shape
            ``(classes,)``; above 0.
        visits: visits of one customer in a week, shape ``(classes,)``.
        counts: customers, shape ``(markets, classes)``.
        age: P(age band | class), shape ``(classes, age bands)``.
        segment: P(segment | class), shape ``(classes, segments)``.
    """

    taste: Array
    sensitivity: Array
    visits: Array
    counts: Array
    age: Array
    segment: Array

    @property
    def offsets(self) -> Array:
        """Number of the first customer of each market and class, shape ``(markets, classes)``."""
        ends = np.cumsum(self.counts.ravel())
        return np.asarray((ends - self.counts.ravel()).reshape(self.counts.shape))


def draw_shoppers(settings: SimulationSettings, draws: Draws) -> Shoppers:
    """The shoppers of a shop; markets differ by size and by their mix of classes."""
    taste = draws.normal("taste", (CLASSES, TASTES))
    # who likes the first taste minds prices less: sensitivity and what a customer browses have one root
    sensitivity = 1.7 * np.exp(-0.35 * taste[:, 0] + 0.2 * draws.normal("class sensitivity", (CLASSES,)))
    visits = np.exp(0.15 + 0.25 * draws.normal("visits", (CLASSES,)))
    stream = draws.stream("market mix")
    size = stream.dirichlet(np.full(settings.markets, 8.0))
    mix = stream.dirichlet(np.full(CLASSES, 4.0), size=settings.markets)
    spare = settings.customers - settings.markets * CLASSES
    counts = 1 + _rounded(spare * size[:, None] * mix)
    # tastes show in who the customers are, loosely
    lean = taste @ draws.normal("age lean", (TASTES, len(AGE_BANDS)))
    home = taste @ draws.normal("segment lean", (TASTES, len(SEGMENTS)))
    return Shoppers(taste, sensitivity, visits, counts, _softmax(0.5 * lean), _softmax(0.5 * home))


def _rounded(shares: Array) -> Array:
    """Whole numbers with the same sum, by largest remainder."""
    whole = np.floor(shares).astype(np.int64)
    left = round(float(shares.sum())) - int(whole.sum())
    largest = np.argsort(-(shares - whole).ravel(), kind="stable")[:left]
    flat = whole.ravel()
    flat[largest] += 1
    return flat.reshape(shares.shape)


def _softmax(logits: Array) -> Array:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
