"""The best rule-feasible prices of a group of products: exact, or between what was found and a proven bound.

The bound is that of a branch and bound (Land and Doig 1960). In a box of prices, the profit of product j is at most the
most that one of its own prices brings while all other products are at the dear end of the box, because products of a
category replace each other: units_j rise with the prices of the others. A product sold under cost loses least with the
others at the cheap end. The sum over products bounds the box, and boxes are halved, the most promising one first,
until nothing is left above the best prices found or the effort is spent. Not covered is a product whose price is above
its cost in some of the periods and below it in others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice, product
from math import prod

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Contributions = Callable[[Floats], Floats]
"""Prices, shape ``(n, products)`` → profit of each product, same shape."""

MAX_COMBINATIONS = 200_000
MAX_BOXES = 400
BATCH = 4096
MAX_SWEEPS = 50
STARTS = 6
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Best:
    """Prices and their profit.

    Attributes:
        prices: shape ``(products,)``.
        profit: in truth.
        bound: no feasible prices bring more; equal to ``profit`` where all were tried or ruled out.
    """

    prices: Floats
    profit: float
    bound: float


def try_all(contributions: Callable[[Floats], Floats], candidates: Sequence[Floats], horizons: int) -> list[Best]:
    """The most profitable of all combinations of candidates, for each of several horizons at once.

    Args:
        contributions: as ``Contributions``, with a leading axis of ``horizons``.
        candidates: feasible prices of each product, one or more.
        horizons: how many.
    """
    if not all(len(one) for one in candidates):
        raise ValueError("a product has no candidate")
    best: list[Best | None] = [None] * horizons
    combinations = product(*candidates)
    while batch := list(islice(combinations, BATCH)):
        prices = np.array(batch)
        for horizon, profit in enumerate(contributions(prices).sum(axis=-1)):
            top, known = int(np.argmax(profit)), best[horizon]
            if known is None or profit[top] > known.profit:
                best[horizon] = Best(prices[top], float(profit[top]), float(profit[top]))
    return [one for one in best if one is not None]


def combinations_of(candidates: Sequence[Floats]) -> int:
    """How many price vectors there are."""
    return prod(len(one) for one in candidates)


def search(
    contributions: Contributions,
    candidates: Sequence[Floats],
    starts: Sequence[Floats],
    seed: int = 0,
    max_boxes: int = MAX_BOXES,
) -> Best:
    """Good prices among too many combinations, and a bound on the best.

    Prices climb one product at a time until none can be bettered, from each start and from some at random; then boxes
    of prices are ruled out.

    Args:
        contributions: truth, for many price vectors at once.
        candidates: feasible prices of each product, ascending, one or more.
        starts: feasible price vectors to climb from, one or more.
        seed: of the random starts.
        max_boxes: effort spent on the bound.
    """
    stream = np.random.default_rng(seed)
    random = [np.array([one[stream.integers(len(one))] for one in candidates]) for _ in range(STARTS)]
    ends = [_climb(contributions, candidates, start) for start in (*starts, *random)]
    prices, profit = max(ends, key=lambda end: end[1])
    return _rule_out(contributions, candidates, prices, profit, max_boxes)


def _climb(contributions: Contributions, candidates: Sequence[Floats], start: Floats) -> tuple[Floats, float]:
    """Coordinate ascent: each step takes the best candidate of one product, the others held."""
    prices, profit = start.copy(), float(contributions(start[None]).sum())
    for _ in range(MAX_SWEEPS):
        before = profit
        for index, choices in enumerate(candidates):
            tried = np.repeat(prices[None], len(choices), axis=0)
            tried[:, index] = choices
            found = contributions(tried).sum(axis=-1)
            top = int(np.argmax(found))
            if found[top] > profit:
                prices, profit = tried[top], float(found[top])
        if profit == before:
            break
    return prices, profit


Box = tuple[tuple[int, int], ...]
"""First and last candidate of each product."""


def _rule_out(
    contributions: Contributions, candidates: Sequence[Floats], prices: Floats, profit: float, max_boxes: int
) -> Best:
    whole: Box = tuple((0, len(one) - 1) for one in candidates)
    bound, guess = _bound_of(contributions, candidates, whole)
    open_boxes = [(-bound, whole, guess)]
    for _ in range(max_boxes):
        if not open_boxes or -open_boxes[0][0] <= profit * (1.0 + TOLERANCE):
            return Best(prices, profit, profit)
        _, box, guess = heappop(open_boxes)
        reached = float(contributions(guess[None]).sum())
        if reached > profit:
            prices, profit = guess, reached
        for half in _halves(candidates, box):
            bound, guess = _bound_of(contributions, candidates, half)
            if bound > profit:
                heappush(open_boxes, (-bound, half, guess))
    return Best(prices, profit, max(profit, -open_boxes[0][0]) if open_boxes else profit)


def _bound_of(contributions: Contributions, candidates: Sequence[Floats], box: Box) -> tuple[float, Floats]:
    """The bound of a box, and the prices that reach it product by product."""
    choices = [one[first : last + 1] for one, (first, last) in zip(candidates, box, strict=True)]
    owner = np.repeat(np.arange(len(choices)), [len(one) for one in choices])
    own = np.concatenate(choices)
    lines = np.arange(len(owner))
    most = np.full(len(owner), -np.inf)
    for end in (0, -1):
        tried = np.repeat(np.array([[one[end] for one in choices]]), len(owner), axis=0)
        tried[lines, owner] = own
        most = np.maximum(most, contributions(tried)[lines, owner])
    total, guess = 0.0, np.empty(len(choices))
    for index in range(len(choices)):
        mine = np.flatnonzero(owner == index)
        top = mine[int(np.argmax(most[mine]))]
        total, guess[index] = total + float(most[top]), own[top]
    return total, guess


def _halves(candidates: Sequence[Floats], box: Box) -> list[Box]:
    """Two boxes, cut where the range of a product's prices is widest in logs; none for a single point."""
    width = [np.log(one[last] / one[first]) for one, (first, last) in zip(candidates, box, strict=True)]
    widest = int(np.argmax(width))
    first, last = box[widest]
    if first == last:
        return []
    middle = (first + last) // 2
    return [(*box[:widest], part, *box[widest + 1 :]) for part in ((first, middle), (middle + 1, last))]
