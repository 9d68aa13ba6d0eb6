"""Texts and times of sources in the contract's types: each case computed by hand."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, DoubleType, TimestampType

from pricelake.sources.conversion import is_unfit, to_contract_type, without_blank

NEW_YORK = "America/New_York"
UNFIT = "unfit"

CASES: list[tuple[str, DataType, Any]] = [
    # text → (SQL of the source value, wanted type, value or UNFIT)
    ("'12.5'", DoubleType(), 12.5),
    ("' 12.5 '", DoubleType(), 12.5),
    ("'1,234.50'", DoubleType(), UNFIT),
    ("'NaN'", DoubleType(), UNFIT),
    ("double('inf')", DoubleType(), UNFIT),
    ("'  '", DoubleType(), None),
    ("cast(NULL AS string)", DoubleType(), None),
    ("'3.99995'", DecimalType(18, 4), Decimal("4.0000")),
    ("cast(0.1 AS double) + cast(0.2 AS double)", DecimalType(18, 4), Decimal("0.3000")),
    ("'123456789012345.00'", DecimalType(18, 4), UNFIT),
    ("'3,99'", DecimalType(18, 4), UNFIT),
    ("'2024-02-29'", DateType(), date(2024, 2, 29)),
    ("'2023-02-29'", DateType(), UNFIT),
    ("'2024'", DateType(), UNFIT),
    ("'29.02.2024'", DateType(), UNFIT),
    # an instant falls on the shop's day: 03:30 UTC is the evening before in New York
    ("timestamp'2024-03-01 03:30:00Z'", DateType(), date(2024, 2, 29)),
    # without a zone: the shop's local time, winter UTC-5 and summer UTC-4
    ("'2024-01-15 10:00:00'", TimestampType(), datetime(2024, 1, 15, 15)),
    ("'2024-07-15T10:00:00'", TimestampType(), datetime(2024, 7, 15, 14)),
    ("'2024-07-15'", TimestampType(), datetime(2024, 7, 15, 4)),
    ("timestamp_ntz'2024-07-15 10:00:00'", TimestampType(), datetime(2024, 7, 15, 14)),
    ("date'2024-07-15'", TimestampType(), datetime(2024, 7, 15, 4)),
    # with a zone: as stated
    ("'2024-07-15T10:00:00Z'", TimestampType(), datetime(2024, 7, 15, 10)),
    ("'2024-07-15 10:00:00.250+02:00'", TimestampType(), datetime(2024, 7, 15, 8, 0, 0, 250_000)),
    ("'2024-07-15 10:00:00 Europe/Berlin'", TimestampType(), datetime(2024, 7, 15, 8)),
    ("'2024-07-15T10:00:00-0330'", TimestampType(), datetime(2024, 7, 15, 13, 30)),
    ("timestamp'2024-07-15 10:00:00Z'", TimestampType(), datetime(2024, 7, 15, 10)),
    ("'12:30'", TimestampType(), UNFIT),
    ("'yesterday'", TimestampType(), UNFIT),
    ("'2024-13-01 00:00:00'", TimestampType(), UNFIT),
]


@pytest.fixture(scope="module")
def converted(spark: SparkSession) -> list[tuple[Any, bool]]:
    one = spark.range(1)
    columns = []
    for i, (sql, wanted, _) in enumerate(CASES):
        found = one.select(F.expr(sql).alias("v")).schema["v"].dataType
        value = without_blank(F.expr(sql), found)
        result = to_contract_type(value, found, wanted, NEW_YORK)
        shown = F.date_format(result, "yyyy-MM-dd HH:mm:ss.SSSSSS") if isinstance(wanted, TimestampType) else result
        columns += [shown.alias(f"v{i}"), is_unfit(value, result, wanted).alias(f"u{i}")]
    row = one.select(columns).first()
    assert row is not None
    return [(row[f"v{i}"], row[f"u{i}"]) for i in range(len(CASES))]


@pytest.mark.parametrize("i", range(len(CASES)), ids=[f"{case[0]}-{case[1].typeName()}" for case in CASES])
def test_conversion(converted: list[tuple[Any, bool]], i: int) -> None:
    value, unfit = converted[i]
    expected = CASES[i][2]
    assert unfit == (expected == UNFIT)
    if expected != UNFIT:
        moment = isinstance(expected, datetime)
        assert (datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f") if moment else value) == expected


def test_vectors_with_gaps_are_unfit_and_maps_lose_empty_entries(spark: SparkSession) -> None:
    from pyspark.sql.types import ArrayType, FloatType, MapType, StringType

    vector, wanted = F.expr("array(1.5D, NULL)"), ArrayType(FloatType(), False)
    text_map = MapType(StringType(), StringType(), False)
    attributes = F.expr("map('income', '50-74K', 'pets', NULL)")
    row = spark.range(1).select(
        is_unfit(vector, to_contract_type(vector, ArrayType(DoubleType()), wanted, "UTC"), wanted).alias("gap"),
        to_contract_type(attributes, text_map, text_map, "UTC").alias("map"),
    )
    assert row.collect()[0].asDict() == {"gap": True, "map": {"income": "50-74K"}}
