"""The order lines, views, searches and reviews behind the sums of a week."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from pricelake.simulator.categories import product_id
from pricelake.simulator.draws import Array, Draws
from pricelake.simulator.history import Stage, Week
from pricelake.simulator.people import mixed, nearby
from pricelake.simulator.words import ATTRIBUTES

VISIT_SLOTS = 2
DAY_SECONDS = 86_400
OPENS, CLOSES = 8 * 3600, 20 * 3600
REVIEW_RATE = 0.04
VISIBLE_IN_VIEWS = 3.0
EVENT_KINDS = ("view", "cart", "search", "wish")
EVENT_SHARES = (0.80, 0.09, 0.08, 0.03)
PRAISE = ("not again", "a disappointment", "all right", "good", "the best there is")


@dataclass(frozen=True)
class Lines:
    """Order lines of one category and week; all shape ``(lines,)``.

    Attributes:
        market: number of the market.
        product: number of the product within the category.
        shopper_class: class of the customer.
        customer: number of the customer in the shop.
        slot: which of the customer's visits of the week.
        turn: when in the week, in [0, 1).
        quantity: units, 1 or more.
    """

    market: Array
    product: Array
    shopper_class: Array
    customer: Array
    slot: Array
    turn: Array
    quantity: Array


def draw_lines(stage: Stage, number: int, week: Week) -> Lines:
    """Who bought what and when; units by market and product sum to ``week.sold``."""
    settings, category = stage.settings, stage.category
    stream = Draws(settings.seed).stream("lines", category.number, number)
    counts = week.purchases.astype(np.int64).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    extra_cell = np.repeat(np.arange(counts.size), (week.wanted - week.purchases).astype(np.int64).ravel())
    starts = np.cumsum(counts) - counts
    luck = stream.random((4, len(cell)))
    target = starts[extra_cell] + (stream.random(len(extra_cell)) * counts[extra_cell]).astype(np.int64)
    quantity = 1 + np.bincount(target, minlength=len(cell))
    market, product = np.divmod(cell, category.size)
    purchases = stage.demand.at(week.paid, week.conditions).purchases
    shopper_class = _classes(purchases, market, product, luck[0])
    customer = customers_of(stage, market, product, shopper_class, luck[1])
    slot = (luck[2] * VISIT_SLOTS).astype(np.int64)
    turn = mixed(settings.seed, customer, number, slot)
    order = np.lexsort((luck[3], turn, cell))
    cell, quantity = cell[order], quantity[order]
    before = np.cumsum(quantity) - quantity
    before = before - before[starts[cell]] if len(cell) else before
    kept = np.minimum(quantity, np.maximum(week.sold.ravel()[cell].astype(np.int64) - before, 0))
    sold = kept > 0
    taken = order[sold]
    return Lines(
        market[taken], product[taken], shopper_class[taken], customer[taken], slot[taken], turn[taken], kept[sold]
    )


def _classes(weights: Array, market: Array, product: Array, luck: Array) -> Array:
    """Class of each purchase, drawn by the classes' expected purchases, shape of ``luck``."""
    share = np.cumsum(weights, axis=1)
    cut = share[market, :, product]
    return np.asarray((cut < (luck * cut[:, -1])[:, None]).sum(axis=1)) if len(luck) else market


def customers_of(stage: Stage, market: Array, product: Array, shopper_class: Array, luck: Array) -> Array:
    """Number of the customer behind each purchase or view."""
    shoppers = stage.demand.shoppers
    size = shoppers.counts[market, shopper_class]
    within = nearby(luck, stage.category.place[product], size)
    return np.asarray(stage.first_customer + shoppers.offsets[market, shopper_class] + within)


def order_lines(stage: Stage, number: int, week: Week, lines: Lines) -> pd.DataFrame:
    """Rows of ``order_lines``."""
    paid = week.paid[lines.market, lines.product]
    saved = week.list_price[lines.market, lines.product] - paid
    product = stage.first_product + lines.product
    order = lines.customer * VISIT_SLOTS + lines.slot
    repeat = pd.Series(product).groupby([order, product]).cumcount()
    return pd.DataFrame(
        {
            "order_id": f"o{number}-" + pd.Series(order).astype(str),
            "line_id": pd.Series(product).astype(str) + "-" + repeat.astype(str),
            "customer_id": "c" + pd.Series(lines.customer).astype(str),
            "product_id": [product_id(n) for n in product],
            "market_id": "m" + pd.Series(stage.first_market + lines.market).astype(str),
            "ordered_at": moments(stage, number, lines.turn),
            "quantity": lines.quantity.astype(float),
            "paid_amount": (paid * lines.quantity).round(2),
            "discount_amount": (saved * lines.quantity).round(2),
        }
    )


