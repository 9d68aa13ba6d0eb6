"""The simulated shop as a market: the only module that reads its truth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.market import Context
from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.categories import product_id
from pricelake.simulator.truth import CategoryTruth, ShopTruth

Floats = npt.NDArray[np.float64]


@dataclass
class SimulatedMarket:
    """A :class:`pricelake.evaluation.market.Market` over a simulated shop.

    Attributes:
        settings: the shop, as it was written.
        shop: its shop file.
        name: as the scoreboard shows it.
    """

    settings: SimulationSettings
    shop: Path
    name: str = "simulated shop"
    truth: ShopTruth = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing is lived yet."""
        self.truth = ShopTruth(self.settings)

    @property
    def as_of(self) -> date:
        """First day after the history."""
        return self.settings.first_week + timedelta(days=7 * self.settings.weeks)

    def offers(self) -> pd.DataFrame:
        """Products on sale in the first week after the history."""
        week, frames = self.settings.weeks, []
        for one in self._categories():
            on_sale = one.conditions(week).on_sale
            market, product = np.nonzero(on_sale)
            frames.append(
                pd.DataFrame(
                    {
                        "product_id": [product_id(one.stage.category.first_product + int(p)) for p in product],
                        "market_id": [f"m{m}" for m in market],
                        "category": one.stage.category.name,
                        "price_now": one.end.list_price[market, product],
                        "unit_cost": one.cost(week)[product],
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    def expected_units(self, prices: pd.Series, market: str, period: date, context: Context) -> pd.Series:
        """Expected units wanted; see :class:`pricelake.evaluation.market.Market`."""
        week, number = self._week(period), int(market[1:])
        found: dict[str, float] = {}
        for one in self._categories(prices.index):
            names = self._names(one)
            price = self._prices(one, prices, number)
            last = None if context.last_prices is None else self._prices(one, context.last_prices, number)
            units = one.units(price, one.conditions(week, last))[number]
            found.update(zip(names, units, strict=True))
        return pd.Series(found, name="units").reindex(prices.index)

    def unit_costs(self, market: str, period: date) -> pd.Series:
        """Cost per unit; the same in every market."""
        week = self._week(period)
        costs = {n: c for one in self._categories() for n, c in zip(self._names(one), one.cost(week), strict=True)}
        return pd.Series(costs, name="unit_cost")

    def _categories(self, products: Iterable[str] | None = None) -> list[CategoryTruth]:
        """All categories, or those of some products."""
        last = self.settings.categories - 1
        numbers: Sequence[int] = range(last + 1)
        if products is not None:
            firsts = (int(name[1:]) // self.settings.products_per_category for name in products)
            numbers = sorted({min(first, last) for first in firsts})
        return [self.truth.category(number) for number in numbers]

    def _names(self, one: CategoryTruth) -> list[str]:
        return [product_id(one.stage.category.first_product + n) for n in range(one.stage.category.size)]

    def _prices(self, one: CategoryTruth, prices: pd.Series, number: int) -> Floats:
        """Prices of a category, those in force where none is given, in every market; the others do not matter."""
        known = prices.reindex(self._names(one)).to_numpy(dtype=np.float64)
        matrix = one.end.list_price.copy()
        matrix[number] = np.where(np.isnan(known), matrix[number], known)
        return np.asarray(matrix)

    def _week(self, period: date) -> int:
        days = (period - self.settings.first_week).days
        if days % 7 or days < 7 * self.settings.weeks:
            raise ValueError(f"{period} is no Monday on or after {self.as_of}")
        return days // 7
