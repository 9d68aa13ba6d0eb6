"""The rules that bind every contender alike."""

from dataclasses import dataclass

import numpy as np

from pricelake.evaluation.contenders.interface import Feasible, Floats

CENT = 0.01


@dataclass(frozen=True)
class HardRules:
    """Largest change, least margin and price endings, as in ``conf/rules/scoreboard.yaml``.

    Attributes:
        max_change_rate: of the price in force, 0–1.
        min_margin_rate: of the new price that must stay after the cost, 0–1.
        dear_from: from this price on endings are 49 and 99 cents; below, every price that ends in 9 cents.
    """

    max_change_rate: float = 0.20
    min_margin_rate: float = 0.02
    dear_from: float = 20.0

    def feasible(self, price_now: Floats, unit_cost: Floats) -> Feasible:
        """Allowed prices of each offer; the price in force is always allowed, since nothing need be changed.

        Args:
            price_now: shape ``(n_offers,)``, above 0.
            unit_cost: same shape.
        """
        rows = [self._allowed(now, cost) for now, cost in zip(price_now, unit_cost, strict=True)]
        width = max(len(row) for row in rows)
        return Feasible(np.array([np.pad(row, (0, width - len(row)), constant_values=np.nan) for row in rows]))

    def _allowed(self, now: float, cost: float) -> Floats:
        reach = self.max_change_rate * now
        cents = np.arange(np.ceil((now - reach) / CENT - 1e-9), np.floor((now + reach) / CENT + 1e-9) + 1.0)
        price = (cents * CENT).round(2)
        ending = np.where(price < self.dear_from, cents % 10 == 9, np.isin(cents % 100, (49, 99)))
        margin = price * (1.0 - self.min_margin_rate) >= cost - 1e-9
        return np.asarray(np.unique(np.append(price[ending & margin], now)))
