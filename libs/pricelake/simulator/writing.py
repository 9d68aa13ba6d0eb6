"""Write the whole shop with Spark: one task per few categories, nothing passes through the driver."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pyspark.sql import DataFrame, SparkSession

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator import records
from pricelake.simulator.draws import Draws
from pricelake.simulator.history import Stage, Week, live, set_stage
from pricelake.simulator.purchases import events, order_lines, reviews
from pricelake.simulator.shoppers import draw_shoppers
from pricelake.simulator.surroundings import COUNTRY, draw_surroundings

KEY = "product_id string, market_id string"
COLUMNS = {
    "products": "product_id string, name string, department string, category string, subcategory string, brand string, "
    "description string, size_amount double, size_unit string, launched_on date",
    "customers": "customer_id string, age_band string, segment string, attributes map<string,string>",
    "order_lines": "order_id string, line_id string, customer_id string, product_id string, market_id string, "
    "ordered_at timestamp, quantity double, paid_amount double, discount_amount double",
    "events": "event_id string, customer_id string, product_id string, event_type string, occurred_at timestamp, "
    "query string",
    "reviews": "review_id string, customer_id string, product_id string, stars int, text string, reviewed_at timestamp",
    "list_prices": f"{KEY}, valid_from date, list_price double",
    "costs": f"{KEY}, valid_from date, unit_cost double",
    "promotions": f"{KEY}, kind string, starts_on date, ends_on date, depth_rate double",
    "competitor_prices": f"{KEY}, competitor_id string, observed_at timestamp, price double, in_stock boolean, "
    "match_confidence double",
    "inventory": f"{KEY}, date date, on_hand_units double, availability_rate double",
    "calendar": "market_id string, date date, holiday string, event string",
    "weather": "market_id string, date date, temperature_c double, precipitation_mm double",
}
EXPRESSIONS = {"reviews": {"rating": "(stars - 1) / 4"}}
CATEGORIES_PER_TASK = 4
CUSTOMERS_PER_TASK = 50_000
BRANCHES_PER_TASK = 16
KEPT_CELLS = 200_000
"""Products in a market and week whose history a worker keeps; 200 to 450 bytes each."""

Frame = Callable[[SimulationSettings, int], pd.DataFrame]
"""Rows of one table of one category: the shop, and the category's number through all branches."""


def _recorded(record: Callable[[Stage, list[Week]], pd.DataFrame]) -> Frame:
    """A table of what happened. Each table lives the history again: it is cheap beside the order lines.

    A small shop's histories are kept by the worker that lived them, for its next table.
    """

    def frame(shop: SimulationSettings, number: int) -> pd.DataFrame:
        stage, weeks = HISTORIES.of(shop, number)
        return record(stage, list(weeks))

    return frame


def keeps_histories(shop: SimulationSettings) -> bool:
    """Whether workers keep the shop's histories: all of them, in a small shop, or none."""
    return shop.branches * shop.products * shop.markets * shop.weeks <= KEPT_CELLS


@dataclass
class Histories:
    """Histories that this process lived, of one small shop at a time.

    Attributes:
        shop: whose; None: nothing was kept yet.
        kept: by number of the category.
    """

    shop: SimulationSettings | None = None
    kept: dict[int, tuple[Stage, tuple[Week, ...]]] = field(default_factory=dict)

    def of(self, shop: SimulationSettings, number: int) -> tuple[Stage, tuple[Week, ...]]:
        """One category and its weeks, lived again where they were not kept."""
        if shop != self.shop:
            self.shop, self.kept = shop, {}
        if number in self.kept:
            return self.kept[number]
        stage = set_stage(shop, number)
        lived = stage, tuple(live(stage)[0])
        if keeps_histories(shop):
            self.kept[number] = lived
        return lived


HISTORIES = Histories()


