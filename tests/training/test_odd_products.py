"""Products that no model can learn from beside usual ones: training ends, and each ends in a state with a name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pricelake.demand.curve import CURVE_COLUMNS
from pricelake.errors import TrainingError
from pricelake.settings import DemandSettings, LakeSettings, Settings, SparkSettings, TrackingSettings, TrainingSettings
from pricelake.tables import Lake
from pricelake.workflows.job import run_job
from pricelake.workflows.recommend_prices import recommend_prices
from pricelake.workflows.train_demand import train_demand
from tests.demand_shop import AS_OF, panel_frame, panel_rows, write_shop_file
from tests.jobs.conftest import REPOSITORY

ONE_PRICE, NEVER_IN_STOCK, SOLD_OUT_SINCE, EXPLODES, ALONE, HARDLY_IN_STOCK = (f"p{number:03d}" for number in range(6))


def odd_rows() -> pd.DataFrame:
    rows = panel_rows(products=20, weeks=40)
    of, late = rows["product_id"], rows["age_periods"] >= 25
    prices = ["list_price", "unit_price", "reference_price"]
    rows.loc[of == ONE_PRICE, [*prices, "price_lag_ratio"]] = [2.0, 2.0, 2.0, 1.0]
    rows.loc[of == ONE_PRICE, ["discount_rate", "price_changes", "unit_cost"]] = [0.0, 0, 1.2]
    closed = ~rows["is_open"]
    never, since = (of == NEVER_IN_STOCK) & closed, (of == SOLD_OUT_SINCE) & closed & late
    sales = ["units", "units_winsorised", "revenue_amount", "availability_rate"]
    rows.loc[never | since, sales] = 0.0
    rows.loc[never | since, ["is_price_observed", "is_availability_missing"]] = False
    rows.loc[of == NEVER_IN_STOCK, ["sold_periods", "price_changes"]] = 0
    explodes = (of == EXPLODES) & late
    rows.loc[explodes & closed, ["units", "units_winsorised"]] *= 1e7
    rows.loc[
        explodes, [name for name in rows.columns if name.startswith(("units_lag", "units_mean", "units_max"))]
    ] *= 1e7
    rows.loc[of == ALONE, ["category", "subcategory"]] = "NOTHING LIKE IT"
    rows.loc[(of == HARDLY_IN_STOCK) & closed, "availability_rate"] = 0.001
    return rows


def settings_of(root: Path) -> Settings:
    lenient = {"gate_max_wape_ratio": 1e9, "gate_max_bias_rate": 1e9}
    return Settings(
        lake=LakeSettings(root=str(root / "lake")),
        shop=write_shop_file(root),
        rules=REPOSITORY / "conf/rules/grocery.yaml",
        spark=SparkSettings(shuffle_partitions=2),
        demand=DemandSettings(hidden_units=(12,), body="lstm", **lenient),
        training=TrainingSettings(directory=str(root / "training"), epochs=2, files_per_rank=1),
        tracking=TrackingSettings(uri=f"sqlite:///{root}/mlflow.db", artifacts=str(root / "artifacts")),
    )


@pytest.fixture(scope="module")
def outcome(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and recommendations by product."""
    return priced(spark, settings_of(tmp_path_factory.mktemp("odd")), odd_rows())


