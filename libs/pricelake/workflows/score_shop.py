"""One simulated shop, run through the jobs, as the scoreboard's contenders see it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pricelake.demand.curve import expected_units
from pricelake.evaluation.contenders.interface import Floats, History
from pricelake.evaluation.simulated import SimulatedMarket
from pricelake.settings import Settings
from pricelake.settings.loading import load_settings
from pricelake.settings.simulation import SimulationSettings
from pricelake.tables import Lake
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import Reporter, run_job
from pricelake.workflows.simulate import simulate

KEY = ["product_id", "market_id"]
RULES = "conf/rules/scoreboard.yaml"
DATA_JOBS = ("ingest", "build_features")
MODEL_JOBS = ("train_recommender", "train_demand", "recommend_prices")
AGES = {"18-24": 21, "25-34": 30, "35-44": 40, "45-54": 50, "55-64": 60, "65+": 72}
CURVE = ("reference_price", "log_units", "elasticity_low", "elasticity_high", "bend", "steepness")


@dataclass(frozen=True)
class ScoredShop:
    """A shop after its jobs.

    Attributes:
        market: its truth.
        history: what contenders get.
        settings: with which its jobs ran.
    """

    market: SimulatedMarket
    history: History
    settings: Settings


def run_shop(
    spark: SparkSession, simulation: SimulationSettings, folder: Path, reporter: Reporter, with_model: bool
) -> ScoredShop:
    """Simulate, ingest, build features and, if asked, train and price.

    Args:
        spark: session.
        simulation: the shop, all branches.
        folder: for its files, tables and models.
        reporter: progress.
        with_model: whether PriceLake itself is a contender.
    """
    path = simulate(spark, simulation, folder, reporter)
    settings = load_settings(path, {"rules": RULES})
    market = SimulatedMarket(simulation, folder / "shop.yaml")
    for name in (*DATA_JOBS, *(MODEL_JOBS if with_model else ())):
        run_job(name, job_entry(name).workflow(), spark, settings, market.as_of, reporter)
    return ScoredShop(market, read_history(Lake(spark, settings.lake.root), market), settings)


def read_history(lake: Lake, market: SimulatedMarket) -> History:
    """The panel and what reviews and buyers say, as pandas; scored shops are small."""
    panel = lake.read("gold.demand_panel").toPandas()  # thousands of rows: the size of the scored shop
    money = ("unit_price", "list_price", "reference_price", "unit_cost", "revenue_amount")
    panel = panel.astype(dict.fromkeys(money, "float64"))
    offers = market.offers()
    opened = panel[panel["is_open"]].set_index(KEY).reindex(pd.MultiIndex.from_frame(offers[KEY])).reset_index()
    known = opened["list_price"].notna()
    closed = panel[~panel["is_open"]].sort_values(["period_start", *KEY]).reset_index(drop=True)
    ratings = lake.read("bronze.reviews").groupBy("product_id").agg(F.avg("rating").alias("rating")).toPandas()
    return History(
        closed=closed,
        open=opened[known].reset_index(drop=True),
        offers=offers[known.to_numpy()].reset_index(drop=True),
        ratings=ratings.set_index("product_id")["rating"],
        buyers=_buyers(lake),
    )


def _buyers(lake: Lake) -> pd.DataFrame:
    """Mean age and share of women of those who bought a product, weighted by lines."""
    age = F.create_map(*[F.lit(value) for pair in AGES.items() for value in pair])[F.col("age_band")]
    people = lake.read("bronze.customers").select(
        "customer_id", age.alias("age"), (F.col("attributes")["gender"] == "female").cast("double").alias("female")
    )
    lines = lake.read("bronze.order_lines").select("product_id", "customer_id")
    found = lines.join(people, on="customer_id", how="inner").groupBy("product_id")
    return found.agg(F.avg("age").alias("age"), F.avg("female").alias("female_rate")).toPandas().set_index("product_id")


@dataclass
class PriceLakeCurves:
    """The demand model that priced the shop, as a contender: its stored curves, read back.

    Attributes:
        curves: ``gold.demand_curves`` of the as-of date by product and market.
        recommended: ``price_recommended`` by product and market.
    """

    curves: pd.DataFrame
    recommended: pd.Series
    name: str = "pricelake"
    _offers: pd.DataFrame | None = None

    def fit(self, history: History) -> None:
        """Nothing is left to learn; remember what is asked about."""
        self._offers = history.offers

    def units(self, prices: Floats) -> Floats:
        """Closed form along the prices; NaN for offers without a curve."""
        if self._offers is None:
            raise ValueError("fit the model first")
        rows = self.curves.reindex(pd.MultiIndex.from_frame(self._offers[KEY]))
        curves = {name: rows[name].to_numpy(dtype=np.float64) for name in CURVE}
        return np.asarray(expected_units(curves, prices))

    def propose(self, history: History, feasible: object) -> Floats:
        """The recommended prices; a held price is the one in force."""
        wanted = self.recommended.reindex(pd.MultiIndex.from_frame(history.offers[KEY])).to_numpy(dtype=np.float64)
        return np.where(np.isnan(wanted), history.price_now, wanted)


def read_pricelake(lake: Lake, shop: ScoredShop) -> PriceLakeCurves:
    """Curves and prices of the shop's last run."""
    curves = lake.read("gold.demand_curves").where(F.col("as_of_date") == F.lit(shop.market.as_of))
    prices = lake.read("gold.price_recommendations").where(F.col("as_of_date") == F.lit(shop.market.as_of))
    of_curves = curves.select(*KEY, *(F.col(name).cast("double") for name in CURVE)).toPandas()
    of_prices = prices.select(*KEY, F.col("price_recommended").cast("double")).toPandas()
    return PriceLakeCurves(of_curves.set_index(KEY), of_prices.set_index(KEY)["price_recommended"])
