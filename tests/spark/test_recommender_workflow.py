"""The whole job on a shop of two tastes."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from pricelake.errors import ContractError, QualityError, SettingsError
from pricelake.settings import LakeSettings, RecommenderSettings, Settings, SparkSettings
from pricelake.tables import Lake, contract_of
from pricelake.workflows.job import JobResult, run_job
from pricelake.workflows.train_recommender import train_recommender
from tests.demand_shop import write_shop_file

AS_OF = date(2024, 3, 4)
TABLES = ("customer_factors", "product_factors", "recommendations", "similar_products", "recommender_metrics")
PRODUCTS, CUSTOMERS = 40, 60


def _settings(folder: Path) -> Settings:
    return Settings(
        lake=LakeSettings(root=str(folder / "lake")),
        shop=write_shop_file(folder, "America/New_York"),
        rules=folder / "none.yaml",
        spark=SparkSettings(shuffle_partitions=2),
        recommender=RecommenderSettings(rank=4, iterations=3, top_k=5, similar_k=3),
    )


def _purchases() -> list[tuple[str, str, datetime]]:
    """Even customers buy even products, odd ones odd products; product 0 everybody, so that it is popular."""
    rng = np.random.default_rng(9)
    # the last moment before the as-of date begins in New York
    rows = [("c000", "p00", datetime(2024, 3, 4, 4, 59, 59))]
    for customer in range(CUSTOMERS):
        own = [p for p in range(PRODUCTS) if p % 2 == customer % 2]
        for day, products in ((-40, rng.choice(own, 9)), (-5, rng.choice(own, 6))):
            moment = datetime.combine(AS_OF, datetime.min.time()) + timedelta(days=day)
            rows += [(f"c{customer:03d}", f"p{product:02d}", moment) for product in products]
        rows.append((f"c{customer:03d}", "p00", datetime(2024, 1, 20)))
    return rows


@pytest.fixture
def settings(spark: SparkSession, tmp_path: Path) -> Settings:
    """A lake with the bronze tables that the job needs, and ratings as of the date."""
    settings = _settings(tmp_path)
    lake = Lake(spark, settings.lake.root)
    lines = [
        (f"o{n}", "1", customer, product, "m", moment, 1.0)
        for n, (customer, product, moment) in enumerate(_purchases())
    ]
    columns = "order_id string, line_id string, customer_id string, product_id string, market_id string"
    order_lines = spark.createDataFrame(lines, f"{columns}, ordered_at timestamp, quantity double").selectExpr(
        "*", "cast(2 AS decimal(18,4)) AS paid_amount", "cast(null AS decimal(18,4)) AS discount_amount"
    )
    lake.replace("bronze.order_lines", order_lines)
    names = contract_of("bronze.products").column_names
    catalogue = [(f"p{p:02d}", "n", "D", f"C{p % 2}", "S", "B", *[None] * (len(names) - 6)) for p in range(PRODUCTS)]
    catalogue.append(("p99", "n", "D", "C1", "S", "B", *[None] * (len(names) - 6)))
    lake.replace("bronze.products", spark.createDataFrame(catalogue, contract_of("bronze.products").schema))
    cold = [("c000", None, None, None), ("cold", None, None, None)]
    lake.replace("bronze.customers", spark.createDataFrame(cold, contract_of("bronze.customers").schema))
    _rate(spark, settings, AS_OF)
    return settings


def _rate(spark: SparkSession, settings: Settings, as_of: date) -> None:
    from pricelake.features.behaviour import collect_behaviour
    from pricelake.features.interactions import aggregate_to_interactions
    from pricelake.features.periods import Periods

    lake = Lake(spark, settings.lake.root)
    periods = Periods("week", as_of, "America/New_York", 156)
    behaviour = collect_behaviour(lake.read("bronze.order_lines"), None, None, periods)
    assert behaviour is not None
    lake.replace("gold.interactions", aggregate_to_interactions(behaviour, periods, 180.0))


def _run(spark: SparkSession, settings: Settings, as_of: date = AS_OF) -> JobResult:
    return run_job("train_recommender", train_recommender, spark, settings, as_of)


def _table(spark: SparkSession, settings: Settings, name: str) -> DataFrame:
    return Lake(spark, settings.lake.root).read(f"gold.{name}")


def test_the_job_writes_all_tables_and_a_later_rerun_the_same(spark: SparkSession, settings: Settings) -> None:
    result = _run(spark, settings)
    written = {name: sorted(map(str, _table(spark, settings, name).collect())) for name in TABLES}

    assert {key: set(value) for key, value in result.summary.items() if key != "about"} == {
        contender: {"all", "repeat", "first_time"} for contender in ("als", "popularity", "repeat")
    }
    assert set(result.summary["als"]["all"]) == {"precision", "recall", "f1", "ndcg_at_10", "coverage"}
    # two tastes of equal size: half of popularity's list is of the other taste
    assert (
        result.summary["als"]["first_time"]["ndcg_at_10"]
        > 1.3 * result.summary["popularity"]["first_time"]["ndcg_at_10"]
    )
    assert result.summary["als"]["first_time"]["recall"] > 1.3 * result.summary["popularity"]["first_time"]["recall"]
    assert result.summary["repeat"]["first_time"]["recall"] == 0.0
    assert len(written["recommender_metrics"]) == 9

    recommended = _table(spark, settings, "recommendations").toPandas()
    assert set(recommended.groupby("customer_id").size()) == {5}
    assert set(recommended["customer_id"]) == {f"c{c:03d}" for c in range(CUSTOMERS)} | {"cold"}
    assert set(recommended.loc[recommended["source"] == "popularity", "customer_id"]) == {"cold"}
    mine = recommended[(recommended["source"] == "als") & (recommended["product_id"] != "p00")]
    same_taste = mine["customer_id"].str[1:].astype(int) % 2 == mine["product_id"].str[1:].astype(int) % 2
    assert same_taste.mean() > 0.95
    similar = _table(spark, settings, "similar_products").toPandas()
    assert set(similar.loc[similar["source"] == "category", "product_id"]) == {"p99"}
    versions = {
        v for name in TABLES[:4] for (v,) in _table(spark, settings, name).select("model_version").distinct().collect()
    }
    assert versions == {result.summary["about"]["model_version"]}
    assert not (Path(settings.lake.root) / "_checkpoints" / "train_recommender").exists()

    # what is sold from the as-of date on is not seen, however it is sold
    lake = Lake(spark, settings.lake.root)
    future = lake.read("bronze.order_lines").selectExpr(
        "concat(order_id, '+') AS order_id", "line_id", "'c001' AS customer_id", "product_id", "market_id",
        "TIMESTAMP '2024-03-04 05:00:00' AS ordered_at", "quantity", "paid_amount", "discount_amount",
    )  # fmt: skip
    lake.merge("bronze.order_lines", future)
    again = _run(spark, settings)
    assert again.summary == result.summary
    for name in TABLES:
        assert sorted(map(str, _table(spark, settings, name).collect())) == written[name], name


def test_ratings_from_after_the_date_are_refused(spark: SparkSession, settings: Settings) -> None:
    with pytest.raises(QualityError) as caught:
        _run(spark, settings, date(2024, 3, 3))
    assert str(caught.value) == (
        "gold.interactions knows an interaction of 2024-03-04 04:59:59 UTC, but the run is as of 2024-03-03: it would "
        "learn from the future. Run build_features --as-of 2024-03-03 first."
    )


def test_without_customers_it_says_so(spark: SparkSession, tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    with pytest.raises(ContractError, match=r"gold\.demand_panel has not been written yet"):
        _run(spark, settings)
    Lake(spark, settings.lake.root).create("gold.demand_panel")
    result = _run(spark, settings)
    assert result.summary == {
        "about": {
            "skipped": "no recommendations: gold.interactions has not been written: the shop's sales name no customers"
        }
    }
    assert result.rows_out == 0


def test_a_short_history_is_not_judged(spark: SparkSession, settings: Settings) -> None:
    young = settings.model_copy(
        update={"recommender": settings.recommender.model_copy(update={"holdout_days": 60, "iterations": 1})}
    )
    result = _run(spark, young)
    assert result.summary["not_judged"] == (
        "too little history: no purchases of known customers before or after 2024-01-04"
    )
    assert _table(spark, young, "recommendations").count() == (CUSTOMERS + 1) * 5


def test_a_ranking_need_not_be_judged(spark: SparkSession, settings: Settings) -> None:
    unjudged = settings.recommender.model_copy(update={"judge_ranking": False})
    quick = settings.model_copy(update={"recommender": unjudged})
    result = run_job("train_recommender", train_recommender, spark, quick, AS_OF)
    assert result.summary["not_judged"] == "recommender.judge_ranking is off"
    lake = Lake(spark, settings.lake.root)
    assert not lake.exists("gold.recommender_metrics")
    assert lake.read("gold.recommendations").count() > 0


def test_lists_are_left_out_or_refused_where_they_would_look_fresh(spark: SparkSession, settings: Settings) -> None:
    own = settings.recommender.model_copy(update={"judge_ranking": False, "lists": False})
    without = settings.model_copy(update={"recommender": own})
    result = run_job("train_recommender", train_recommender, spark, without, AS_OF)
    lake, lists = Lake(spark, settings.lake.root), ["gold.recommendations", "gold.similar_products"]
    about = result.summary["about"]
    assert about.pop("model_version").startswith("als-2024-03-04-")
    assert about == {"customers": CUSTOMERS, "products": PRODUCTS, "left_out": lists}
    assert [lake.exists(name) for name in ("gold.product_factors", *lists)] == [True, False, False]
    lake.create("gold.similar_products")
    with pytest.raises(SettingsError) as raised:
        run_job("train_recommender", train_recommender, spark, without, AS_OF)
    assert str(raised.value) == (
        "recommender.lists is off, but gold.similar_products of an earlier run is still in the lake and would pass for "
        f"this run's. Remove {lake.path('gold.similar_products')}, or switch recommender.lists on."
    )
