"""How the seller who made the history set prices: cost-plus, promotions, habits, and an eye on demand and rivals."""

from dataclasses import dataclass

import numpy as np

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.categories import Category
from pricelake.simulator.draws import Array, Draws
from pricelake.simulator.surroundings import Surroundings, autoregress

COST_DEVIATION = {"strong": 0.12, "weak": 0.02, "none": 0.0}
COST_MEMORY = 0.96
FOLLOWS_VISIBLE = 0.25
FOLLOWS_HIDDEN = 0.40
FOLLOWS_SALES = 0.06
FOLLOWS_COMPETITOR = 0.25
HABIT_DEVIATION = 0.025
COMPETITOR_FOLLOWS = 0.4
COMPETITOR_DEVIATION = 0.05
CLEARANCE_DEPTH = 0.25
SLOW_MOMENTUM, SLOW_DEPTH = -0.5, 0.15
CLEARANCE_WEEKS = 3


@dataclass(frozen=True)
class Plans:
    """All that is drawn for a category before its first week; shapes ``(weeks, markets, products)`` unless said.

    Attributes:
        cost: unit cost, shape ``(weeks, products)``.
        markup: price / cost - 1 that the seller aims at, shape ``(markets, products)``.
        reviews: whether the seller looks at the list price that week; some products hardly ever.
        habit: what else moves a new list price, in logs.
        depth: discount of the promotion on that week, 0 without.
        display: whether there is a display.
        feature: whether there is a leaflet.
        competitor: log of a competitor's price over the usual price, before any reaction; shape
            ``(weeks, markets, products, competitors)``.
        visible: worth added by shocks that views and searches show.
        hidden: worth added by shocks that no table shows.
        passing: worth added by shocks of a single week, which nobody sees coming.
    """

    cost: Array
    markup: Array
    reviews: Array
    habit: Array
    depth: Array
    display: Array
    feature: Array
    competitor: Array
    visible: Array
    hidden: Array
    passing: Array

    @property
    def shock(self) -> Array:
        """Worth added by all shocks together."""
        return np.asarray(self.visible + self.hidden + self.passing)


COMPETITORS = ("discounter", "supermarket", "online")


def draw_plans(settings: SimulationSettings, draws: Draws, category: Category, surroundings: Surroundings) -> Plans:
    """The draws of one category; instruments scale cost shocks, no switch changes anything here."""
    weeks, number = surroundings.weeks, category.number
    size = (weeks, settings.markets, category.size)
    common = autoregress(draws.normal("category cost", (weeks, 1), number), COST_MEMORY)
    own = autoregress(draws.normal("product cost", (weeks, category.size), number), COST_MEMORY)
    moves = COST_DEVIATION[settings.instruments] * (0.7 * common + 0.7 * own)
    cost = category.usual_cost * np.exp(moves)
    rivals = draws.stream("competitors", number)
    level = 0.06 * rivals.standard_normal((1, 1, category.size, len(COMPETITORS)))
    wander = autoregress(rivals.standard_normal((*size, len(COMPETITORS))), 0.9)
    # rivals buy elsewhere: a cost shock of the shop moves its own prices alone, which makes it an instrument
    competitor = level + COMPETITOR_DEVIATION * wander
    habits = draws.stream("habits", number)
    eagerness = np.where(habits.random(category.size) < 0.2, 0.012, 0.10 + 0.25 * habits.random(category.size))
    reviews = habits.random(size) < eagerness
    markup = category.usual_price / category.usual_cost - 1.0
    markup = markup * np.exp(0.08 * habits.standard_normal((settings.markets, category.size)))
    depth, display, feature = _promotions(draws, category, surroundings, size)
    return Plans(
        cost=cost,
        markup=markup,
        reviews=reviews,
        habit=HABIT_DEVIATION * habits.standard_normal(size),
        depth=depth,
        display=display,
        feature=feature,
        competitor=competitor,
        visible=0.20 * autoregress(draws.normal("visible", size, number), 0.8),
        hidden=0.20 * autoregress(draws.normal("hidden", size, number), 0.8),
        passing=0.32 * draws.normal("passing", size, number),
    )