def moments(stage: Stage, number: int, turn: Array) -> Array:
    """Times within opening hours of a week, ``datetime64[s]``; later turns are later."""
    day = np.floor(turn * 7.0)
    second = OPENS + (turn * 7.0 - day) * (CLOSES - OPENS)
    monday = np.datetime64(datetime.combine(stage.surroundings.monday(number), datetime.min.time()), "s")
    return np.asarray(monday + (day * DAY_SECONDS + second).astype("timedelta64[s]"))


def events(stage: Stage, number: int) -> pd.DataFrame:
    """Rows of ``events``: what classes look at follows their tastes and the shocks that can be seen, not prices."""
    settings, category, shoppers = stage.settings, stage.category, stage.demand.shoppers
    stream = Draws(settings.seed).stream("events", category.number, number)
    on_sale = (number >= category.launched) & (number < category.delisted)
    liking = np.where(on_sale, category.liking / category.scale, -np.inf)
    share = np.exp(liking - np.max(np.where(on_sale, liking, -1e9), axis=1, keepdims=True))
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    visits = shoppers.counts * shoppers.visits
    interest = visits * 2.0 / (1.0 + np.exp(-category.incidence - stage.readiness[number][:, None]))
    mean = settings.views_per_purchase * interest[:, :, None] * share
    mean = mean * np.exp(VISIBLE_IN_VIEWS * stage.plans.visible[number])[:, None, :]
    counts = stream.poisson(mean)
    market, shopper_class, product = (np.repeat(axis, counts.ravel()) for axis in _cells(counts.shape))
    luck = stream.random((3, len(market)))
    customer = customers_of(stage, market, product, shopper_class, luck[0])
    kind = np.searchsorted(np.cumsum(EVENT_SHARES)[:-1], luck[1])
    words = np.array([_query(stage, p) for p in range(category.size)], dtype=object)
    query = words[product]
    query[kind != EVENT_KINDS.index("search")] = None
    return pd.DataFrame(
        {
            "event_id": [f"e{stage.branch}-{category.number}-{number}-{n}" for n in range(len(market))],
            "customer_id": "c" + pd.Series(customer).astype(str),
            "product_id": [product_id(stage.first_product + p) for p in product],
            "event_type": np.array(EVENT_KINDS, dtype=object)[kind],
            "occurred_at": moments(stage, number, luck[2]),
            "query": query,
        }
    )


def _cells(shape: tuple[int, ...]) -> list[Array]:
    return [axis.ravel() for axis in np.indices(shape)]


def _query(stage: Stage, product: int) -> str:
    """What somebody who looks for this product types."""
    category = stage.category
    word = np.flatnonzero(category.attributes[product])[:1]
    noun = category.kind.nouns[category.noun[product]].lower()
    return f"{ATTRIBUTES[word[0]][0]} {noun}" if len(word) else noun


def reviews(stage: Stage, number: int, lines: Lines) -> pd.DataFrame:
    """Rows of ``reviews``, ``stars`` from 1 to 5: some buyers say how well the product suits their class."""
    category = stage.category
    stream = Draws(stage.settings.seed).stream("reviews", category.number, number)
    writes = stream.random(len(lines.market)) < REVIEW_RATE
    mood = stream.standard_normal(len(lines.market))[writes]
    product, shopper_class = lines.product[writes], lines.shopper_class[writes]
    stars = np.clip(np.round(3.4 + 1.3 * category.liking[shopper_class, product] + 0.8 * mood), 1, 5).astype(int)
    noun = np.array([category.kind.nouns[n].lower() for n in category.noun], dtype=object)[product]
    return pd.DataFrame(
        {
            "review_id": [f"r{stage.branch}-{category.number}-{number}-{n}" for n in range(len(product))],
            "customer_id": "c" + pd.Series(lines.customer[writes]).astype(str),
            "product_id": [product_id(stage.first_product + p) for p in product],
            "stars": stars,
            "text": [f"{n}: {PRAISE[s - 1]}" for n, s in zip(noun, stars, strict=True)],
            "reviewed_at": moments(stage, number, 0.999 * lines.turn[writes] + 0.0005),
        }
    )
