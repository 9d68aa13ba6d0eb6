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
    "pork": "As beef.",
    "dairy": "A flavour or a size has close neighbours on the shelf; dairy as a whole has none.",
    "vegetables": "Bags of salad, potatoes and fresh vegetables stand beside loose ones of the same kind.",
    "fish": "Cans of tuna keep for years and are bought when they are cheap; few brands sell the same.",
    "fats and oils": "Margarine and butter of one brand are exchanged for another, or for each other.",
    "sweets and sugars": "Candy is the category with most substitutes for a single bar. The studies are of sugar and "
    "sweets as a share of the diet.",
}
"""Why products of a group may lie beyond what studies of the group found."""

WIDTH = 130
ABOUT = (
    f"Sizes of own-price elasticities at the price now paid, of categories with at least {PRODUCTS} products that sold "
    f"in {SOLD_PERIODS} or more of the 52 weeks. *Told by*: what identifies the category ([`demand.md`](demand.md), "
    "step 4). *Price alone*: one number for the category from a Poisson regression of units on the log of the price "
    "paid and a level for each product, with nothing known of promotions. *Studies*: mean and range over US studies of "
    "the group (Andreyeva, Long and Brownell 2010). **Bold**: the median lies beyond that range.",
)
DISCUSSION = (
    "The studies are of groups of foods, the medians of single products. Who finds one yogurt dear takes the next: "
    "that counts for the product and not for the group. Products should answer more than groups do, and they do in "
    "most lines.",
    "Studies of brands and products find more: 2.62 on average over 81 studies (Bijmolt, van Heerde and Pieters 2005), "
    "1.96 for snacks to 3.33 for ice cream in supermarkets of Ohio (Akbay and Jones 2006). So does *price alone*. What "
    "lies between it and the median is display and feature: in the weeks of a low price they bring most of what is "
    "sold more, and a price that is set without them will not. A study that does not hold them apart counts them as "
    "price.",
    "Where a category is nearly always promoted, as ice cream and frozen dinners are, few weeks tell the one from the "
    "other, and the price now paid lies far below the usual one, where products answer less.",
    "Categories that nothing identifies (`weak`) have mostly what their kind has elsewhere: their medians lie close "
    "together, and what they say is not evidence about the category.",
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


def price_alone(weeks: pd.DataFrame) -> float:
    """Size of the elasticity where nothing but the product and the price paid is known: Poisson with dummies.

    Args:
        weeks: ``product_id``, ``units``, ``unit_price`` of the products of a category.
    """
    dummies = pd.get_dummies(weeks["product_id"], dtype=float)
    columns = np.column_stack([np.log(weeks["unit_price"].astype(float)), dummies])
    return -float(sm.GLM(weeks["units"].astype(float), columns, family=sm.families.Poisson()).fit().params.iloc[0])


def lines(products: pd.DataFrame, alone: Mapping[str, float]) -> tuple[list[list[str]], list[str]]:
    """Cells of the table, and the groups with a category beyond the published range."""
    rows, beyond = [], []
    for group, published in PUBLISHED.items():
        for category in published.categories:
            own = products[products["category"] == category]
            if len(own) < PRODUCTS:
                continue
            low, middle, high = own["elasticity"].quantile([0.25, 0.5, 0.75])
            is_beyond = not published.low <= middle <= published.high
            if is_beyond:
                beyond.append(group)
            rows.append(
                [
                    category.lower(),
                    str(len(own)),
                    f"**{middle:.2f}**" if is_beyond else f"{middle:.2f}",
                    f"{low:.2f}–{high:.2f}",
                    own["identification"].iloc[0],
                    f"{alone[category]:.2f}",
                    group,
                    f"{published.mean:.2f}",
                    f"{published.low:.2f}–{published.high:.2f}",
                ]
            )
    return rows, list(dict.fromkeys(beyond))


def page(rows: Sequence[Sequence[str]], beyond: Sequence[str], origin: str) -> str:
    """The page in Markdown.

    Raises:
        RecordError: too few categories are well filled, or a group lies beyond the studies and ``REMARKS`` has no text
            for it.
    """
    if len(rows) < LEAST_CATEGORIES:
        raise RecordError(
            f"{len(rows)} categories have {PRODUCTS} products that sold in {SOLD_PERIODS} weeks, fewer than the "
            f"{LEAST_CATEGORIES} that are to stand beside published elasticities. Run '{COMMAND}' again, or name more "
            "categories in PUBLISHED."
        )
    unexplained = [group for group in beyond if group not in REMARKS]
    if unexplained:
        raise RecordError(
            f"Medians of {', '.join(unexplained)} lie beyond what studies found, and the page would not say why: add "
            "a text to REMARKS."
        )
    head = ("category", "products", "median", "half of them", "told by", "price alone", "group", "mean", "studies")
    said = [f"- **{group}**: {REMARKS[group]}" for group in beyond]
    return "\n".join(
        [
            "# Elasticities of Complete Journey beside published ones",
            "",
            f"{origin}. Written by `make elasticities` from the tables of `make demo`.",
            "",
            *_filled(ABOUT),
            *table(head, rows),
            "",
            "## What differs, and why",
            "",
            *_filled(DISCUSSION),
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
        left: JSON with ``categories``, ``beyond`` (groups with a median beyond the studies), and the demo's
            ``finished_at`` and ``code_version``.

    Returns:
        1 where a category is missing or a deviation has no text; page and JSON are left as they were.
    """
    try:
        origin = {key: demo.text(key) for key in ("finished_at", "code_version")}
        rows, beyond = lines(products, alone)
        text = page(rows, beyond, f"`{COMMAND}`, {origin['finished_at'][:10]}, code {origin['code_version']}")
    except RecordError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    out.write_text(text, encoding="utf-8")
    left.write_text(json.dumps(origin | {"categories": len(rows), "beyond": beyond}), encoding="utf-8")
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
    weeks = panel.where("NOT is_open AND unit_price > 0").select("product_id", "units", "unit_price")
    paid = weeks.join(chosen.select("product_id", "category"), "product_id").toPandas()  # their weeks of a year
    alone = {str(category): price_alone(rows) for category, rows in paid.groupby("category")}
    return write(products, alone, record)


if __name__ == "__main__":
    raise SystemExit(main())
