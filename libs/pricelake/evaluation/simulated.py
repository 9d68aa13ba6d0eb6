"""The simulated shop as a market: the only module that reads its truth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.market import Context, Names
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
        """Products on sale in the first week after the history; each branch is a world with its own seed."""
        week, frames = self.settings.weeks, []
        for one in self._categories():
            on_sale = one.conditions(week).on_sale
            market, product = np.nonzero(on_sale)
            frames.append(
                pd.DataFrame(
                    {
                        "product_id": [product_id(one.stage.first_product + int(p)) for p in product],
                        "market_id": [f"m{one.stage.first_market + m}" for m in market],
                        "category": one.stage.category_name,
                        "price_now": one.end.list_price[market, product],
                        "unit_cost": _known_cost(one, week)[product],
                        "seed": one.stage.settings.seed,
                        "periods_on_sale": week - np.maximum(one.stage.category.launched[product], 0),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    def expected_units(self, prices: pd.Series, market: str, period: date, context: Context) -> pd.Series:
        """Expected units wanted; see :class:`pricelake.evaluation.market.Market`."""
        week = self._week(period)
        found: dict[str, float] = {}
        for one in self._categories(prices.index):
            names, number = self._names(one), self._market(one, market)
            price = self._prices(one, prices, number)
            last = None if context.last_prices is None else self._prices(one, context.last_prices, number)
            units = one.units(price, one.conditions(week, last))[number]
            found.update(zip(names, units, strict=True))
        return pd.Series(found, name="units").reindex(prices.index)

    def own_curves(self, offers: pd.DataFrame, moves: Sequence[float]) -> tuple[Floats, Floats]:
        """See :func:`pricelake.evaluation.asking.own_curves`."""
        units, slopes = np.empty((len(offers), len(moves))), np.empty((len(offers), len(moves)))
        for rows in offers.groupby(["market_id", "category"]).indices.values():
            group = offers.iloc[rows]
            market = str(group["market_id"].iloc[0])
            (one,) = self._categories(group["product_id"])
            places = [self._names(one).index(product) for product in group["product_id"]]
            for column, move in enumerate(moves):
                found = one.own_responses(self._market(one, market), 1.0 + move)
                units[rows, column], slopes[rows, column] = found[0][places], found[1][places]
        return units, slopes

    def contributions(self, products: Names, market: str, prices: Floats, periods: Sequence[int]) -> Floats:
        """See :func:`pricelake.evaluation.asking.contributions`; what is not on sale sells nothing."""
        (one,) = self._categories(products)
        number, names = self._market(one, market), self._names(one)
        columns = [names.index(product) for product in products]
        whole = np.repeat(one.end.list_price[[number]], len(prices), axis=0)
        whole[:, columns] = prices
        return np.asarray(one.contributions(whole, number, periods)[:, :, columns])

    def tastes(self, market: str) -> pd.DataFrame:
        """See :class:`pricelake.evaluation.market.KnownTastes`."""
        sold = self._sold_in(market)
        number, shoppers = self._market(sold[0], market), sold[0].stage.demand.shoppers
        classes = range(len(shoppers.visits))
        customers = [
            f"c{sold[0].stage.first_customer + shoppers.offsets[number, k] + n}"
            for k in classes
            for n in range(shoppers.counts[number, k])
        ]
        found: dict[str, Floats] = {}
        for one in sold:
            wanted = np.concatenate([one.tastes(number, k) for k in classes], axis=1)
            on_sale = one.conditions(self.settings.weeks).on_sale[number]
            found |= {name: wanted[n] for n, name in enumerate(self._names(one)) if on_sale[n]}
        return pd.DataFrame(found, index=pd.Index(customers, name="customer_id"))

    def unit_costs(self, market: str, period: date) -> pd.Series:
        """Cost per unit; the same in every market."""
        week = self._week(period)
        sold = self._sold_in(market)
        costs = {n: c for one in sold for n, c in zip(self._names(one), one.cost(week), strict=True)}
        return pd.Series(costs, name="unit_cost")

    def _categories(self, products: Iterable[str] | None = None) -> list[CategoryTruth]:
        """All categories, or those of some products."""
        each = self.settings.categories
        numbers: Sequence[int] = range(self.settings.branches * each)
        if products is not None:
            places = (divmod(int(name[1:]), self.settings.products) for name in products)
            size = self.settings.products_per_category
            numbers = sorted({branch * each + min(place // size, each - 1) for branch, place in places})
        return [self.truth.category(number) for number in numbers]

    def _sold_in(self, market: str) -> list[CategoryTruth]:
        """All categories of the branch that a market belongs to."""
        branch, each = int(market[1:]) // self.settings.markets, self.settings.categories
        return [self.truth.category(number) for number in range(branch * each, (branch + 1) * each)]

    def _market(self, one: CategoryTruth, market: str) -> int:
        """Number of a market within the branch of a category."""
        number = int(market[1:]) - one.stage.first_market
        if not 0 <= number < self.settings.markets:
            raise ValueError(f"{one.stage.category_name} is not sold in {market}")
        return number

    def _names(self, one: CategoryTruth) -> list[str]:
        return [product_id(one.stage.first_product + n) for n in range(one.stage.category.size)]

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


def _known_cost(one: CategoryTruth, week: int) -> Floats:
    """Costs as the shop's tables have them before a week: the week's own where a product is launched in it."""
    is_new = one.stage.category.launched == week
    return np.asarray(np.where(is_new, one.cost(week), one.cost(week - 1)).round(4))
