"""Every column of the panel against a recomputation by brute force."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pricelake.tables import contract_of
from tests.spark import features_shop as data
from tests.spark.features_oracle import Oracle

NAMES = contract_of("gold.demand_panel").column_names


@pytest.fixture(scope="module", params=["full", "plain"])
def panels(request: pytest.FixtureRequest, spark: SparkSession) -> tuple[pd.DataFrame, pd.DataFrame]:
    full = request.param == "full"
    tables = data.full_tables() if full else data.plain_tables()
    found = data.full_panel(spark) if full else data.build_panel(spark, tables)
    return found, Oracle(tables, data.AS_OF, data.ZONE, 50).panel()


def test_rows_are_those_of_the_definition(panels: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    found, expected = panels
    key = ["product_id", "market_id", "period_start"]
    pd.testing.assert_frame_equal(found[key], expected[key])


def test_oracle_covers_every_column(panels: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    assert set(panels[1].columns) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_column_equals_brute_force(panels: tuple[pd.DataFrame, pd.DataFrame], name: str) -> None:
    found, expected = panels[0][name], panels[1][name]
    if pd.api.types.is_float_dtype(found):
        wrong = ~np.isclose(found, expected.astype(float), rtol=1e-9, atol=1e-9, equal_nan=True)
    else:
        wrong = (found != expected).to_numpy()
    both = panels[0][["product_id", "market_id", "period_start"]].assign(found=found, expected=expected)
    assert not wrong.any(), f"{wrong.sum()} of {len(wrong)} differ:\n{both[wrong].head(12)}"


def test_the_data_exercise_the_definitions(panels: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """A column that is constant in the test data would prove nothing."""
    expected = panels[1]
    assert expected["is_outlier"].any()
    assert (expected["units"] == 0).sum() > 20
    assert expected["periods_since_sale"].max() >= 26
    assert expected["is_open"].sum() > 5
    if "p06" in set(expected["product_id"]):
        constant = [n for n in NAMES if expected[n].nunique() < 2]
        assert constant == []
