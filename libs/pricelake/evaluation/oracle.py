"""The best rule-feasible prices of a group of products, exact where every combination can be tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Profits = Callable[[Floats], Floats]
"""Prices, shape ``(n, products)`` → profit of each row, shape ``(n,)``."""

MAX_COMBINATIONS = 200_000
BATCH = 4096
MAX_SWEEPS = 50
STARTS = 6


@dataclass(frozen=True)
class Best:
    """Prices and their profit.

    Attributes:
        prices: shape ``(products,)``.
        profit: in truth.
        is_exact: whether no feasible prices bring more; otherwise no single price can be changed for the better.
    """

    prices: Floats
    profit: float
    is_exact: bool


def best_prices(profits: Profits, candidates: Sequence[Floats], starts: Sequence[Floats], seed: int = 0) -> Best:
    """The most profitable prices among all combinations of candidates.

    All combinations are tried where there are at most ``MAX_COMBINATIONS``. Otherwise prices climb one product at a
    time until none can be bettered, from each start and from some at random; the best end is returned.

    Args:
        profits: truth, for many price vectors at once.
        candidates: feasible prices of each product, one or more.
        starts: feasible price vectors to climb from, one or more.
        seed: of the random starts.
    """
    if prod(len(one) for one in candidates) <= MAX_COMBINATIONS:
        return _exhaust(profits, candidates)
    stream = np.random.default_rng(seed)
    random = [np.array([one[stream.integers(len(one))] for one in candidates]) for _ in range(STARTS)]
    ends = [_climb(profits, candidates, start) for start in (*starts, *random)]
    return max(ends, key=lambda end: end.profit)


def _exhaust(profits: Profits, candidates: Sequence[Floats]) -> Best:
    best: Best | None = None
    batch: list[tuple[float, ...]] = []

    def judge() -> None:
        nonlocal best
        prices = np.array(batch)
        found = profits(prices)
        top = int(np.argmax(found))
        if best is None or found[top] > best.profit:
            best = Best(prices[top], float(found[top]), is_exact=True)
        batch.clear()

    for combination in product(*candidates):
        batch.append(combination)
        if len(batch) == BATCH:
            judge()
    if batch:
        judge()
    if best is None:
        raise ValueError("a product has no candidate")
    return best


def _climb(profits: Profits, candidates: Sequence[Floats], start: Floats) -> Best:
    """Coordinate ascent: each step takes the best candidate of one product, the others held."""
    prices, profit = start.copy(), float(profits(start[None])[0])
    for _ in range(MAX_SWEEPS):
        before = profit
        for index, choices in enumerate(candidates):
            tried = np.repeat(prices[None], len(choices), axis=0)
            tried[:, index] = choices
            found = profits(tried)
            top = int(np.argmax(found))
            if found[top] > profit:
                prices, profit = tried[top], float(found[top])
        if profit == before:
            break
    return Best(prices, profit, is_exact=False)
