"""The order lines, views, searches and reviews behind the sums of a week."""

from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pricelake.simulator.categories import product_id
from pricelake.simulator.draws import Array, Draws
from pricelake.simulator.history import Stage, Week
from pricelake.simulator.people import mixed, nearby
from pricelake.simulator.words import ATTRIBUTES

VISIT_SLOTS = 2
PURPOSES = ("class", "customer", "visit", "moment", "further units", "review", "mood", "delay")
"""What luck is for; the place in this list is part of its name."""
DAY_SECONDS = 86_400
OPENS, CLOSES = 8 * 3600, 20 * 3600
REVIEW_RATE = 0.04
SOONEST_REVIEW_DAYS, FURTHER_REVIEW_DAYS = 1.0, 6.0
"""Days from a purchase to its review: never fewer than the one, and on average so many more, exponentially."""
VISIBLE_IN_VIEWS = 3.0
EVENT_KINDS = ("view", "cart", "search", "wish")
EVENT_SHARES = (0.80, 0.09, 0.08, 0.03)
PRAISE = ("not again", "a disappointment", "all right", "good", "the best there is")


@dataclass(frozen=True)
class Lines:
    """Order lines of one category; all shape ``(lines,)``.

    Attributes:
        week: number of the week.
        market: number of the market.
        product: number of the product within the category.
        place: number of the purchase among those of its product, market and week.
        shopper_class: class of the customer.
        customer: number of the customer in the shop.
        slot: which of the customer's visits of the week.
        turn: when in the week, in [0, 1); not after stock ran out.
        quantity: units, 1 or more.
    """

    week: Array
    market: Array
    product: Array
    place: Array
    shopper_class: Array
    customer: Array
    slot: Array
    turn: Array
    quantity: Array


def all_lines(stage: Stage, weeks: list[Week]) -> Lines:
    """The lines of a whole history, week after week."""
    drawn = [draw_lines(stage, number, week) for number, week in enumerate(weeks)]
    return Lines(*(np.concatenate([getattr(one, field.name) for one in drawn]) for field in fields(Lines)))


def draw_lines(stage: Stage, number: int, week: Week) -> Lines:
    """Who bought what and when; units by market and product sum to ``week.sold``.

    Purchase n of a product, market and week has luck of its own, named by these numbers: what another product sells, or
    how much, changes nothing about it.
    """
    category = stage.category
    counts = week.purchases.astype(np.int64).ravel()
    extra = (week.wanted - week.purchases).astype(np.int64).ravel()
    cell, extra_cell = (np.repeat(np.arange(counts.size), one) for one in (counts, extra))
    starts = np.cumsum(counts) - counts
    place = np.arange(len(cell)) - starts[cell]
    extra_place = np.arange(len(extra_cell)) - (np.cumsum(extra) - extra)[extra_cell]

    def luck(purpose: str, cells: Array, places: Array) -> Array:
        return mixed(stage.settings.seed, PURPOSES.index(purpose), category.number, number, cells, places)

    chosen = (luck("further units", extra_cell, extra_place) * counts[extra_cell]).astype(np.int64)
    quantity = 1 + np.bincount(starts[extra_cell] + chosen, minlength=len(cell))
    market, product = np.divmod(cell, category.size)
    purchases = stage.demand.at(week.paid, week.conditions).purchases
    shopper_class = _classes(purchases, market, product, luck("class", cell, place))
    customer = customers_of(stage, market, product, shopper_class, luck("customer", cell, place))
    slot = (luck("visit", cell, place) * VISIT_SLOTS).astype(np.int64)
    turn = mixed(stage.settings.seed, PURPOSES.index("moment"), customer, number, slot)
    order = np.lexsort((place, turn, cell))
    cell, quantity = cell[order], quantity[order]
    before = np.cumsum(quantity) - quantity
    before = before - before[starts[cell]] if len(cell) else before
    kept = np.minimum(quantity, np.maximum(week.sold.ravel()[cell].astype(np.int64) - before, 0))
    sold = kept > 0
    taken = order[sold]
    return Lines(
        week=np.full(len(taken), number),
        market=market[taken],
        product=product[taken],
        place=place[taken],
        shopper_class=shopper_class[taken],
        customer=customer[taken],
        slot=slot[taken],
        turn=_while_in_stock(week, cell[sold], turn[taken]),
        quantity=kept[sold],
    )


