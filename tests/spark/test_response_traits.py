"""Traits as they are read from rows of the panel and descriptions of products."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import norm

from pricelake.demand.response.traits import DESCRIBED, LEAST_NAMES, Traits, read_traits

GROUPS = ("department", "category", "subcategory", "brand")
SIZES = [(100.0, "g"), (200.0, "g"), (400.0, "g"), (1000.0, "ml"), (None, None), *((250.0, "g"),) * 7]


def panel(spark: SparkSession) -> DataFrame:
    """Two weeks of twelve products, the first five of one category."""
    rows = [
        (f"p{n:02d}", "food", "nuts" if n < 5 else "bread", "any", "brand", float(n), 2.0 + n)
        for n in range(len(SIZES))
        for _ in range(2)
    ]
    return spark.createDataFrame(rows, ["product_id", *GROUPS, "units", "list_price"])


def described(spark: SparkSession, sizes: list[tuple[float | None, str | None]]) -> DataFrame:
    """Half of the products are organic; each has a word of its own."""
    rows = [
        (f"p{n:02d}", f"Organic N{n}" if n % 2 else f"N{n}", None, amount, unit)
        for n, (amount, unit) in enumerate(sizes)
    ]
    schema = "product_id string, name string, description string, size_amount double, size_unit string"
    return spark.createDataFrame(rows, schema).select(*DESCRIBED)


def block(traits: Traits, name: str) -> np.ndarray:
    """Columns of one block."""
    return traits.features[:, np.array(traits.blocks) == name]


def test_pack_sizes_are_told_beside_those_of_the_category_in_the_same_unit(spark: SparkSession) -> None:
    found = block(read_traits(panel(spark), None, described(spark, SIZES)), "size")
    # of the known: the smallest, in the middle (alone in its unit, and bread, where all are alike), the largest
    smallest, middle, largest = norm.ppf([0.5 / 11, 0.5, 10.5 / 11])
    assert found[:, 0] == pytest.approx([smallest, middle, largest, middle, 0.0, *(middle,) * 7])


def test_sizes_that_are_all_alike_or_unknown_are_no_trait(spark: SparkSession) -> None:
    for size in ((250.0, "g"), (None, None)):
        assert block(read_traits(panel(spark), None, described(spark, [size] * len(SIZES))), "size").shape == (12, 0)


def test_words_of_enough_products_are_traits(spark: SparkSession) -> None:
    assert LEAST_NAMES <= 6
    found = block(read_traits(panel(spark), None, described(spark, SIZES)), "words")
    organic = np.where(np.arange(12) % 2, 1.0, -1.0)
    assert any(column == pytest.approx(organic) for column in found.T)


def test_without_descriptions_and_tastes_sales_alone_are_told(spark: SparkSession) -> None:
    traits = read_traits(panel(spark), None, None)
    assert set(traits.blocks) == {"sales"}
    assert list(traits.products["product_id"]) == sorted(traits.products["product_id"])
    assert traits.groups["category"].tolist() == [1] * 5 + [0] * 7


def test_tastes_count_by_their_direction(spark: SparkSession) -> None:
    factors = pd.DataFrame({"product_id": ["p00", "p01", "p02"], "factors": [[3.0, 0.0], [1.0, 0.0], [0.0, 5.0]]})
    found = block(read_traits(panel(spark), factors, None), "factors")
    assert found[0] == pytest.approx(found[1])
    assert found[3] == pytest.approx(found[11])
    assert found[0] != pytest.approx(found[2])
