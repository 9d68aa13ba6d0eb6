"""Write docs/elasticities.md: what Complete Journey's products answer to price, beside published figures."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
import statsmodels.api as sm
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scripts.records import Record, RecordError, read_record
from scripts.scoreboard_tables import table

from pricelake.demand.curve import SHAPE
from pricelake.demand.curve_columns import elasticity_column
from pricelake.demand.response.identification import WEAK
from pricelake.session import build_session
from pricelake.settings.loading import load_settings
from pricelake.tables import Lake

ROOT = Path(__file__).resolve().parent.parent
SETTINGS, RECORD, PAGE = ROOT / "conf/demo.yaml", ROOT / "build/demo/run.json", ROOT / "docs/elasticities.md"
LEFT = ROOT / "build/demo/elasticities.json"
COMMAND = "make demo"
SOLD_PERIODS, PRODUCTS = 26, 12
"""A category is well filled with so many products that sold in so many weeks of the year."""
LEAST_CATEGORIES = 20
"""With fewer well-filled categories the page says too little to be written."""


@dataclass(frozen=True)
class Published:
    """Own-price elasticities of a group of foods in US studies, sizes.

    Attributes:
        mean: over studies.
        low: smallest.
        high: largest.
        categories: those of Complete Journey that belong to the group.
    """

    mean: float
    low: float
    high: float
    categories: tuple[str, ...]


PUBLISHED: Mapping[str, Published] = {
    "soft drinks": Published(0.79, 0.13, 3.18, ("SOFT DRINKS", "ISOTONIC DRINKS")),
    "juice": Published(0.76, 0.33, 1.77, ("CANNED JUICES", "REFRGRATD JUICES/DRNKS", "FRZN JCE CONC/DRNKS")),
    "beef": Published(0.75, 0.29, 1.42, ("BEEF",)),
    "pork": Published(0.72, 0.17, 1.23, ("PORK", "BACON")),
    "fruit": Published(
        0.70, 0.16, 3.02, ("FRUIT - SHELF STABLE", "APPLES", "CITRUS", "VALUE ADDED FRUIT", "DRIED FRUIT")
    ),
    "poultry": Published(0.68, 0.16, 2.72, ("CHICKEN", "CHICKEN/POULTRY")),
    "dairy": Published(0.65, 0.19, 1.16, ("YOGURT", "MILK BY-PRODUCTS", "ICE CREAM/MILK/SHERBTS")),
    "cereals": Published(
        0.60,
        0.07,
        1.67,
        ("COLD CEREAL", "HOT CEREAL", "BAKED BREAD/BUNS/ROLLS", "BREAD", "DRY NOODLES/PASTA", "FLOUR & MEALS"),
    ),
    "milk": Published(0.59, 0.02, 1.68, ("FLUID MILK PRODUCTS",)),
    "vegetables": Published(
        0.58,
        0.21,
        1.11,
        (
            "VEGETABLES - SHELF STABLE",
            "FRZN VEGETABLE/VEG DSH",
            "FRZN POTATOES",
            "POTATOES",
            "ONIONS",
            "SALAD MIX",
            "VEGETABLES - ALL OTHERS",
        ),
    ),
    "fish": Published(0.50, 0.05, 1.41, ("SEAFOOD - SHELF STABLE", "SEAFOOD - FROZEN")),
    "fats and oils": Published(0.48, 0.14, 1.00, ("MARGARINES", "BUTTER", "SHORTENING/OIL")),
    "cheese": Published(0.44, 0.01, 1.95, ("CHEESE", "CHEESES")),
    "sweets and sugars": Published(
        0.34, 0.05, 1.00, ("CANDY - PACKAGED", "CANDY - CHECKLANE", "SUGARS/SWEETNERS", "COOKIES/CONES")
    ),
    "eggs": Published(0.27, 0.06, 1.28, ("EGGS",)),
}
"""Andreyeva, Long and Brownell, *American Journal of Public Health* 100 (2010), table 1."""

REMARKS: Mapping[str, str] = {
    "beef": "Cuts of beef stand in for each other and for other meat, and are advertised one at a time: a group cannot "
    "be replaced as a cut can. What freezes is bought ahead when it is cheap, so that the answer to a week's discount "
    "is larger than the answer to a price that stays.",
    "pork": "Cuts of pork stand in for each other and for other meat, and are advertised one at a time: a group cannot "
    "be replaced as a cut can.",
    "dairy": "A flavour or a size has close neighbours on the shelf; dairy as a whole has none.",
    "vegetables": "Bags of salad, potatoes and fresh vegetables stand beside loose ones of the same kind.",
    "fish": "Cans of tuna keep for years and are bought when they are cheap; few brands sell the same.",
    "fats and oils": "Margarine and butter of one brand are exchanged for another, or for each other.",
    "sweets and sugars": "Candy is the category with most substitutes for a single bar. The studies are of sugar and "
    "sweets as a share of the diet.",
}
"""Why medians of a group's products may lie above all that studies of the group found."""

