"""One shop of the scoreboard: its history through the jobs, as contenders see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pricelake.errors import PriceLakeError
from pricelake.evaluation.contenders.interface import History
from pricelake.evaluation.market import Market
from pricelake.evaluation.scoring.effort import Effort, measured
from pricelake.settings import Settings
from pricelake.settings.loading import load_settings
from pricelake.tables import Lake
from pricelake.workflows.catalogue import job_entry
from pricelake.workflows.job import Reporter, run_job
from pricelake.workflows.simulate import run_settings

KEY = ["product_id", "market_id"]
DATA_JOBS = ("ingest", "build_features")
MODEL_JOBS = ("train_recommender", "train_demand", "recommend_prices")
AGES = {"18-24": 21, "25-34": 30, "35-44": 40, "45-54": 50, "55-64": 60, "65+": 72}
QUICKER: Mapping[str, Any] = {"demand": {"lightgbm_max_rows": 2000}, "recommender": {"judge_ranking": False}}
"""The jobs' own comparisons decide nothing here: the scoreboard has a LightGBM on all rows, and true tastes."""


@dataclass(frozen=True)
class ScoredShop:
    """A shop after its jobs.

    Attributes:
        market: its truth.
        history: what contenders get.
        settings: with which its jobs ran.
        effort: what PriceLake's own training took; None: it was not asked for.
        error: why PriceLake has no prices; None where it has.
    """

    market: Market
    history: History
    settings: Settings
    effort: Effort | None = None
    error: str | None = None


def run_shop(
    spark: SparkSession, market: Market, rules: Path, folder: Path, reporter: Reporter, *, with_model: bool
) -> ScoredShop:
    """Ingest and build features and, if asked, train and price. A gate that PriceLake fails is its failure, no error.

    Args:
        spark: session.
        market: whose shop file names the bronze tables.
        rules: rules file.
        folder: for tables and models.
        reporter: progress.
        with_model: whether PriceLake itself is a contender.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(run_settings(market.shop.absolute(), market.as_of, folder)), encoding="utf-8")
    settings = load_settings(path, {"rules": str(rules), **QUICKER})

    def run(names: tuple[str, ...]) -> None:
        for name in names:
            run_job(name, job_entry(name).workflow(), spark, settings, market.as_of, reporter)

    run(DATA_JOBS)
    history = read_history(Lake(spark, settings.lake.root), market)
    if not with_model:
        return ScoredShop(market, history, settings)
    try:
        effort = measured(lambda: run(MODEL_JOBS))
    except PriceLakeError as error:
        return ScoredShop(market, history, settings, error=str(error))
    return ScoredShop(market, history, settings, effort)


def read_history(lake: Lake, market: Market) -> History:
    """The panel and what reviews and buyers say, as pandas; scored shops are small."""
    panel = lake.read("gold.demand_panel").toPandas()  # thousands of rows: the size of the scored shop
    money = ("unit_price", "list_price", "reference_price", "unit_cost", "revenue_amount")
    panel = panel.astype(dict.fromkeys(money, "float64"))
    offers = market.offers().sort_values(KEY, kind="stable").reset_index(drop=True)
    opened = panel[panel["is_open"]].set_index(KEY).reindex(pd.MultiIndex.from_frame(offers[KEY])).reset_index()
    closed = panel[~panel["is_open"]].sort_values(["period_start", *KEY]).reset_index(drop=True)
    return History(
        closed=closed,
        open=opened.assign(category=offers["category"]),
        offers=offers,
        ratings=_ratings(lake),
        buyers=_buyers(lake),
    )


def _ratings(lake: Lake) -> pd.Series:
    if not lake.exists("bronze.reviews"):
        return pd.Series(dtype="float64")
    ratings = lake.read("bronze.reviews").groupBy("product_id").agg(F.avg("rating").alias("rating")).toPandas()
    return ratings.set_index("product_id")["rating"]


def _buyers(lake: Lake) -> pd.DataFrame:
    """Mean age and share of women of those who bought a product, weighted by lines; empty where nothing is known."""
    if not (lake.exists("bronze.customers") and lake.exists("bronze.order_lines")):
        return pd.DataFrame(columns=["age", "female_rate"], dtype="float64")
    age = F.create_map(*[F.lit(value) for pair in AGES.items() for value in pair])[F.col("age_band")]
    people = lake.read("bronze.customers").select(
        "customer_id", age.alias("age"), (F.col("attributes")["gender"] == "female").cast("double").alias("female")
    )
    lines = lake.read("bronze.order_lines").select("product_id", "customer_id")
    found = lines.join(people, on="customer_id", how="inner").groupBy("product_id")
    return found.agg(F.avg("age").alias("age"), F.avg("female").alias("female_rate")).toPandas().set_index("product_id")