def _promotions(
    draws: Draws, category: Category, surroundings: Surroundings, size: tuple[int, int, int]
) -> tuple[Array, Array, Array]:
    """Discount depth, display and leaflet by week; more of all before holidays; two weeks each."""
    stream = draws.stream("promotions", category.number)
    near = np.minimum(surroundings.holiday_days() + np.roll(surroundings.holiday_days(), -1), 2.0)
    eager = np.where(stream.random(category.size) < 0.25, 0.2, 1.0)
    starts = stream.random(size) < (0.035 * (1.0 + near))[:, None, None] * eager
    depth = np.where(starts, stream.choice([0.1, 0.15, 0.2, 0.25, 0.3], size), 0.0)
    for_two_weeks = stream.random(size) < 0.5
    depth[1:] = np.maximum(depth[1:], np.where(for_two_weeks[:-1], depth[:-1], 0.0))
    promoted = depth > 0.0
    display = promoted & (stream.random(size) < 0.35) | (stream.random(size) < 0.01)
    feature = promoted & (stream.random(size) < 0.5) | (stream.random(size) < 0.01)
    return depth, display, feature


@dataclass(frozen=True)
class Seller:
    """Sets list prices week by week.

    Attributes:
        category: what is sold.
        plans: what was drawn.
        sees_visible: whether prices follow the visible shocks and recent sales.
        sees_hidden: whether prices follow the hidden shocks.
    """

    category: Category
    plans: Plans
    sees_visible: bool
    sees_hidden: bool

    def first_prices(self) -> Array:
        """List prices before the first week, shape ``(markets, products)``."""
        return with_endings(self.plans.cost[0] * (1.0 + self.plans.markup))

    def list_prices(self, week: int, last: Array, competitor: Array, momentum: Array) -> Array:
        """List prices of a week, shape ``(markets, products)``.

        Args:
            week: from 0.
            last: list prices of the week before.
            competitor: median competitor price seen the week before.
            momentum: log of the seller's forecast over the product's mean sales, 0 where it has no view.
        """
        plans = self.plans
        target = np.log(plans.cost[week] * (1.0 + plans.markup))
        target = (1.0 - FOLLOWS_COMPETITOR) * target + FOLLOWS_COMPETITOR * np.log(competitor)
        if self.sees_visible:
            target = target + FOLLOWS_VISIBLE * plans.visible[week] + FOLLOWS_SALES * momentum
        if self.sees_hidden:
            target = target + FOLLOWS_HIDDEN * plans.hidden[week]
        wanted = with_endings(np.exp(target + plans.habit[week]))
        floor = with_endings(plans.cost[week] * 1.02)
        return np.asarray(np.where(plans.reviews[week], np.maximum(wanted, floor), last))

    def clearance(self, week: int, momentum: Array) -> Array:
        """Discount in the last weeks of a product that goes, and on slow stock, shape ``(markets, products)``.

        Stock that moves slowly is marked down because demand is low, which makes it a part of visible confounding.

        Args:
            week: from 0.
            momentum: see :meth:`list_prices`.
        """
        left = self.category.delisted - week
        last = np.where((left > 0) & (left <= CLEARANCE_WEEKS), CLEARANCE_DEPTH, 0.0)
        slow = np.where(momentum < SLOW_MOMENTUM, SLOW_DEPTH, 0.0) if self.sees_visible else np.zeros_like(momentum)
        return np.asarray(np.maximum(last, slow))


def with_endings(price: Array) -> Array:
    """The nearest price that ends in 9 cents; from 10 on in 49 or 99; never below 0.19."""
    small = np.round((price - 0.09) / 0.1) * 0.1 + 0.09
    large = np.round((price + 0.01) / 0.5) * 0.5 - 0.01
    return np.asarray(np.maximum(np.where(price < 10.0, small, large), 0.19).round(2))


def competitor_prices(
    plans: Plans, category: Category, week: int, own: Array | None, market: int | None = None
) -> Array:
    """Competitors' prices of a week, shape ``(markets, products, competitors)``.

    Args:
        plans: what was drawn.
        category: what is sold.
        week: from 0.
        own: the shop's prices paid a week before, shape ``(markets, products)``, where competitors react to them.
        market: of one market only; the rows of ``own`` are then several price vectors that its competitors may see.
    """
    moved = plans.competitor[week] if market is None else plans.competitor[week, market]
    if own is not None:
        moved = moved + COMPETITOR_FOLLOWS * np.log(own / category.usual_price)[:, :, None]
    return np.asarray((category.usual_price[:, None] * np.exp(moved)).round(2))