BELOW = (
    "A product should answer no less than its group, so that a median below every study says more about the data than "
    "about shoppers: one year of one chain has few lasting changes of a product's price, and weeks without a sale show "
    "no price paid. Products whose own prices say little have what their kind has, and none is taken to answer less "
    "than the bound `demand.min_elasticity` at the usual price."
)
"""Why a median may lie below all that studies found; the same for every group."""

WIDTH = 130
ABOUT = (
    f"Sizes of own-price elasticities at the price now paid, of categories with at least {PRODUCTS} products that sold "
    f"in {SOLD_PERIODS} or more of the 52 weeks. *Told by*: what identifies the category ([`demand.md`](demand.md), "
    "step 4). *Price alone*: one number for the category from a Poisson regression of units on the log of the price "
    "and a level for each product, with nothing known of promotions. The price is the one paid or, in weeks without a "
    "sale, the list price less the announced discount; weeks without either show no price and are left out, which "
    "draws the number towards 0 where products sell seldom. *Studies*: mean and range over US studies of the group "
    "(Andreyeva, Long and Brownell 2010). **Bold**: the median lies beyond that range.",
)
SOURCES = (
    "Akbay and Jones 2006, *Agricultural Economics (Zemědělská ekonomika)* 52 · Andreyeva, Long and Brownell 2010, "
    "*American Journal of Public Health* 100 · Bijmolt, van Heerde and Pieters 2005, *Journal of Marketing Research* "
    "42",
)


def read_products(curves: DataFrame, panel: DataFrame, products: DataFrame) -> DataFrame:
    """Products that sold often: ``product_id``, ``category``, ``elasticity`` (size), ``identification``."""
    sold = panel.where("NOT is_open AND units > 0").groupBy("product_id").agg(F.count("*").alias("sold"))
    size = -elasticity_column(F.lit(0.0), *map(F.col, SHAPE))
    known = curves.select("product_id", size.alias("elasticity"), "identification")
    often = sold.where(F.col("sold") >= SOLD_PERIODS)
    return known.join(often, "product_id").join(products.select("product_id", "category"), "product_id")


@dataclass(frozen=True)
class Line:
    """A category beside the studies of its group.

    Attributes:
        category: as the shop names it.
        group: key of ``PUBLISHED``.
        products: that sold often.
        quartiles: of the sizes of their elasticities: lower, median, upper.
        identification: what tells them.
        alone: what :func:`price_alone` says.
    """

    category: str
    group: str
    products: int
    quartiles: tuple[float, float, float]
    identification: str
    alone: float

    @property
    def median(self) -> float:
        """Median of the sizes."""
        return self.quartiles[1]

    @property
    def studies(self) -> Published:
        """What studies of the group found."""
        return PUBLISHED[self.group]

    @property
    def side(self) -> str:
        """Where the median lies beyond the range of the studies: ``above``, ``below``, or '' within it."""
        if self.studies.low <= self.median <= self.studies.high:
            return ""
        return "above" if self.median > self.studies.high else "below"

    @property
    def cells(self) -> list[str]:
        """Those of the table."""
        low, middle, high = (f"{one:.2f}" for one in self.quartiles)
        return [
            self.category.lower(),
            str(self.products),
            f"**{middle}**" if self.side else middle,
            f"{low}–{high}",
            self.identification,
            f"{self.alone:.2f}",
            self.group,
            f"{self.studies.mean:.2f}",
            f"{self.studies.low:.2f}–{self.studies.high:.2f}",
        ]


