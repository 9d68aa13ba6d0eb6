"""Histories of constant elasticity with everything known, in the columns of gold.demand_panel."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from pricelake.evaluation.contenders.features import CONTEXT
from pricelake.evaluation.contenders.interface import Feasible, History

PERIODS, PRODUCTS = 104, 24
MONDAY = date(2022, 1, 3)


def made_up_history(
    seed: int = 0,
    elasticity: float = -2.5,
    spread: float = 0.0,
    confounding: float = 0.0,
    level: float = 60.0,
    stock: float = np.inf,
) -> tuple[History, np.ndarray]:  # type: ignore[type-arg]
    """Sales by Poisson around level x price^elasticity; prices follow cost shocks and, if asked, demand shocks.

    Args:
        seed: of everything.
        elasticity: mean over products.
        spread: standard deviation over products.
        confounding: how much of a demand shock the price follows.
        level: units at the usual price.
        stock: units in stock each week, over ``level``.

    Returns:
        the history, and the products' elasticities.
    """
    rng = np.random.default_rng(seed)
    shape = (PERIODS, PRODUCTS)
    true = elasticity + spread * rng.standard_normal(PRODUCTS)
    cost = 2.0 * np.exp(np.cumsum(0.03 * rng.standard_normal(shape), axis=0))
    shock = 0.3 * rng.standard_normal(shape)
    price = cost * 1.6 * np.exp(confounding * shock + 0.03 * rng.standard_normal(shape))
    wanted = rng.poisson(level * (price / 3.2) ** true * np.exp(shock)).astype(float)
    units = np.minimum(wanted, np.ceil(stock * level))
    rival = 2.9 * np.exp(0.05 * rng.standard_normal(shape))
    week, product = np.indices(shape)
    rows = pd.DataFrame(
        {
            "product_id": [f"p{n:02d}" for n in product.ravel()],
            "market_id": "m0",
            "category": np.where(product.ravel() % 2, "odd", "even"),
            "brand": "b",
            "period_start": [MONDAY + timedelta(days=7 * int(n)) for n in week.ravel()],
            "units": units.ravel(),
            "unit_price": price.ravel(),
            "list_price": price.ravel(),
            "unit_cost": cost.ravel(),
            "is_price_observed": units.ravel() > 0.0,
            "promotion_depth_rate": 0.0,
            "announced_discount_rate": 0.0,
            "views": 0.0,
            "availability_rate": (units / np.maximum(wanted, 1.0)).ravel() + (wanted.ravel() == 0.0),
            "competitor_index": (price / rival).ravel(),
            "is_competitor_missing": product.ravel() == 0,
            **dict.fromkeys(CONTEXT, 0.0),
        }
    )
    by_product = rows.groupby("product_id")
    for name in ("units", "unit_price"):
        mean = by_product[name].transform(lambda x: x.shift(1).rolling(8, min_periods=1).mean())
        rows["units_mean_8" if name == "units" else "reference_price"] = mean.fillna(rows[name])
    opened = rows[rows["period_start"] == rows["period_start"].max()].reset_index(drop=True)
    opened["competitor_index"] = 1.1
    closed = rows[rows["period_start"] < rows["period_start"].max()].reset_index(drop=True)
    offers = opened[["product_id", "market_id", "category"]].assign(
        price_now=opened["list_price"], unit_cost=opened["unit_cost"]
    )
    ratings = pd.Series(np.linspace(0.2, 0.9, PRODUCTS), opened["product_id"])
    buyers = pd.DataFrame({"age": 40.0, "female_rate": 0.5}, index=opened["product_id"])
    return History(closed, opened, offers, ratings, buyers), true


def within(history: History, reach: float = 0.2, steps: int = 41) -> Feasible:
    """Prices within a reach of those in force, evenly spaced."""
    return Feasible(history.price_now[:, None] * np.linspace(1.0 - reach, 1.0 + reach, steps))
