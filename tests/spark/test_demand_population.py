"""Which products are learnt from, against a recount in pandas."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pricelake.demand.population import draw_population, learnt_from
from pricelake.workflows.demand_data import Periods, rows_stood_for

START, WEEKS, HELD_OUT = date(2023, 1, 2), 30, 22
FREQUENT, RARE = 40, 400
KEY = ["product_id", "market_id"]


@pytest.fixture(scope="module")
def sales():
    """Frequent products that sell in most weeks, and ten times as many that sell in one of twelve."""
    rng = np.random.default_rng(1)
    chance = np.repeat([0.9, 1 / 12], [FREQUENT, RARE])
    units = (rng.random((FREQUENT + RARE, WEEKS)) < chance[:, None]).astype(float)
    rows = pd.DataFrame({
        "product_id": np.repeat([f"p{number:03d}" for number in range(FREQUENT + RARE)], WEEKS),
        "market_id": "north",
        "period_start": [START + timedelta(weeks=week) for week in range(WEEKS)] * (FREQUENT + RARE),
        "units": units.ravel(),
    })  # fmt: skip
    group = rows.groupby("product_id")["units"]
    rows["age_periods"] = group.cumcount()
    rows["sold_periods"] = group.cumsum() - rows["units"]
    return rows


@pytest.fixture(scope="module")
def panel(spark, sales):
    return spark.createDataFrame(sales).persist()


def drawn(panel, rate, seed=3, least=10):
    held_out = F.lit(START + timedelta(weeks=HELD_OUT))
    return draw_population(panel, held_out, least, 1, rate, seed)


def test_frequent_products_are_all_there_whole_and_count_once(panel, sales):
    found = drawn(panel, 0.5).where("is_frequent").toPandas()
    early = sales[sales["period_start"] < START + timedelta(weeks=HELD_OUT)]
    sold = early.groupby("product_id")["units"].sum()
    assert set(found["product_id"]) == set(sold.index[sold >= 10])
    assert (found.groupby("product_id").size() == WEEKS).all()
    assert (found["sampling_weight"] == 1.0).all()


def test_sales_in_held_out_periods_make_no_product_frequent(spark, sales):
    late = sales.assign(units=sales["units"].where(sales["product_id"] != "p000", 0.0))
    late.loc[(late["product_id"] == "p000") & (late["age_periods"] >= 18), "units"] = 1.0
    few = late[late["product_id"] < f"p{FREQUENT + 20:03d}"]  # of whom all are drawn
    found = drawn(spark.createDataFrame(few), 1.0).where("product_id = 'p000'").select("is_frequent").distinct()
    assert [row[0] for row in found.collect()] == [False]  # 4 of the 12 weeks are before the held-out ones


def test_the_rows_of_rare_products_stand_for_all_of_them(panel, sales):
    found = drawn(panel, 0.5).where(learnt_from(1)).where("not is_frequent").toPandas()
    rare = sales[sales["product_id"] >= f"p{FREQUENT:03d}"]
    useful = rare[(rare["sold_periods"] >= 1) & (rare["age_periods"] > 0)]
    early = found[found["period_start"] < START + timedelta(weeks=HELD_OUT)]
    assert len(early) == pytest.approx(0.5 * FREQUENT * HELD_OUT, rel=0.2)
    assert found["sampling_weight"].nunique() == 1
    assert found["sampling_weight"].sum() == pytest.approx(len(useful), rel=0.15)
    weighted = (found["units"] * found["sampling_weight"]).sum()
    assert weighted == pytest.approx(useful["units"].sum(), rel=0.3)


def test_a_product_is_learnt_from_only_when_it_has_sold(panel):
    found = drawn(panel, 0.5).where(learnt_from(1)).toPandas()
    assert found["age_periods"].min() == 1
    assert found.groupby("is_frequent")["sold_periods"].min().to_dict() == {False: 1, True: 1}


def test_a_product_is_frequent_in_all_its_markets_or_in_none(spark, sales):
    south = sales.assign(market_id="south", units=sales["units"].where(sales["age_periods"] % 9 == 0, 0.0))
    both = spark.createDataFrame(pd.concat([sales, south], ignore_index=True))
    found = drawn(both, 0.5).select("product_id", "market_id", "is_frequent", "sampling_weight").distinct().toPandas()
    assert (found.groupby("product_id").size() == 2).all()
    assert (found.groupby("product_id")[["is_frequent", "sampling_weight"]].nunique() == 1).all(axis=None)
    assert 0 < found["is_frequent"].mean() < 1


def test_all_rare_products_are_learnt_from_where_there_are_few(panel, sales):
    found = drawn(panel, 1.0, least=1).toPandas()
    assert found["is_frequent"].all()
    everybody = drawn(panel.where(f"product_id < 'p{FREQUENT + 20:03d}'"), 1.0).where("not is_frequent").toPandas()
    assert (everybody["sampling_weight"] == 1.0).all()
    assert (everybody.groupby("product_id").size() == WEEKS).all()


def test_no_rare_products_are_drawn_at_a_rate_of_nothing(panel):
    assert drawn(panel, 0.0).where("not is_frequent").isEmpty()


def test_the_draw_is_the_same_again_and_another_for_another_seed(panel):
    def names(seed):
        return {row[0] for row in drawn(panel, 0.5, seed).select("product_id").distinct().collect()}

    assert names(3) == names(3) != names(4)


def test_the_prior_counts_against_the_rows_that_the_loss_stands_for(spark):
    """Two typical rows of frequent products, a rare row that stands for five, and one that is not trained on."""
    first, later = START, START + timedelta(weeks=10)
    rows = [
        (first, True, 1.0, 3.0),
        (first, True, 1.0, 3.0),
        (first, False, 5.0, 0.0),
        (later, False, 5.0, 0.0),
    ]
    names = ["period_start", "is_frequent", "sampling_weight", "units_mean_8"]
    periods = Periods(first, later, later, later)
    # weights are 2, 2 and 5; a typical row of a frequent product weighs 2
    assert rows_stood_for(spark.createDataFrame(rows, names), periods) == round((2 + 2 + 5) / 2)
    frequent = spark.createDataFrame(rows, names).where("is_frequent")
    assert rows_stood_for(frequent, periods) == 2
