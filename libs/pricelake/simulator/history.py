"""The history of one category, week by week: prices, demand, stock, sales."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import beta, norm, poisson

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.categories import BRANDS, Category, draw_category
from pricelake.simulator.demand import CategoryDemand, Conditions
from pricelake.simulator.draws import Array, Draws
from pricelake.simulator.seller import Plans, Seller, competitor_prices, draw_plans, with_endings
from pricelake.simulator.shoppers import draw_shoppers
from pricelake.simulator.surroundings import Surroundings, draw_surroundings, readiness

FORECAST_MEMORY = 0.8
SAFETY_STEP = 0.25
FAILURES = 0.15
"""How often a product's deliveries begin to fail, as a share of the weeks that sell out, for ``FAILED_WEEKS`` each."""
FAILED_WEEKS = 2


@dataclass(frozen=True)
class Stage:
    """All that is fixed before the first week of one category."""

    branch: int
    settings: SimulationSettings
    """Of the branch."""
    surroundings: Surroundings
    category: Category
    demand: CategoryDemand
    seller: Seller
    plans: Plans
    readiness: Array
    chance: Array
    """Uniform draws behind purchases and further units, shape ``(2, weeks, markets, products)``."""
    pace: Array
    """Uniform draws behind the time at which stock runs out, shape ``(weeks, markets, products)``."""
    is_delivered: Array
    """Whether what was ordered comes, same shape."""

    @property
    def first_product(self) -> int:
        """Number of the category's first product, counted through all branches."""
        return self.branch * self.settings.products + self.category.first_product

    @property
    def first_market(self) -> int:
        """Number of the branch's first market."""
        return self.branch * self.settings.markets

    @property
    def first_customer(self) -> int:
        """Number of the branch's first customer."""
        return self.branch * self.settings.customers

    @property
    def category_name(self) -> str:
        """Name of the category, another one in each branch."""
        of_branch = "" if self.branch == 0 else f" OF BRANCH {self.branch + 1}"
        return self.category.name + of_branch

    @property
    def brands(self) -> Array:
        """Numbers of the products' brands, others in each branch."""
        return np.asarray(self.category.brand + BRANDS * self.branch)


@dataclass(frozen=True)
class State:
    """What one week leaves to the next; shapes ``(markets, products)``.

    Attributes:
        list_price: list prices in force.
        paid: prices paid, promotions included.
        stocked: what households hold.
        forecast: the seller's forecast of demand, units a week.
        usual: slow mean of it.
        stock: units on hand before the week's delivery.
        safety: log of the stock that the seller orders over the forecast.
        rivals: median competitor price.
    """

    list_price: Array
    paid: Array
    stocked: Array
    forecast: Array
    usual: Array
    stock: Array
    safety: Array
    rivals: Array


@dataclass(frozen=True)
class Week:
    """One week of a category; shapes ``(markets, products)`` unless said.

    Attributes:
        list_price: regular price.
        paid: price paid, the discount taken off.
        conditions: what else shoppers met.
        competitors: competitors' prices, shape ``(markets, products, competitors)``.
        purchases: purchases that shoppers wanted to make.
        wanted: units that shoppers wanted.
        sold: units sold.
        on_hand: units on hand at the end of the week; infinite where stock is.
        availability: share of the week in stock, 0–1.
    """

    list_price: Array
    paid: Array
    conditions: Conditions
    competitors: Array
    purchases: Array
    wanted: Array
    sold: Array
    on_hand: Array
    availability: Array


def set_stage(shop: SimulationSettings, number: int) -> Stage:
    """Everything about a category that does not depend on what happens in it.

    Args:
        shop: all branches.
        number: of the category, counted through all branches.
    """
    branch, own = divmod(number, shop.categories)
    settings = shop.branch(branch)
    draws = Draws(settings.seed)
    shoppers = draw_shoppers(settings, draws)
    surroundings = draw_surroundings(settings, draws)
    category = draw_category(settings, draws, shoppers, own)
    plans = draw_plans(settings, draws, category, surroundings)
    on = settings.switches
    shape = (surroundings.weeks, settings.markets, category.size)
    return Stage(
        branch=branch,
        settings=settings,
        surroundings=surroundings,
        category=category,
        demand=CategoryDemand(category, shoppers, on.cross_effects, on.forward_buying),
        seller=Seller(category, plans, on.confounding_visible, on.confounding_hidden),
        plans=plans,
        readiness=readiness(surroundings, draws, own),
        chance=draws.uniform("chance", (2, *shape), own),
        pace=draws.uniform("pace", shape, own),
        is_delivered=_deliveries(draws.uniform("delivery", shape, own), settings.sold_out_rate),
    )


def _deliveries(luck: Array, sold_out_rate: float) -> Array:
    """Whether each week's delivery comes, shape of ``luck`` (weeks first)."""
    fails = luck < FAILURES * sold_out_rate
    for later in range(1, FAILED_WEEKS):
        fails[later:] |= luck[:-later] < FAILURES * sold_out_rate
    return np.asarray(~fails)


def first_state(stage: Stage) -> State:
    """The state before the first week, in equilibrium at the first prices."""
    price = stage.seller.first_prices()
    nothing = np.zeros_like(price)
    competitors = competitor_prices(stage.plans, stage.category, 0, None)
    conditions = conditions_at(stage, 0, nothing, nothing, competitors)
    units = stage.demand.at(price, conditions).units
    # sd of log demand over forecast: Poisson, and what the forecast cannot know
    spread = np.sqrt(1.0 / (units + 0.5) + 0.3**2)
    safety = norm.ppf(np.clip(1.0 - stage.settings.sold_out_rate, 0.01, 0.999)) * spread
    return State(price, price, nothing, units, units, np.zeros_like(units), safety, np.median(competitors, axis=-1))


