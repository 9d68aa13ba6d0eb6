"""What contenders of the scoreboard may know of a shop: its panel, views, buyers and ratings, as pandas."""

from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from pricelake.evaluation.contenders.interface import History
from pricelake.evaluation.market import Market
from pricelake.features.periods import Periods
from pricelake.features.views import aggregate_to_views
from pricelake.settings import Settings
from pricelake.settings.shop import load_shop
from pricelake.tables import Lake

KEY = ["product_id", "market_id"]
AGES = {"18-24": 21, "25-34": 30, "35-44": 40, "45-54": 50, "55-64": 60, "65+": 72}
MONEY = ("unit_price", "list_price", "reference_price", "unit_cost", "revenue_amount")
OF_THE_PERIOD = (
    "period_start", "holiday_days", "days_to_holiday", "season_sin_1", "season_cos_1", "season_sin_2", "season_cos_2",
    "temperature_c", "precipitation_mm",
)  # fmt: skip
"""Known of the period to price whether a product was sold before or not, alike for all products of a market."""


def read_history(lake: Lake, market: Market, settings: Settings) -> History:
    """Everything that a contender gets; scored shops are small.

    Args:
        lake: after ingest and build_features.
        market: whose offers are to be priced.
        settings: with which the jobs ran.
    """
    panel = lake.read("gold.demand_panel").toPandas()  # thousands of rows: the size of the scored shop
    offers = market.offers().sort_values(KEY, kind="stable").reset_index(drop=True)
    brands = lake.read("bronze.products").select("product_id", "brand").toPandas().set_index("product_id")["brand"]
    closed, opened = assemble(panel, offers, brands, _views(lake, market.as_of, settings))
    return History(closed, opened, offers, _ratings(lake), _buyers(lake))


def assemble(
    panel: pd.DataFrame, offers: pd.DataFrame, brands: pd.Series, views: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Closed rows, and one open row for each offer.

    Args:
        panel: ``gold.demand_panel``.
        offers: what is to be priced.
        brands: by product_id.
        views: ``product_id``, ``period_start``, ``views``; periods without a view are absent.
    """
    panel = panel.astype(dict.fromkeys(MONEY, "float64")).merge(
        views, how="left", on=["product_id", "period_start"], validate="many_to_one"
    )
    panel = panel.fillna({"views": 0.0})
    closed = panel[~panel["is_open"]].sort_values(["period_start", *KEY]).reset_index(drop=True)
    known = panel[panel["is_open"]].assign(views=np.nan)
    opened = known.set_index(KEY).reindex(pd.MultiIndex.from_frame(offers[KEY])).reset_index()
    opened["category"] = offers["category"]
    opened["brand"] = opened["product_id"].map(brands)
    alike = known.groupby("market_id")[list(OF_THE_PERIOD)].first().reindex(opened["market_id"])
    for name in OF_THE_PERIOD:
        opened[name] = opened[name].fillna(pd.Series(alike[name].to_numpy(), opened.index))
    return closed, opened


def _views(lake: Lake, as_of: date, settings: Settings) -> pd.DataFrame:
    """Views by product and closed period, a bounded number of rows; none where the shop has no events."""
    events = lake.read_if_exists("bronze.events")
    if events is None:
        empty = {"product_id": pd.Series(dtype=object), "period_start": pd.Series(dtype=object)}
        return pd.DataFrame(empty | {"views": pd.Series(dtype="float64")})
    features, zone = settings.features, load_shop(settings.shop).time_zone
    periods = Periods(features.period, as_of, zone, features.history_periods)
    start = periods.start(F.col("period_number")).alias("period_start")
    found = aggregate_to_views(events, periods).select("product_id", start, F.col("views").cast("double"))
    return found.toPandas()


def _ratings(lake: Lake) -> pd.Series:
    reviews = lake.read_if_exists("bronze.reviews")
    if reviews is None:
        return pd.Series(dtype="float64")
    ratings = reviews.groupBy("product_id").agg(F.avg("rating").alias("rating")).toPandas()
    return ratings.set_index("product_id")["rating"]


def _buyers(lake: Lake) -> pd.DataFrame:
    """Mean age and share of women of those who bought a product, weighted by lines; empty where nothing is known."""
    customers, order_lines = lake.read_if_exists("bronze.customers"), lake.read_if_exists("bronze.order_lines")
    if customers is None or order_lines is None:
        return pd.DataFrame(columns=["age", "female_rate"], dtype="float64")
    age = F.create_map(*[F.lit(value) for pair in AGES.items() for value in pair])[F.col("age_band")]
    people = customers.select(
        "customer_id", age.alias("age"), (F.col("attributes")["gender"] == "female").cast("double").alias("female")
    )
    lines = order_lines.select("product_id", "customer_id")
    found = lines.join(people, on="customer_id", how="inner").groupBy("product_id")
    return found.agg(F.avg("age").alias("age"), F.avg("female").alias("female_rate")).toPandas().set_index("product_id")