FRAMES: dict[str, Frame] = {
    "products": lambda shop, number: records.products(set_stage(shop, number)),
    "order_lines": _recorded(order_lines),
    "events": lambda shop, number: events(set_stage(shop, number)),
    "reviews": _recorded(reviews),
    "list_prices": _recorded(records.list_prices),
    "costs": _recorded(records.costs),
    "promotions": _recorded(records.promotions),
    "competitor_prices": _recorded(records.competitor_prices),
    "inventory": _recorded(records.inventory),
}


def write_shop(
    spark: SparkSession, settings: SimulationSettings, folder: Path, written: Callable[[str], None] = lambda _: None
) -> Path:
    """Write every table as Parquet and the shop file that maps them.

    Args:
        spark: session.
        settings: the shop.
        folder: gets ``tables/NAME`` and ``shop.yaml``; tables that are there are replaced.
        written: told the name of each table when it is there.

    Returns:
        the shop file.
    """
    for name in COLUMNS:
        table(spark, settings, name).write.mode("overwrite").parquet(str(folder / "tables" / name))
        written(name)
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(shop_file(folder.absolute()), sort_keys=False), encoding="utf-8")
    return path


def table(spark: SparkSession, settings: SimulationSettings, name: str) -> DataFrame:
    """One table of the shop, computed where Spark's tasks run; the same rows whatever their number."""
    schema = COLUMNS[name]
    if name in ("calendar", "weather"):
        branches = spark.range(0, settings.branches, 1, 1 + (settings.branches - 1) // BRANCHES_PER_TASK)
        return branches.mapInPandas(partial(_surrounding_rows, settings, name), schema)
    if name == "customers":
        customers = settings.branches * settings.customers
        numbers = spark.range(0, customers, 1, 1 + customers // CUSTOMERS_PER_TASK)
        return numbers.mapInPandas(partial(_customer_rows, settings), schema)
    categories = settings.branches * settings.categories
    tasks = 1 + (categories - 1) // CATEGORIES_PER_TASK
    return spark.range(0, categories, 1, tasks).mapInPandas(partial(_category_rows, settings, name), schema)


def _surrounding_rows(
    settings: SimulationSettings, name: str, batches: Iterable[pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """Days of markets, branch by branch."""
    for batch in batches:
        for number in map(int, batch["id"]):
            branch = settings.branch(number)
            around = draw_surroundings(branch, Draws(branch.seed))
            first_market = number * settings.markets
            rows: Iterable[tuple[Any, ...]] = (
                records.calendar(around, first_market)
                if name == "calendar"
                else records.weather(around, settings.weeks, first_market)
            )
            yield pd.DataFrame(list(rows), columns=_columns(name))


def _customer_rows(settings: SimulationSettings, batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        branches, numbers = np.divmod(batch["id"].to_numpy(), settings.customers)
        for number in np.unique(branches):
            branch = settings.branch(int(number))
            people = draw_shoppers(branch, Draws(branch.seed))
            first = int(number) * settings.customers
            yield records.customers(people, branch.seed, numbers[branches == number], first)


def _category_rows(settings: SimulationSettings, name: str, batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Rows of one table, category by category."""
    for batch in batches:
        for number in batch["id"]:
            yield FRAMES[name](settings, int(number))[_columns(name)]


def _columns(name: str) -> list[str]:
    return [column.split()[0] for column in COLUMNS[name].split(", ")]


def shop_file(folder: Path) -> dict[str, Any]:
    """The shop file of tables under ``folder``, like any other shop's."""
    tables = {}
    for name in COLUMNS:
        columns = {column: column for column in _columns(name) if column != "stars"} | EXPRESSIONS.get(name, {})
        tables[name] = {"source": name, "columns": columns}
    return {
        "name": "Simulated shop",
        "about": "A simulated grocer: shoppers, sales and prices come from a model whose demand is known.",
        "currency": "EUR",
        "time_zone": "UTC",
        "country": COUNTRY,
        "customer_key": f"file:{folder}/customer.key",
        "sources": {name: {"format": "parquet", "path": str(folder / "tables" / name)} for name in COLUMNS},
        "tables": tables,
    }