def conditions_at(stage: Stage, week: int, depth: Array, stocked: Array, competitors: Array) -> Conditions:
    """What shoppers meet in a week under given promotions and competitors' prices."""
    plans, category = stage.plans, stage.category
    on_sale = (week >= category.launched) & (week < category.delisted)
    return Conditions(
        on_sale=np.broadcast_to(on_sale, depth.shape),
        depth=depth,
        display=plans.display[week],
        feature=plans.feature[week],
        competitor=np.median(competitors, axis=-1),
        shock=plans.shock[week] + category.life(week),
        stocked=stocked,
        readiness=stage.readiness[week],
    )


def live_week(stage: Stage, week: int, state: State) -> tuple[Week, State]:
    """One week under the seller's own prices; ``state`` is left as it is."""
    plans, on = stage.plans, stage.settings.switches
    competitors = competitor_prices(plans, stage.category, week, state.paid if on.competitor_reaction else None)
    momentum = np.log((state.forecast + 0.1) / (state.usual + 0.1))
    list_price = stage.seller.list_prices(week, state.list_price, state.rivals, momentum)
    depth = np.maximum(plans.depth[week], stage.seller.clearance(week, momentum))
    paid = np.where(depth > 0.0, with_endings(list_price * (1.0 - depth)), list_price)
    paid = np.minimum(paid, list_price)
    depth = 1.0 - paid / list_price
    conditions = conditions_at(stage, week, depth, state.stocked, competitors)
    demand = stage.demand.at(paid, conditions)
    state = _expect_launches(stage, week, state)
    purchases, wanted = _draw_units(stage, week, demand.purchases.sum(axis=-2), demand.units_per_purchase)
    sold, on_hand, availability = _sell(stage, week, state, wanted)
    lived = Week(list_price, paid, conditions, competitors, purchases, wanted, sold, on_hand, availability)
    return lived, _next_state(stage, state, lived)


def _expect_launches(stage: Stage, week: int, state: State) -> State:
    """The state in which a seller orders: a product that is launched is expected to sell like the category's mean."""
    category = stage.category
    is_launched = category.launched == week
    is_known = (category.launched < week) & (week < category.delisted)
    if week == 0 or not is_launched.any() or not is_known.any():
        return state
    guess = state.forecast[:, is_known].mean(axis=1, keepdims=True)
    forecast = np.where(is_launched, guess, state.forecast)
    return replace(state, forecast=forecast, usual=np.where(is_launched, guess, state.usual))


def _draw_units(stage: Stage, week: int, mean: Array, per_purchase: Array) -> tuple[Array, Array]:
    """Purchases and units, Poisson by inversion: the same chance gives more where more is expected."""
    purchases = poisson.ppf(stage.chance[0, week], mean)
    purchases = np.where(mean > 0.0, purchases, 0.0)
    further = purchases * (per_purchase - 1.0)
    extra = np.where(further > 0.0, poisson.ppf(stage.chance[1, week], np.maximum(further, 1e-12)), 0.0)
    return purchases, purchases + extra


def _sell(stage: Stage, week: int, state: State, wanted: Array) -> tuple[Array, Array, Array]:
    """Units sold, units left, and the share of the week in stock.

    Demand comes at an even rate over the week. Where ``n`` units are wanted in all, the one that empties a stock of
    ``k`` comes at the ``k``-th of ``n`` independent uniform times: Beta(k, n - k + 1) (David and Nagaraja, *Order
    Statistics*, 3rd ed. 2003, section 2.2).
    """
    if not stage.settings.switches.sold_out:
        return wanted, np.full_like(wanted, np.inf), np.ones_like(wanted)
    ordered = np.maximum(state.stock, np.ceil((state.forecast + 0.3) * np.exp(state.safety)))
    stock = np.where(stage.is_delivered[week], ordered, state.stock)
    sold = np.minimum(wanted, stock)
    is_short = wanted > stock
    runs_out = beta.ppf(stage.pace[week], np.maximum(stock, 1.0), np.where(is_short, wanted - stock, 0.0) + 1.0)
    availability = np.where(is_short, runs_out, 1.0)
    return sold, stock - sold, np.where(stock > 0.0, availability, 0.0)


def _next_state(stage: Stage, state: State, week: Week) -> State:
    """Forecasts learn from sales, corrected for the time without stock as sellers do; so does the safety stock.

    A week without any stock teaches nothing.

    The safety stock follows the quantile of demand over forecast that lets the set share of weeks sell out, by
    stochastic approximation (Robbins and Monro 1951): up after a week that sold out, down a little after others.
    """
    seen = np.where(week.availability > 0.0, week.sold / np.maximum(week.availability, 0.5), state.forecast)
    forecast = FORECAST_MEMORY * state.forecast + (1.0 - FORECAST_MEMORY) * seen
    usual = 0.97 * state.usual + 0.03 * seen
    stocked = stage.demand.stocked_next(week.conditions, week.availability)
    missed = (week.availability < 1.0) - stage.settings.sold_out_rate
    safety = state.safety + SAFETY_STEP * missed * week.conditions.on_sale
    rivals = np.median(week.competitors, axis=-1)
    return State(week.list_price, week.paid, stocked, forecast, usual, week.on_hand, safety, rivals)


def live(stage: Stage) -> tuple[list[Week], State]:
    """The whole history of a category, and the state in which it ends."""
    state = first_state(stage)
    lived = []
    for number in range(stage.settings.weeks):
        week, state = live_week(stage, number, state)
        lived.append(week)
    return lived, state
