"""The truth of a simulated shop: expected units at any prices, without sampling noise.

Only the room `evaluation` may import this. The truth is a function of the shop's settings; nothing of it is written
beside the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.demand import SHELF_LIFE, Conditions
from pricelake.simulator.draws import Array
from pricelake.simulator.history import Stage, State, Week, conditions_at, live, set_stage
from pricelake.simulator.people import admiration
from pricelake.simulator.seller import competitor_prices


@dataclass(frozen=True)
class CategoryTruth:
    """One category with its history lived to the end.

    Attributes:
        stage: what was fixed before.
        lived: the weeks of the history.
        end: the state after them.
    """

    stage: Stage
    lived: tuple[Week, ...]
    end: State

    def conditions(self, week: int, last_paid: Array | None = None) -> Conditions:
        """What shoppers meet in a week.

        Args:
            week: from 0; a week of the history has the conditions it had. A week after it has no promotions, the shocks
                drawn for it, and what households still hold of the history's promotions.
            last_paid: prices paid the week before, shape ``(markets, products)``, for competitors that react to them;
                None: those at the end of the history. Does not change the past.

        Raises:
            ValueError: the week lies beyond the future that the settings ask for.
        """
        if week < len(self.lived):
            return self.lived[week].conditions
        if week >= self.stage.settings.weeks + self.stage.settings.future_weeks:
            raise ValueError(f"week {week} lies beyond simulation.future_weeks")
        reacts = self.stage.settings.switches.competitor_reaction
        seen = self.end.paid if last_paid is None else last_paid
        rivals = competitor_prices(self.stage.plans, self.stage.category, week, seen if reacts else None)
        nothing = np.zeros_like(self.end.paid)
        stocked = self.end.stocked * SHELF_LIFE ** (week - len(self.lived))
        calm = conditions_at(self.stage, week, nothing, stocked, rivals)
        return replace(calm, display=nothing.astype(bool), feature=nothing.astype(bool))

    def units(self, price: Array, conditions: Conditions) -> Array:
        """Expected units wanted, shape ``(markets, products)``; 0 where not on sale."""
        return self.stage.demand.at(price, conditions).units

    def elasticities(self, price: Array, conditions: Conditions) -> Array:
        """Derivative of log units_j by log p_i, shape ``(markets, products j, products i)``; NaN where not on sale."""
        return self.stage.demand.elasticities(price, conditions)

    def cost(self, week: int) -> Array:
        """Unit costs, shape ``(products,)``."""
        return np.asarray(self.stage.plans.cost[week])

    def own_responses(self, market: int, factor: float) -> tuple[Array, Array]:
        """Units and own elasticity of each product when its price alone is multiplied, in the first week after.

        Args:
            market: number of the market.
            factor: above 0.

        Returns:
            two arrays of shape ``(products,)``; elasticities are NaN where a product is not on sale.
        """
        week = self.stage.settings.weeks
        now = self.end.list_price[market]
        prices = np.where(np.eye(len(now), dtype=bool), factor * now, now)
        conditions = self._conditions_of(market, self.conditions(week), week, self.end.paid[[market]])
        demand = self.stage.demand.in_market(market)
        units = demand.at(prices, conditions).units.diagonal()
        slopes = demand.elasticities(prices, conditions)
        return units, slopes[np.arange(len(now)), np.arange(len(now)), np.arange(len(now))]

    def contributions(self, prices: Array, market: int, horizons: Sequence[int]) -> Array:
        """Profit of each product under price vectors that are held for the next weeks, in one market.

        Args:
            prices: shape ``(n, products)``, above 0.
            market: number of the market.
            horizons: numbers of weeks, each 1 to the future weeks of the settings, ascending.

        Returns:
            expected units wanted x (price - cost), summed over weeks, shape ``(horizons, n, products)``.
        """
        first, total, found = self.stage.settings.weeks, np.zeros(prices.shape), []
        demand = self.stage.demand.in_market(market)
        for week in range(first, first + max(horizons)):
            seen = np.broadcast_to(self.end.paid[market], prices.shape) if week == first else prices
            now = self._conditions_of(market, self.conditions(week), week, seen)
            total = total + demand.at(prices, now).units * (prices - self.cost(week))
            if week - first + 1 in horizons:
                found.append(total)
        return np.stack(found)

    def _conditions_of(self, market: int, now: Conditions, week: int, seen: Array) -> Conditions:
        """Conditions of one market with a row for each price vector that rivals have seen."""
        one = Conditions(*(getattr(now, field.name)[[market]] for field in fields(Conditions)))
        if not self.stage.settings.switches.competitor_reaction:
            return one
        rivals = competitor_prices(self.stage.plans, self.stage.category, week, seen, market)
        return replace(one, competitor=np.median(rivals, axis=-1))

    def tastes(self, market: int, shopper_class: int) -> Array:
        """Expected purchases at usual prices by customer of a class in a market, shape ``(products, customers)``."""
        stage = self.stage
        shoppers, category = stage.demand.shoppers, stage.category
        calm = self.conditions(stage.settings.weeks)
        usual = np.broadcast_to(category.usual_price, self.end.paid.shape)
        wanted = stage.demand.at(usual, calm).purchases[market, shopper_class]
        return np.asarray(wanted[:, None] * admiration(category.place, int(shoppers.counts[market, shopper_class])))


@dataclass
class ShopTruth:
    """The truth of all categories; a category is lived when it is first asked for."""

    settings: SimulationSettings
    _known: dict[int, CategoryTruth] = field(default_factory=dict, repr=False)

    def category(self, number: int) -> CategoryTruth:
        """The truth of one category."""
        if number not in self._known:
            stage = set_stage(self.settings, number)
            lived, end = live(stage)
            self._known[number] = CategoryTruth(stage, tuple(lived), end)
        return self._known[number]