def with_known_price(weeks: pd.DataFrame) -> pd.DataFrame:
    """Weeks in which the price is known, with ``price``: what was paid or, without a sale, what was announced.

    The panel carries the last price paid through weeks without a sale; nobody knows that it was asked then.

    Args:
        weeks: ``is_price_observed``, ``unit_price``, ``list_price``, ``announced_discount_rate``.
    """
    announced = weeks["announced_discount_rate"].astype(float)
    asked = weeks["list_price"].astype(float) * (1.0 - announced)
    price = weeks["unit_price"].astype(float).where(weeks["is_price_observed"], asked)
    is_known = (weeks["is_price_observed"] | (announced > 0)) & (price > 0)
    return weeks.assign(price=price)[is_known]


def price_alone(weeks: pd.DataFrame) -> float:
    """Size of the elasticity where nothing but the product and the price is known: Poisson with dummies.

    Args:
        weeks: ``product_id``, ``units``, ``price`` of the products of a category.
    """
    dummies = pd.get_dummies(weeks["product_id"], dtype=float)
    columns = np.column_stack([np.log(weeks["price"].astype(float)), dummies])
    return -float(sm.GLM(weeks["units"].astype(float), columns, family=sm.families.Poisson()).fit().params.iloc[0])


def lines(products: pd.DataFrame, alone: Mapping[str, float]) -> list[Line]:
    """Lines of the table: categories that are well filled, in the order of their groups."""
    found = []
    for group, published in PUBLISHED.items():
        for category in published.categories:
            own = products[products["category"] == category]
            if len(own) < PRODUCTS:
                continue
            low, middle, high = (float(own["elasticity"].quantile(share)) for share in (0.25, 0.5, 0.75))
            told_by = str(own["identification"].iloc[0])
            found.append(Line(category, group, len(own), (low, middle, high), told_by, alone[category]))
    return found


def beyond(found: Sequence[Line]) -> list[tuple[str, str]]:
    """Groups with a median beyond the published range, each with the side on which it lies."""
    return list(dict.fromkeys((line.group, line.side) for line in found if line.side))


def discussion(found: Sequence[Line]) -> list[str]:
    """What the lines have in common; counts and ranges are those of the lines."""
    more = sum(line.median > line.studies.mean for line in found)
    dearer = sum(line.alone > line.median for line in found)
    paragraphs = [
        "The studies are of groups of foods, the medians of single products. Who finds one yogurt dear takes the next: "
        "that counts for the product and not for the group. Products should answer more than groups do. Of "
        f"{len(found)} medians, {more} are larger than the mean of the group's studies.",
        "Studies of brands and products find more than those of groups: 2.62 on average over 81 studies (Bijmolt, van "
        "Heerde and Pieters 2005), 1.96 for snacks to 3.33 for ice cream in supermarkets of Ohio (Akbay and Jones "
        f"2006). *Price alone* is larger than the median in {dearer} of {len(found)} categories. Display and feature "
        "come with low prices, sell by themselves, and do not come with a price that is set without them. A study that "
        "does not hold them apart counts them as price.",
        "Where a category is nearly always promoted, few weeks tell the one from the other, and the price now paid "
        "lies far below the usual one, where products answer less.",
    ]
    weak = [line.median for line in found if line.identification == WEAK]
    others = [line.median for line in found if line.identification != WEAK]
    if weak:
        beside = f", those of the others from {min(others):.2f} to {max(others):.2f}" if others else ""
        paragraphs.append(
            "Categories that nothing identifies (`weak`) have mostly what their kind has elsewhere, and what their "
            f"medians say is no evidence about the category. The medians of the {len(weak)} weak ones range from "
            f"{min(weak):.2f} to {max(weak):.2f}{beside}."
        )
    return paragraphs