def _while_in_stock(week: Week, cell: Array, turn: Array) -> Array:
    """Times of sales, stretched or shrunk where stock ran out so that the last unit went when it did.

    Of independent uniform times, those before the k-th are, given that one, independent and uniform up to it (David and
    Nagaraja, *Order Statistics*, 3rd ed. 2003, section 2.5): the time at which stock ran out is known, and the sales
    before it keep their places between Monday and then.

    Args:
        week: what was sold.
        cell: market and product of each sale, counted row by row.
        turn: when it would have been, in [0, 1).
    """
    last = np.zeros(week.sold.size)
    np.maximum.at(last, cell, turn)
    ran_out = week.availability.ravel()[cell]
    stretched = np.minimum(turn / np.maximum(last[cell], 1e-300) * ran_out, ran_out)
    return np.where(is_short(week).ravel()[cell], stretched, turn)


def is_short(week: Week) -> Array:
    """Whether stock ran out while somebody still wanted the product, shape ``(markets, products)``."""
    return np.asarray(week.sold < week.wanted)


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


def order_lines(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``order_lines``: a visit makes an order, but what ran out that week was bought in orders of its own."""
    lines = all_lines(stage, weeks)
    cell = (lines.week, lines.market, lines.product)
    paid = np.stack([week.paid for week in weeks])[cell]
    saved = np.stack([week.list_price for week in weeks])[cell] - paid
    product = stage.first_product + lines.product
    order = lines.customer * VISIT_SLOTS + lines.slot
    repeat = pd.Series(product).groupby([lines.week, order, product]).cumcount()
    # an order has one moment: who was in time for what ran out came for it alone
    ran_out = np.stack([is_short(week) for week in weeks])[cell]
    alone = np.where(ran_out, "-" + pd.Series(product).astype(str), "")
    return pd.DataFrame(
        {
            "order_id": "o" + pd.Series(lines.week).astype(str) + "-" + pd.Series(order).astype(str) + alone,
            "line_id": pd.Series(product).astype(str) + "-" + repeat.astype(str),
            "customer_id": "c" + pd.Series(lines.customer).astype(str),
            "product_id": _product_ids(stage, lines.product),
            "market_id": "m" + pd.Series(stage.first_market + lines.market).astype(str),
            "ordered_at": moments(stage, lines.week, lines.turn),
            "quantity": lines.quantity.astype(float),
            "paid_amount": (paid * lines.quantity).round(2),
            "discount_amount": (saved * lines.quantity).round(2),
        }
    )


def _product_ids(stage: Stage, product: Array) -> Array:
    names = [product_id(stage.first_product + number) for number in range(stage.category.size)]
    return np.asarray(np.array(names, dtype=object)[product])


def moments(stage: Stage, week: Array, turn: Array) -> Array:
    """Times within opening hours of weeks, ``datetime64[s]``; later turns are later."""
    day = np.floor(turn * 7.0)
    second = OPENS + (turn * 7.0 - day) * (CLOSES - OPENS)
    first = np.datetime64(datetime.combine(stage.surroundings.first_week, datetime.min.time()), "s")
    monday = first + (7 * DAY_SECONDS * week).astype("timedelta64[s]")
    return np.asarray(monday + (day * DAY_SECONDS + second).astype("timedelta64[s]"))


def events(stage: Stage) -> pd.DataFrame:
    """Rows of ``events``: what classes look at follows their tastes and the shocks that can be seen, not prices."""
    category = stage.category
    drawn = [_looks(stage, number) for number in range(stage.settings.weeks)]
    week, market, shopper_class, product = np.concatenate([cells for cells, _ in drawn], axis=1)
    luck = np.concatenate([luck for _, luck in drawn], axis=1)
    customer = customers_of(stage, market, product, shopper_class, luck[0])
    kind = np.searchsorted(np.cumsum(EVENT_SHARES)[:-1], luck[1])
    query = np.array([_query(stage, number) for number in range(category.size)], dtype=object)[product]
    query[kind != EVENT_KINDS.index("search")] = None
    count = pd.Series(week).groupby(week).cumcount()
    prefix = f"e{stage.branch}-{category.number}-"
    return pd.DataFrame(
        {
            "event_id": prefix + pd.Series(week).astype(str) + "-" + count.astype(str),
            "customer_id": "c" + pd.Series(customer).astype(str),
            "product_id": _product_ids(stage, product),
            "event_type": np.array(EVENT_KINDS, dtype=object)[kind],
            "occurred_at": moments(stage, week, luck[2]),
            "query": query,
        }
    )


def _looks(stage: Stage, number: int) -> tuple[Array, Array]:
    """Week, market, class and product of each look in a week, shape ``(4, looks)``, and the luck behind it."""
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
    cells = [np.repeat(axis, counts.ravel()) for axis in _cells(counts.shape)]
    return np.stack([np.full(len(cells[0]), number), *cells]), stream.random((3, len(cells[0])))


def _cells(shape: tuple[int, ...]) -> list[Array]:
    return [axis.ravel() for axis in np.indices(shape)]


def _query(stage: Stage, product: int) -> str:
    """What somebody who looks for this product types."""
    category = stage.category
    word = np.flatnonzero(category.attributes[product])[:1]
    noun = category.kind.nouns[category.noun[product]].lower()
    return f"{ATTRIBUTES[word[0]][0]} {noun}" if len(word) else noun


def reviews(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``reviews``, ``stars`` from 1 to 5: some buyers say how well the product suits their class.

    They do so days after they bought it; what would be written after the history is not there.
    """
    category = stage.category
    lines, mood, when = _written(stage, weeks)
    liking = category.liking[lines.shopper_class, lines.product]
    stars = np.clip(np.round(3.4 + 1.3 * liking + 0.8 * mood), 1, 5).astype(int)
    noun = np.array([category.kind.nouns[n].lower() for n in category.noun], dtype=object)[lines.product]
    count = pd.Series(lines.week).groupby(lines.week).cumcount()
    prefix = f"r{stage.branch}-{category.number}-"
    return pd.DataFrame(
        {
            "review_id": prefix + pd.Series(lines.week).astype(str) + "-" + count.astype(str),
            "customer_id": "c" + pd.Series(lines.customer).astype(str),
            "product_id": _product_ids(stage, lines.product),
            "stars": stars,
            "text": [f"{n}: {PRAISE[s - 1]}" for n, s in zip(noun, stars, strict=True)],
            "reviewed_at": moments(stage, np.floor(when).astype(np.int64), when % 1.0),
        }
    )


def _written(stage: Stage, weeks: list[Week]) -> tuple[Lines, Array, Array]:
    """The lines that somebody writes a review of, the mood in which it is written, and when, in weeks."""
    lines = all_lines(stage, weeks)
    cell = lines.market * stage.category.size + lines.product

    def luck(purpose: str) -> Array:
        names = (PURPOSES.index(purpose), stage.category.number, lines.week, cell, lines.place)
        return mixed(stage.settings.seed, *names)

    days = SOONEST_REVIEW_DAYS - FURTHER_REVIEW_DAYS * np.log1p(-luck("delay"))
    when = lines.week + lines.turn + days / 7.0
    writes = (luck("review") < REVIEW_RATE) & (when < len(weeks))
    kept = Lines(*(getattr(lines, field.name)[writes] for field in fields(Lines)))
    return kept, ndtri(np.clip(luck("mood")[writes], 1e-12, 1.0 - 1e-12)), when[writes]
