"""Expected units of a category in one market and week: the truth, in closed form over the classes of shoppers."""

from dataclasses import dataclass, replace

import numpy as np

from pricelake.simulator.categories import Category
from pricelake.simulator.choice import Choice, choose
from pricelake.simulator.draws import Array
from pricelake.simulator.shoppers import Shoppers

DISPLAY_WORTH = 0.18
FEATURE_WORTH = 0.12
COMPETITOR_WORTH = 0.6
STOCKING_UP = 1.2
"""Further units per purchase for each unit of promotion depth, where forward buying is on."""
RESTOCKED = 1.1
"""Worth lost in later weeks for each unit of promotion depth stocked up on."""
SHELF_LIFE = 0.55
"""Share of what was stocked up on that is still there a week later."""


@dataclass(frozen=True)
class Conditions:
    """What shoppers of a category meet in one week, everything but the price; shapes ``(markets, products)``.

    Attributes:
        on_sale: whether the product is sold at all.
        depth: discount as a share of the list price, 0–1; 0 without promotion.
        display: whether it stands on a display.
        feature: whether it is in the leaflet.
        competitor: median competitor price, above 0.
        shock: worth added by everything else that week.
        stocked: what households still hold from earlier promotions, in units of their depth.
        readiness: added to the incidence, shape ``(markets,)``.
    """

    on_sale: Array
    depth: Array
    display: Array
    feature: Array
    competitor: Array
    shock: Array
    stocked: Array
    readiness: Array


@dataclass(frozen=True)
class Demand:
    """Expected purchases and units of one week.

    Attributes:
        choice: probabilities of one visit, shape ``(markets, classes, products)``.
        purchases: expected purchases by class, same shape.
        units_per_purchase: shape ``(markets, products)``, at least 1.
    """

    choice: Choice
    purchases: Array
    units_per_purchase: Array

    @property
    def units(self) -> Array:
        """Expected units, shape ``(markets, products)``."""
        return np.asarray(self.purchases.sum(axis=-2) * self.units_per_purchase)


@dataclass(frozen=True)
class CategoryDemand:
    """How the shoppers of a shop buy in one category.

    Attributes:
        category: what is sold.
        shoppers: who buys.
        is_joint: whether products take sales from each other.
        stocks_up: whether shoppers buy ahead in promotions.
    """

    category: Category
    shoppers: Shoppers
    is_joint: bool
    stocks_up: bool

    def in_market(self, market: int) -> "CategoryDemand":
        """The demand of one market alone; prices and conditions may then have any number of rows."""
        return replace(self, shoppers=replace(self.shoppers, counts=self.shoppers.counts[[market]]))

    def at(self, price: Array, now: Conditions) -> Demand:
        """Demand at prices paid.

        Args:
            price: per unit, shape ``(markets, products)``, above 0.
            now: everything else.
        """
        worth = self._worth(price, now)
        usual = None
        if not self.is_joint:
            usual = np.where(now.on_sale[:, None, :], self.category.liking, -np.inf)
        incidence = self.category.incidence + now.readiness[:, None]
        choice = choose(worth, incidence, self.category.scale, usual)
        visits = self.shoppers.counts * self.shoppers.visits
        stocking = STOCKING_UP * now.depth if self.stocks_up else np.zeros_like(now.depth)
        per_purchase = 1.0 + self.category.extra_quantity * (1.0 + stocking)
        return Demand(choice, visits[:, :, None] * choice.probability, per_purchase)

    def _worth(self, price: Array, now: Conditions) -> Array:
        """V_kj, shape ``(markets, classes, products)``."""
        common = DISPLAY_WORTH * now.display + FEATURE_WORTH * now.feature + now.shock
        common = common + COMPETITOR_WORTH * np.log(now.competitor / price)
        if self.stocks_up:
            common = common - RESTOCKED * now.stocked
        common = np.where(now.on_sale, common, -np.inf)
        felt = self.category.sensitivity * self.category.pressure(price)[:, None, :]
        return np.asarray(self.category.liking - felt + common[:, None, :])

    def _worth_derivative(self, price: Array) -> Array:
        """Derivative of V_kj by log p_j, shape ``(markets, classes, products)``; below 0."""
        slope = self.category.sensitivity * self.category.pressure_derivative(price)[:, None, :]
        return np.asarray(-slope - COMPETITOR_WORTH)

    def elasticities(self, price: Array, now: Conditions) -> Array:
        """Derivative of log units_j by log p_i, shape ``(markets, products j, products i)``; own-price on the diagonal.

        The mixture's elasticity is the purchase-weighted mean of the classes' (Train, ch. 6): for class k it is the
        derivative of the logit times d V_ki / d log p_i. NaN for products not on sale.
        """
        demand = self.at(price, now)
        slope = self._worth_derivative(price)
        weight = demand.purchases / np.where(now.on_sale, demand.purchases.sum(axis=-2), np.nan)[:, None, :]
        cross = np.einsum("mkj,mki->mji", weight, demand.choice.cross_derivative() * slope)
        own = (weight * demand.choice.own_derivative() * slope).sum(axis=-2)
        index = np.arange(self.category.size)
        cross[:, index, index] = own
        return np.asarray(cross)

    def stocked_next(self, now: Conditions, availability: Array) -> Array:
        """What households hold a week later, shape ``(markets, products)``.

        Only what can be bought is stocked up on: nothing of a product that is not on sale, and of one that ran out no
        more than while it was in stock.

        Args:
            now: conditions of the week.
            availability: share of the week in stock, 0–1, shape ``(markets, products)``.
        """
        return np.asarray(SHELF_LIFE * (now.stocked + now.depth * now.on_sale * availability))
