"""Contenders that know the truth: the oracle, and each product's own true curve, which ignores cross effects."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.interface import Feasible, Floats, History
from pricelake.evaluation.market import Context, Market
from pricelake.evaluation.oracle import Profits, best_prices


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
            group = history.offers.iloc[index]
            now = pd.Series(group["price_now"].to_numpy(dtype=float), group["product_id"].to_numpy())
            for row, product in zip(index, now.index, strict=True):
                for column, price in enumerate(feasible.prices[row]):
                    if not np.isnan(price):
                        tried = now.copy()
                        tried[product] = price
                        units = self.market.expected_units(tried, market_id, self.market.as_of, Context())
                        profit[row, column] = units[product] * (price - history.unit_cost[row])
        return feasible.best(profit)


@dataclass(frozen=True)
class Oracle:
    """The best allowed prices of each market and category, held for a number of periods.

    Attributes:
        market: whose truth.
        periods: how long prices hold.
        period_days: days of a period.
        start: allowed prices to climb from besides those in force; None: each product's best by its own true curve.
    """

    market: Market
    periods: int = 1
    period_days: int = 7
    start: Floats | None = None
    name: str = "oracle"

    def propose(self, history: History, feasible: Feasible) -> Floats:
        """Group by group; exact where :func:`pricelake.evaluation.oracle.best_prices` is."""
        chosen = np.empty(len(history.offers))
        start = TrueOwnCurves(self.market).propose(history, feasible) if self.start is None else self.start
        for market_id, index in history.groups():
            products = history.offers["product_id"].to_numpy()[index]
            candidates = [row[~np.isnan(row)] for row in feasible.prices[index]]
            now = Feasible(feasible.prices[index]).nearest(history.price_now[index])
            profits = self._profits(products, market_id)
            chosen[index] = best_prices(profits, candidates, [now, start[index]]).prices
        return chosen

    def _profits(self, products: npt.NDArray[np.object_], market_id: str) -> Profits:
        known = getattr(self.market, "profits", None)
        if known is not None:
            return lambda prices: known(products, market_id, prices, self.periods)
        return lambda prices: np.array([self._profit(pd.Series(row, products), market_id) for row in prices])

    def _profit(self, prices: pd.Series, market_id: str) -> float:
        total, last = 0.0, None
        for number in range(self.periods):
            period = self.market.as_of + timedelta(days=number * self.period_days)
            units = self.market.expected_units(prices, market_id, period, Context(last))
            margin = prices - self.market.unit_costs(market_id, period)[prices.index]
            total, last = total + float((units * margin).sum()), prices
        return total
