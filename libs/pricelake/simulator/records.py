"""What the shop writes down besides its sales: prices, costs, promotions, rivals, stock."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pandas as pd

from pricelake.simulator.categories import product_description, product_id, product_name
from pricelake.simulator.draws import Array
from pricelake.simulator.history import Stage, Week
from pricelake.simulator.people import mixed
from pricelake.simulator.seller import COMPETITORS
from pricelake.simulator.shoppers import AGE_BANDS, SEGMENTS, Shoppers
from pricelake.simulator.surroundings import EVENTS, Surroundings
from pricelake.simulator.words import brand_name

PROMOTION_KINDS = ("discount", "display", "feature")


def products(stage: Stage) -> pd.DataFrame:
    """Rows of ``products``."""
    category, surroundings, brands = stage.category, stage.surroundings, stage.brands
    numbers = range(category.size)
    return pd.DataFrame(
        {
            "product_id": [product_id(stage.first_product + n) for n in numbers],
            "name": [product_name(category, n, int(brands[n])) for n in numbers],
            "department": category.kind.department,
            "category": stage.category_name,
            "subcategory": [category.kind.nouns[noun].upper() for noun in category.noun],
            "brand": [brand_name(int(number)) for number in brands],
            "description": [product_description(category, n, int(brands[n])) for n in numbers],
            "size_amount": [category.pack(n) for n in numbers],
            "size_unit": category.kind.unit,
            "launched_on": [surroundings.monday(int(week)) if week >= 0 else None for week in category.launched],
        }
    )


def list_prices(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``list_prices``: one per change, from the first week on sale; launches after the history are announced.

    A product that is launched in the week after the history has the price that its seller last thought of.
    """
    prices = np.stack([*(week.list_price for week in weeks), weeks[-1].list_price])
    return _changes(stage, prices, _on_sale(stage, weeks), "list_price")


