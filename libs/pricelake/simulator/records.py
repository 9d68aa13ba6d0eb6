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
    """Rows of ``list_prices``: one per change, from the first week on sale."""
    prices = np.stack([week.list_price for week in weeks])
    return _changes(stage, prices, np.stack([week.conditions.on_sale for week in weeks]), "list_price")


def costs(stage: Stage, weeks: list[Week]) -> pd.DataFrame:
    """Rows of ``costs``: one per change; the same in every market."""
    shape = (len(weeks), *weeks[0].paid.shape)
    values = np.broadcast_to(stage.plans.cost[: len(weeks), None, :].round(4), shape)
    return _changes(stage, values, np.stack([week.conditions.on_sale for week in weeks]), "unit_cost")


def _changes(stage: Stage, values: Array, on_sale: Array, name: str) -> pd.DataFrame:
    first = on_sale & ~np.concatenate([np.zeros_like(on_sale[:1]), on_sale[:-1]])
    moved = np.concatenate([np.ones_like(on_sale[:1]), values[1:] != values[:-1]])
    week, market, product = np.nonzero(on_sale & (first | moved))
    frame = _keys(stage, market, product)
    frame["valid_from"] = [stage.surroundings.monday(int(n)) for n in week]
    frame[name] = values[week, market, product]
    return frame


def promotions(stage: Stage, number: int, week: Week) -> pd.DataFrame:
    """Rows of ``promotions``: discounts, displays and leaflets of one week."""
    conditions = week.conditions
    ran = np.stack([conditions.depth > 0.0, conditions.display, conditions.feature]) & conditions.on_sale
    kind, market, product = np.nonzero(ran)
    frame = _keys(stage, market, product)
    monday = stage.surroundings.monday(number)
    frame["kind"] = np.array(PROMOTION_KINDS, dtype=object)[kind]
    frame["starts_on"], frame["ends_on"] = monday, monday + timedelta(days=6)
    depth = conditions.depth[market, product]
    frame["depth_rate"] = np.where((kind == 0) & (depth > 0.0), depth.round(4), np.nan)
    return frame


def competitor_prices(stage: Stage, number: int, week: Week) -> pd.DataFrame:
    """Rows of ``competitor_prices``: what each rival asks on Monday."""
    market, product, rival = (axis.ravel() for axis in np.indices(week.competitors.shape))
    kept = week.conditions.on_sale[market, product]
    market, product, rival = market[kept], product[kept], rival[kept]
    frame = _keys(stage, market, product)
    frame["competitor_id"] = np.array(COMPETITORS, dtype=object)[rival]
    frame["observed_at"] = np.datetime64(stage.surroundings.monday(number), "s") + np.timedelta64(6, "h")
    frame["price"] = week.competitors[market, product, rival]
    frame["in_stock"], frame["match_confidence"] = True, 0.95
    return frame


def inventory(stage: Stage, number: int, week: Week) -> pd.DataFrame:
    """Rows of ``inventory``: the Sunday of a week in stock throughout, every day of a week that sold out."""
    market, product = np.nonzero(week.conditions.on_sale & (week.availability >= 1.0))
    whole = _keys(stage, market, product)
    monday = stage.surroundings.monday(number)
    whole["date"], whole["availability_rate"] = monday + timedelta(days=6), 1.0
    on_hand = week.on_hand[market, product]
    whole["on_hand_units"] = np.where(np.isfinite(on_hand), on_hand, np.nan)
    market, product = np.nonzero(week.conditions.on_sale & (week.availability < 1.0))
    days = []
    for day in range(7):
        part = _keys(stage, market, product)
        part["date"] = monday + timedelta(days=day)
        part["availability_rate"] = np.clip(7.0 * week.availability[market, product] - day, 0.0, 1.0)
        part["on_hand_units"] = np.where(part["availability_rate"] < 1.0, 0.0, np.nan)
        days.append(part)
    return pd.concat([whole, *days], ignore_index=True)


def _keys(stage: Stage, market: Array, product: Array) -> pd.DataFrame:
    first = stage.first_product
    return pd.DataFrame(
        {
            "product_id": [product_id(first + int(p)) for p in product],
            "market_id": [f"m{stage.first_market + m}" for m in market],
        }
    )


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
