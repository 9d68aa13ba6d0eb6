"""Changing the future changes no feature."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pricelake.features.periods import Periods
from tests.spark import features_shop as data

CUT = data.AS_OF - timedelta(weeks=6)
KEY = ["product_id", "market_id", "period_start"]
# what a period's own sales decide, and nothing but the period's own
OUTCOME = [
    "units",
    "revenue_amount",
    "is_outlier",
    "units_winsorised",
    "unit_price",
    "is_price_observed",
    "list_price",
    "discount_rate",
    "availability_rate",
    "is_availability_missing",
    "is_open",
]
# derived from the period's own price, which is known when it is set
OF_OWN_PRICE = ["unit_cost", "competitor_index"]


def change_from(tables: dict[str, pd.DataFrame], cut: date) -> dict[str, pd.DataFrame]:
    """Everything that happened on ``cut`` or later is different; what is known in advance stays."""
    changed = {name: rows.copy() for name, rows in tables.items()}
    lines = changed["order_lines"]
    moment = pd.Timestamp(cut, tz=data.ZONE).tz_convert("UTC").tz_localize(None)
    later = lines["ordered_at"] >= moment
    lines.loc[later, "quantity"] = 90.0
    lines.loc[later, "paid_amount"] = 17.5
    lines.loc[later, "discount_amount"] = 400.0
    changed["order_lines"] = lines[~(later & (lines["product_id"] == "p10"))]
    for name, column in (("list_prices", "list_price"), ("costs", "unit_cost")):
        rows = changed[name]
        rows.loc[rows["valid_from"] >= cut, column] = 99.0
    rivals = changed["competitor_prices"]
    rivals.loc[rivals["observed_at"] >= moment, "price"] = 0.5
    rivals.loc[rivals["observed_at"] >= moment, "in_stock"] = True
    stock = changed["inventory"]
    stock.loc[stock["date"] >= cut, "availability_rate"] = 0.01
    looked = changed["events"]
    looked.loc[looked["occurred_at"] >= moment, "product_id"] = "p09"
    weather = changed["weather"]
    weather.loc[weather["date"] >= cut, ["temperature_c", "precipitation_mm"]] = [-40.0, 99.0]
    return changed


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return data.full_tables()


@pytest.fixture(scope="module")
def before(spark: SparkSession) -> pd.DataFrame:
    return data.full_panel(spark)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True), check_exact=True)


def test_future_changes_no_earlier_row(
    spark: SparkSession, tables: dict[str, pd.DataFrame], before: pd.DataFrame
) -> None:
    after = data.build_panel(spark, change_from(tables, CUT))
    earlier = before["period_start"] < CUT
    assert earlier.sum() > 300
    assert_same(before[earlier], after[after["period_start"] < CUT])
    own = [name for name in before.columns if name not in (*OUTCOME, *OF_OWN_PRICE)]
    both = before.loc[before["period_start"] == CUT, own].merge(
        after.loc[after["period_start"] == CUT, own], on=KEY, suffixes=("", "_after")
    )
    assert len(both) >= 6
    for name in set(own) - set(KEY):
        assert (both[name] == both[f"{name}_after"]).all(), name
    changed = before.merge(after, on=KEY, suffixes=("", "_after"))
    later = changed["period_start"] > CUT
    moved = (
        "units_lag_1",
        "reference_price",
        "category_units_lag_1",
        "competitor_index",
        "temperature_c",
        "views_mean_4",
    )
    for name in moved:
        assert not np.allclose(changed.loc[later, name], changed.loc[later, f"{name}_after"]), name


def test_a_run_for_an_earlier_date_gives_the_rows_of_the_later_one(
    spark: SparkSession, tables: dict[str, pd.DataFrame], before: pd.DataFrame
) -> None:
    """The panel of an earlier as-of date is the later one cut off, although all later data are in the tables.

    The date lies inside a week: what was sold in that week before it is partial and must not count.
    """
    shorter = Periods("week", CUT + timedelta(days=3), data.ZONE, data.PERIODS.history_periods - 6)
    then = data.build_panel(spark, tables, shorter)
    closed = then[~then["is_open"]]
    assert_same(closed, before[before["period_start"] < CUT])
    opened, later = then[then["is_open"]], before[before["period_start"] == CUT]
    features = [name for name in before.columns if name not in (*OUTCOME, *OF_OWN_PRICE, "cost_source")]
    both = opened[features].merge(later[features], on=KEY, suffixes=("", "_later"))
    assert len(both) == len(opened)
    for name in set(features) - set(KEY):
        assert (both[name] == both[f"{name}_later"]).all(), name