def costs(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``costs``: one per change; the same in every market."""
    on_sale = _on_sale(stage, weeks)
    values = np.broadcast_to(stage.plans.cost[: len(on_sale), None, :].round(4), on_sale.shape)
    return _changes(stage, values, on_sale, "unit_cost")


def _on_sale(stage: Stage, weeks: list[Week]) -> Array:
    """What is on sale each week, and last what is launched in the next, shape ``(weeks + 1, markets, products)``."""
    known = [week.conditions.on_sale for week in weeks]
    return np.stack([*known, np.broadcast_to(stage.category.launched == len(weeks), known[0].shape)])


def _changes(stage: Stage, values: Array, on_sale: Array, name: str) -> pd.DataFrame:
    first = on_sale & ~np.concatenate([np.zeros_like(on_sale[:1]), on_sale[:-1]])
    moved = np.concatenate([np.ones_like(on_sale[:1]), values[1:] != values[:-1]])
    week, market, product = np.nonzero(on_sale & (first | moved))
    frame = _keys(stage, market, product)
    frame["valid_from"] = _dates(stage, week)
    frame[name] = values[week, market, product]
    return frame


def promotions(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``promotions``: discounts, displays and leaflets, one row per week that they ran."""
    on_sale, depth, display, feature = (
        np.stack([getattr(week.conditions, name) for week in weeks])
        for name in ("on_sale", "depth", "display", "feature")
    )
    kind, week, market, product = np.nonzero(np.stack([depth > 0.0, display, feature]) & on_sale)
    frame = _keys(stage, market, product)
    frame["kind"] = np.array(PROMOTION_KINDS, dtype=object)[kind]
    frame["starts_on"] = _dates(stage, week)
    frame["ends_on"] = _dates(stage, week, days=6)
    ran = depth[week, market, product]
    frame["depth_rate"] = np.where((kind == 0) & (ran > 0.0), ran.round(4), np.nan)
    return frame


def competitor_prices(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``competitor_prices``: what each rival asks on Monday."""
    prices = np.stack([week.competitors for week in weeks])
    on_sale = np.stack([week.conditions.on_sale for week in weeks])
    week, market, product, rival = np.nonzero(np.broadcast_to(on_sale[..., None], prices.shape))
    frame = _keys(stage, market, product)
    frame["competitor_id"] = np.array(COMPETITORS, dtype=object)[rival]
    frame["observed_at"] = _mondays(stage, week).astype("datetime64[s]") + np.timedelta64(6, "h")
    frame["price"] = prices[week, market, product, rival]
    frame["in_stock"], frame["match_confidence"] = True, 0.95
    return frame


def inventory(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``inventory``: the Sunday of a week in stock throughout, every day of a week that sold out."""
    on_sale = np.stack([week.conditions.on_sale for week in weeks])
    availability = np.stack([week.availability for week in weeks])
    on_hand = np.stack([week.on_hand for week in weeks])
    week, market, product = np.nonzero(on_sale & (availability >= 1.0))
    whole = _keys(stage, market, product)
    whole["date"], whole["availability_rate"] = _dates(stage, week, days=6), 1.0
    left = on_hand[week, market, product]
    whole["on_hand_units"] = np.where(np.isfinite(left), left, np.nan)
    week, market, product = np.nonzero(on_sale & (availability < 1.0))
    days = []
    for day in range(7):
        part = _keys(stage, market, product)
        part["date"] = _dates(stage, week, days=day)
        part["availability_rate"] = np.clip(7.0 * availability[week, market, product] - day, 0.0, 1.0)
        part["on_hand_units"] = np.where(part["availability_rate"] < 1.0, 0.0, np.nan)
        days.append(part)
    return pd.concat([whole, *days], ignore_index=True)


def _mondays(stage: Stage, week: Array) -> Array:
    """First days of weeks, ``datetime64[D]``."""
    return np.asarray(np.datetime64(stage.surroundings.first_week, "D") + 7 * week.astype("timedelta64[D]"))


def _dates(stage: Stage, week: Array, days: int = 0) -> Array:
    """Days of weeks as Python dates, counted from Monday."""
    return np.asarray((_mondays(stage, week) + np.timedelta64(days, "D")).astype(object))


def _keys(stage: Stage, market: Array, product: Array) -> pd.DataFrame:
    first = stage.first_product
    return pd.DataFrame(
        {
            "product_id": _named([product_id(first + n) for n in range(stage.category.size)], product),
            "market_id": _named([f"m{stage.first_market + n}" for n in range(stage.settings.markets)], market),
        }
    )


def _named(names: list[str], number: Array) -> Array:
    return np.asarray(np.array(names, dtype=object)[number])


def customers(shoppers: Shoppers, seed: int, numbers: Array, first: int) -> pd.DataFrame:
    """Rows of ``customers``; what they say about themselves leans on their class.

    Args:
        shoppers: of their branch.
        seed: of their branch.
        numbers: within the branch.
        first: number of the branch's first customer.
    """
    shopper_class = classes_of(shoppers, numbers)[1]

    def drawn(chances: Array, purpose: int) -> Array:
        cut = np.cumsum(chances, axis=1)[shopper_class]
        above = (cut < mixed(seed, purpose, numbers)[:, None]).sum(axis=1)
        return np.asarray(np.minimum(above, chances.shape[1] - 1))

    gender = np.where(mixed(seed, 3, numbers) < 0.52, "female", "male")
    return pd.DataFrame(
        {
            "customer_id": [f"c{first + number}" for number in numbers],
            "age_band": np.array(AGE_BANDS, dtype=object)[drawn(shoppers.age, 1)],
            "segment": np.array(SEGMENTS, dtype=object)[drawn(shoppers.segment, 2)],
            "attributes": [{"gender": str(one)} for one in gender],
        }
    )


def classes_of(shoppers: Shoppers, numbers: Array) -> tuple[Array, Array]:
    """Market and class of customers."""
    ends = np.cumsum(shoppers.counts.ravel())
    market, shopper_class = np.divmod(np.searchsorted(ends, numbers, side="right"), shoppers.counts.shape[1])
    return market, shopper_class


def calendar(surroundings: Surroundings, first_market: int) -> Iterator[tuple[str, object, str | None, str | None]]:
    """Rows of ``calendar``: the events of each market, every day of their week, ahead of time too."""
    for week, market in zip(*np.nonzero(surroundings.events >= 0), strict=True):
        for day in range(7):
            date = surroundings.monday(int(week)) + timedelta(days=day)
            yield f"m{first_market + market}", date, None, EVENTS[surroundings.events[week, market]]


def weather(surroundings: Surroundings, weeks: int, first_market: int) -> Iterator[tuple[str, object, float, float]]:
    """Rows of ``weather`` of the history."""
    for week in range(weeks):
        for day in range(7):
            date = surroundings.monday(week) + timedelta(days=day)
            for market in range(surroundings.events.shape[1]):
                celsius, rain = surroundings.celsius[week, day, market], surroundings.rain[week, day, market]
                yield f"m{first_market + market}", date, float(celsius), float(rain)
