"""Products that no model can learn from beside usual ones: training ends, and each ends in a state with a name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from pricelake.demand.curve import CURVE_COLUMNS
from pricelake.errors import TrainingError
from pricelake.features.history import with_price_history, with_unit_history
from pricelake.features.outliers import with_outliers
from pricelake.settings import (
    DemandSettings,
    FeatureSettings,
    LakeSettings,
    Settings,
    SparkSettings,
    TrackingSettings,
    TrainingSettings,
)
from pricelake.tables import Lake, contract_of
from pricelake.workflows.job import run_job
from pricelake.workflows.recommend_prices import recommend_prices
from pricelake.workflows.train_demand import train_demand
from tests.demand_shop import AS_OF, panel_frame, panel_rows, write_shop_file
from tests.jobs.conftest import REPOSITORY

ODD = tuple(f"p{number:03d}" for number in range(6))
ONE_PRICE, NEVER_IN_STOCK, SOLD_OUT_SINCE, EXPLODES, ALONE, HARDLY_IN_STOCK = ODD


def odd_rows() -> pd.DataFrame:
    """What the odd products sold and at which prices; what was before each period is :func:`with_history`'s to say."""
    rows = panel_rows(products=20, weeks=40)
    of, late, closed = rows["product_id"], rows["age_periods"] >= 25, ~rows["is_open"]
    rows.loc[of == ONE_PRICE, ["list_price", "unit_price"]] = 2.0
    rows.loc[of == ONE_PRICE, ["discount_rate", "unit_cost"]] = [0.0, 1.2]
    never, since = (of == NEVER_IN_STOCK) & closed, (of == SOLD_OUT_SINCE) & closed & late
    rows.loc[never | since, ["units", "availability_rate"]] = 0.0
    rows.loc[never | since, ["is_price_observed", "is_availability_missing"]] = False
    rows.loc[never, "unit_price"] = rows["list_price"]
    rows.loc[since, "unit_price"] = rows.loc[(of == SOLD_OUT_SINCE) & ~late, "unit_price"].iloc[-1]
    rows["discount_rate"] = (1 - rows["unit_price"] / rows["list_price"]).clip(0, 1)
    rows.loc[(of == EXPLODES) & late & closed, "units"] *= 1e7
    rows.loc[of == ALONE, ["category", "subcategory"]] = "NOTHING LIKE IT"
    rows.loc[(of == HARDLY_IN_STOCK) & closed, "availability_rate"] = 0.001
    rows.loc[(of == HARDLY_IN_STOCK) & closed, "is_availability_missing"] = False
    rows["revenue_amount"] = rows["units"] * rows["unit_price"]
    return rows


def with_history(panel: DataFrame) -> DataFrame:
    """A panel whose outliers, lags, means and counts are those of the job that builds it."""
    number = (F.datediff("period_start", F.lit(AS_OF)) / 7).cast("int")
    first = F.min(number).over(Window.partitionBy("product_id", "market_id"))
    numbered = panel.withColumns({"period_number": number, "first_on_sale": first})
    mads = FeatureSettings().winsorise_mads
    told = with_unit_history(with_outliers(with_price_history(numbered), mads))
    contract = contract_of("gold.demand_panel").schema
    return told.select(*(F.col(field.name).cast(field.dataType) for field in contract))


def settings_of(root: Path) -> Settings:
    lenient = {"gate_max_wape_ratio": 1e9, "gate_max_bias_rate": 1e9}
    return Settings(
        lake=LakeSettings(root=str(root / "lake")),
        shop=write_shop_file(root),
        rules=REPOSITORY / "conf/rules/grocery.yaml",
        spark=SparkSettings(shuffle_partitions=2),
        demand=DemandSettings(hidden_units=(12,), **lenient),
        training=TrainingSettings(directory=str(root / "training"), epochs=2, files_per_rank=1),
        tracking=TrackingSettings(uri=f"sqlite:///{root}/mlflow.db", artifacts=str(root / "artifacts")),
    )


@pytest.fixture(scope="module")
def outcome(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and recommendations by product."""
    return priced(spark, settings_of(tmp_path_factory.mktemp("odd")), odd_rows())


def priced(spark: SparkSession, settings: Settings, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    panel = with_history(panel_frame(spark, rows))
    Lake(spark, settings.lake.root, "test").replace("gold.demand_panel", panel)
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
    reasons = prices["held_back_reason"].dropna()
    assert reasons.to_dict() == {
        ONE_PRICE: "not_enough_evidence",
        NEVER_IN_STOCK: "stale_input",
        SOLD_OUT_SINCE: "stale_input",
    }
    assert set(prices.index[prices["decision"] == "hold"]) == set(reasons.index)
    assert pd.isna(prices.loc[NEVER_IN_STOCK, "units_now"])  # and it has no curve either
    told = prices.drop(NEVER_IN_STOCK)
    assert told[["units_now", "units_then", "elasticity"]].notna().all().all()
    assert (told["uplift_low_amount"] <= told["uplift_high_amount"]).all()


def test_every_state_has_its_name(outcome: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, prices = outcome
    flags = {name: set(codes) - {"no_competitors"} for name, codes in prices["flags"].items()}
    usual = {"no_availability", "weakly_identified"}  # price surprises are all that moves prices here
    assert {name: flags.pop(name) for name in ODD} == {
        ONE_PRICE: usual | {"few_price_changes"},
        NEVER_IN_STOCK: {"hardly_in_stock", "short_history"},
        SOLD_OUT_SINCE: {"hardly_in_stock", "short_history", "weakly_identified"},
        EXPLODES: usual | {"unusual_sales"},
        ALONE: usual,
        HARDLY_IN_STOCK: {"hardly_in_stock", "weakly_identified"},
    }
    assert all(codes == usual for codes in flags.values())
    assert set(prices["confidence"]) == {"low", "none"}
    assert list(prices.index[prices["confidence"] == "none"]) == [NEVER_IN_STOCK]


def test_a_product_of_one_price_borrows_and_knows_it(outcome: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    curves, _ = outcome
    middle = (curves["elasticity_low"] + curves["elasticity_high"]) / 2
    kind = middle[[name for name in curves.index if int(name[1:]) % 2 == 0 and int(name[1:]) >= 6]]
    unsure = curves.loc[ONE_PRICE, "elasticity_sd"]
    assert abs(middle[ONE_PRICE] - kind.median()) <= 1.645 * unsure
    assert unsure >= curves.loc[kind.index, "elasticity_sd"].median()


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
    rows[["list_price", "unit_price"]] = 2.0
    rows[["discount_rate", "unit_cost"]] = [0.0, 1.2]
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
    rows.loc[closed, ["units", "revenue_amount", "availability_rate"]] = 0.0
    rows.loc[closed, ["is_price_observed", "is_availability_missing"]] = False
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
