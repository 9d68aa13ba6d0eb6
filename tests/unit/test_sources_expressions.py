"""What can be said about expressions and contracts without Spark."""

import pytest
from pyspark.sql.types import StringType, StructField, StructType

from pricelake.sources.expressions import contract_problems, mentioned_columns, misuse

SCHEMA = StructType([StructField("product_id", StringType(), False), StructField("brand", StringType(), True)])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cast(household_id AS string)", ["household_id"]),
        ("`Household_ID`", ["household_id"]),
        ("household_id_2", []),
        ("concat(a, household_id)", ["household_id", "a"]),
        ("", []),
    ],
)
def test_columns_are_found_as_whole_words(text: str, found: list[str]) -> None:
    assert mentioned_columns(text, ["household_id", "a"]) == found


def test_unknown_and_missing_columns_are_both_named() -> None:
    assert contract_problems("products", {"brnd": "x"}, SCHEMA) == [
        "products.brnd: the contract of products has no such column; it has product_id, brand",
        "products.product_id: required by the contract and not mapped",
    ]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("UUID()", "UUID gives other values at each run, so the same files would change the table"),
        ("rand() + 1", "rand gives other values at each run, so the same files would change the table"),
        ("explode(tags)", "explode makes several rows of one; do that in a query"),
        ("brand", None),
        ("my_uuid", None),
    ],
)
def test_expressions_that_change_at_each_run_or_multiply_rows(expression: str, said: str | None) -> None:
    assert misuse(expression) == said
