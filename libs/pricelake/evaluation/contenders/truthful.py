"""Who knows the truth: the oracle, and each product's own true curve, which ignores cross effects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pricelake.evaluation.asking import contributions
from pricelake.evaluation.contenders.interface import Feasible, Floats, History
from pricelake.evaluation.market import Market, Names
from pricelake.evaluation.oracle import MAX_COMBINATIONS, combinations_of, search, try_all


@dataclass(frozen=True)
class TrueOwnCurves:
    """Each product's true curve with all other prices left as they are: perfect knowledge, no cross effects.

    Attributes:
        market: whose truth.
    """

    market: Market
    name: str = "true_own_curves"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """The most profitable allowed price of each product by itself, in the first period."""
        profit = np.full(feasible.prices.shape, np.nan)
        for market_id, index in history.groups():
            allowed, products = feasible.prices[index], history.products[index]
            own, column = np.nonzero(~np.isnan(allowed))
            tried = np.repeat(history.price_now[index][None], len(own), axis=0)
            lines = np.arange(len(own))
            tried[lines, own] = allowed[own, column]
            found = contributions(self.market, products, market_id, tried, [1])[0]
            profit[index[own], column] = found[lines, own]
        return feasible.best(profit)


@dataclass(frozen=True)
class Optimum:
    """The best allowed prices of each market and category, held for some periods, for several such numbers.

    Attributes:
        prices: shape ``(periods, n_offers)``.
        profit: of each group of :meth:`History.groups`, shape ``(periods, groups)``.
        bound: no allowed prices bring a group more, same shape; equal to ``profit`` where the optimum is exact.
    """

    prices: Floats
    profit: Floats
    bound: Floats


def find_optimum(
    market: Market, history: History, feasible: Feasible, periods: Sequence[int], start: Floats
) -> Optimum:
    """The oracle: group by group, exact where all combinations can be tried.

    Args:
        market: whose truth.
        history: whose offers.
        feasible: allowed prices.
        periods: how long prices are held, ascending.
        start: allowed prices to climb from where not all combinations can be tried, shape ``(n_offers,)``.
    """
    prices = np.empty((len(periods), len(history.offers)))
    groups = history.groups()
    profit, bound = np.empty((len(periods), len(groups))), np.empty((len(periods), len(groups)))
    for group, (market_id, index) in enumerate(groups):
        earn = partial(_earn, market, history.products[index], market_id)
        candidates = [row[~np.isnan(row)] for row in feasible.prices[index]]
        if combinations_of(candidates) <= MAX_COMBINATIONS:
            found = try_all(partial(earn, periods), candidates, len(periods))
        else:
            now = Feasible(feasible.prices[index]).nearest(history.price_now[index])
            starts = [now, start[index]]
            found = [search(partial(_earn_once, earn, number), candidates, starts) for number in periods]
        for number, best in enumerate(found):
            prices[number, index] = best.prices
            profit[number, group], bound[number, group] = best.profit, best.bound
    return Optimum(prices, profit, bound)


def _earn(market: Market, products: Names, market_id: str, periods: Sequence[int], prices: Floats) -> Floats:
    """Profit of each product, shape ``(periods, n, products)``."""
    return contributions(market, products, market_id, prices, periods)


def _earn_once(earn: Callable[[Sequence[int], Floats], Floats], periods: int, prices: Floats) -> Floats:
    """The same for one number of periods, shape ``(n, products)``."""
    return np.asarray(earn([periods], prices)[0])