def priced(spark: SparkSession, settings: Settings, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    Lake(spark, settings.lake.root, "test").replace("gold.demand_panel", panel_frame(spark, rows))
    run_job("train_demand", train_demand, spark, settings, AS_OF)
    run_job("recommend_prices", recommend_prices, spark, settings, AS_OF)
    tables = (
        Lake(spark, settings.lake.root).read(f"gold.{name}") for name in ("demand_curves", "price_recommendations")
    )
    curves, prices = (table.toPandas().set_index("product_id") for table in tables)
    return curves, prices


def test_every_curve_is_finite_and_falls(outcome: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    curves, _ = outcome
    numbers = [*CURVE_COLUMNS, "elasticity_sd", "elasticity_kind_sd", "elasticity_common_sd", "log_units_sd"]
    assert np.isfinite(curves[numbers].to_numpy(dtype=np.float64)).all()
    assert (curves[["elasticity_low", "elasticity_high"]] > 0).all().all()
    assert set(curves["identification"]) <= {"instruments", "discounts", "weak"}
    assert len(curves) == 19  # all but the one that never sold


def test_every_product_has_a_price_or_a_reason(outcome: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, prices = outcome
    assert len(prices) == 20
    assert (prices["price_recommended"] > 0).all()
    held = prices[prices["decision"] == "hold"]
    assert held["held_back_reason"].notna().all()
    assert list(prices.loc[[NEVER_IN_STOCK, ONE_PRICE], "held_back_reason"]) == ["not_enough_evidence"] * 2
    assert pd.isna(prices.loc[NEVER_IN_STOCK, "units_now"])  # and it has no curve either
    told = prices.drop(NEVER_IN_STOCK)
    assert told[["units_now", "units_then", "elasticity"]].notna().all().all()
    assert (told["uplift_low_amount"] <= told["uplift_high_amount"]).all()


def test_a_product_of_one_price_borrows_and_knows_it(outcome: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    curves, _ = outcome
    middle = (curves["elasticity_low"] + curves["elasticity_high"]) / 2
    kind = middle[[name for name in curves.index if int(name[1:]) % 2 == 0 and int(name[1:]) >= 6]]
    assert kind.min() - 0.3 <= middle[ONE_PRICE] <= kind.max() + 0.3
    unsure = curves["elasticity_sd"] / middle  # the scatter of products is relative to their elasticity
    assert unsure[ONE_PRICE] >= unsure[kind.index].median()


def test_the_others_are_priced_as_if_it_were_not_there(outcome: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """One product's sales grow ten million times over; the others' expected units stay near what they sell."""
    _, prices = outcome
    usual = odd_rows().query("age_periods >= 30 and not is_open").groupby("product_id")["units"].mean()
    others = [name for name in prices.index if int(name[1:]) >= 6]
    ratio = prices.loc[others, "units_now"] / usual[others]
    assert ratio.between(0.2, 5.0).all(), ratio
    curves, _ = outcome
    assert curves.loc[others, "diversion_ratio"].max() < 0.9


def test_a_shop_of_one_price_each_holds_every_product_for_lack_of_evidence(spark: SparkSession, tmp_path: Path) -> None:
    rows = panel_rows(products=20, weeks=40)
    rows[["list_price", "unit_price", "reference_price"]] = 2.0
    rows["price_lag_ratio"], rows["discount_rate"], rows["price_changes"], rows["unit_cost"] = 1.0, 0.0, 0, 1.2
    rows["revenue_amount"] = rows["units"] * 2.0
    curves, prices = priced(spark, settings_of(tmp_path), rows)
    assert set(curves["identification"]) == {"weak"}
    assert len(prices) == 20
    assert set(prices["held_back_reason"]) == {"not_enough_evidence"}
    assert (prices["price_recommended"] == prices["price_now"]).all()
    assert all("weakly_identified" in flags for flags in prices["flags"])
    assert set(prices["confidence"]) == {"low"}


def test_a_shop_that_never_had_stock_stops_and_says_so(spark: SparkSession, tmp_path: Path) -> None:
    rows = panel_rows(products=4, weeks=40)
    closed = ~rows["is_open"]
    rows.loc[closed, ["units", "units_winsorised", "revenue_amount", "availability_rate"]] = 0.0
    rows.loc[closed, ["is_price_observed", "is_availability_missing"]] = False
    rows[["sold_periods", "price_changes"]] = 0
    settings = settings_of(tmp_path)
    with pytest.raises(TrainingError) as caught:
        priced(spark, settings, rows)
    assert str(caught.value) == (
        "No product sold in 20 or more periods before 2024-01-08, so there is nothing to learn from. bronze.inventory "
        "says that nothing was in stock in 128 of the 128 product-periods that it knows: where that is wrong, correct "
        "it or bring the shop without it. Lower demand.min_sold_periods or bring more history."
    )
    with pytest.raises(TrainingError, match=r"Run train_demand; if it stopped, its message says what it lacks\."):
        run_job("recommend_prices", recommend_prices, spark, settings, AS_OF)
    assert not Lake(spark, settings.lake.root).exists("gold.price_recommendations")