def page(found: Sequence[Line], origin: str) -> str:
    """The page in Markdown.

    Raises:
        RecordError: too few categories are well filled, or a group lies above the studies and ``REMARKS`` has no text
            for it.
    """
    if len(found) < LEAST_CATEGORIES:
        raise RecordError(
            f"{len(found)} categories have {PRODUCTS} products that sold in {SOLD_PERIODS} weeks, fewer than the "
            f"{LEAST_CATEGORIES} that are to stand beside published elasticities. Run '{COMMAND}' again, or name more "
            "categories in PUBLISHED."
        )
    sides = beyond(found)
    unexplained = [group for group, side in sides if side == "above" and group not in REMARKS]
    if unexplained:
        raise RecordError(
            f"Medians of {', '.join(unexplained)} lie above what studies found, and the page would not say why: add "
            "a text to REMARKS."
        )
    head = ("category", "products", "median", "half of them", "told by", "price alone", "group", "mean", "studies")
    said = [f"- **{group}**, above the studies: {REMARKS[group]}" for group, side in sides if side == "above"]
    below = [group for group, side in sides if side == "below"]
    if below:
        said.append(f"- **{', '.join(below)}**, below the studies: {BELOW}")
    return "\n".join(
        [
            "# Elasticities of Complete Journey beside published ones",
            "",
            f"{origin}. Written by `make elasticities` from the tables of `make demo`.",
            "",
            *_filled(ABOUT),
            *table(head, [line.cells for line in found]),
            "",
            "## What differs, and why",
            "",
            *_filled(discussion(found)),
            *(line for text in said for line in fill(text, WIDTH, subsequent_indent="  ").splitlines()),
            "",
            *_filled(SOURCES),
        ]
    )


def _filled(paragraphs: Sequence[str]) -> list[str]:
    """Lines of paragraphs, each with an empty line after it."""
    return [line for text in paragraphs for line in (*fill(text, WIDTH).splitlines(), "")]


def write(products: pd.DataFrame, alone: Mapping[str, float], demo: Record, out: Path = PAGE, left: Path = LEFT) -> int:
    """Write the page, and beside the demo's record how many categories stand on it.

    Args:
        products: as :func:`read_products` gives them, of the named categories.
        alone: category → what the price alone says.
        demo: the record of the run that the products are of.
        out: the page.
        left: JSON with ``categories``, ``beyond`` (groups with a median beyond the studies, each with the side), and
            the demo's ``finished_at`` and ``code_version``.

    Returns:
        1 where a category is missing or a deviation has no text; page and JSON are left as they were.
    """
    try:
        origin = {key: demo.text(key) for key in ("finished_at", "code_version")}
        found = lines(products, alone)
        text = page(found, f"`{COMMAND}`, {origin['finished_at'][:10]}, code {origin['code_version']}")
    except RecordError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    out.write_text(text, encoding="utf-8")
    told = {"categories": len(found), "beyond": [f"{group}, {side}" for group, side in beyond(found)]}
    left.write_text(json.dumps(origin | told), encoding="utf-8")
    return 0


def main() -> int:
    """Write the page.

    Returns:
        1 where the demo has not run, or :func:`write` refuses; the page is left as it was.
    """
    try:
        record = read_record(RECORD, COMMAND)
    except RecordError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    settings = load_settings(SETTINGS)
    spark = build_session(settings.spark, "elasticities")
    lake = Lake(spark, str(ROOT / settings.lake.root))
    panel = lake.read("gold.demand_panel")
    found = read_products(lake.read("gold.demand_curves"), panel, lake.read("bronze.products"))
    named = [category for published in PUBLISHED.values() for category in published.categories]
    chosen = found.where(F.col("category").isin(named)).persist()
    products = chosen.toPandas()  # products of the named categories that sold often
    prices = ("is_price_observed", "unit_price", "list_price", "announced_discount_rate")
    weeks = panel.where("NOT is_open").select("product_id", "units", *prices)
    theirs = weeks.join(chosen.select("product_id", "category"), "product_id").toPandas()  # their weeks of a year
    known = with_known_price(theirs)
    alone = {str(category): price_alone(rows) for category, rows in known.groupby("category")}
    return write(products, alone, record)


if __name__ == "__main__":
    raise SystemExit(main())
