"""Verdicts against a plain Python oracle on random rows."""

import random
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from pricelake.errors import QualityError
from pricelake.quality import (
    BrokenRule,
    Horizon,
    Rule,
    TableCounts,
    check_balance,
    check_rules,
    check_share,
    count_verdicts,
    future_rules,
    is_after_as_of,
    repeated_keys,
    settle_duplicates,
    to_quarantine,
    with_verdict,
)

COLUMNS = ("k1", "k2", "x")
SCHEMA = StructType([StructField("k1", StringType()), StructField("k2", StringType()), StructField("x", DoubleType())])


def _oracle(rows: list[tuple[str, str, float | None]]) -> Counter[tuple[Any, ...]]:
    """(row, verdict, rule) → times, by the words of the docstrings."""
    result: Counter[tuple[Any, ...]] = Counter()
    fine = []
    for row in rows:
        if row[2] is None or not row[2] > 0:
            result[(row, "quarantined", "x_above_zero")] += 1
        elif row[2] > 4:
            result[(row, "quarantined", "x_large")] += 1
        else:
            fine.append(row)
    for key in {row[:2] for row in fine}:
        versions = Counter(row for row in fine if row[:2] == key)
        for version, times in versions.items():
            first = ("taken", None) if len(versions) == 1 else ("quarantined", "duplicate_key")
            result[(version, *first)] += 1
            if times > 1:
                result[(version, "duplicate", None)] += times - 1
    return result


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_copies_contradictions_and_broken_rules(spark: SparkSession, seed: int) -> None:
    draw = random.Random(seed)
    rows = [
        (draw.choice("abcdef"), draw.choice("uvwxyz"), draw.choice([None, -1.0, 1.0, 1.0, 1.0, 2.0, 9.0]))
        for _ in range(150)
    ]
    frame = spark.createDataFrame(rows, SCHEMA).withColumn("_source", F.struct(F.lit(1)))
    rules = [*check_rules({"x_above_zero": "x > 0"}, COLUMNS), Rule("x_large", F.col("x") > 4, F.lit("large"))]
    alone = with_verdict(frame, rules, F.lit(False))
    judged = settle_duplicates(
        alone, repeated_keys(alone, COLUMNS[:2]), COLUMNS[:2], [F.col(c) for c in COLUMNS], ["_source"]
    )
    found = Counter(((r["k1"], r["k2"], r["x"]), r["_verdict"], r["_rule"]) for r in judged.collect())
    expected = _oracle(rows)
    assert {v for _, v, _ in expected} == {"taken", "quarantined", "duplicate"}
    assert found == expected
    counts, broken = count_verdicts(judged)
    assert counts.rows_in == 150
    assert counts.quarantined == sum(rule.rows for rule in broken)
    assert broken == sorted(broken, key=lambda rule: -rule.rows)


def test_the_first_broken_rule_wins_and_names_the_value(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("a", "b", -1.0), ("a", "c", None)], SCHEMA)
    rules = check_rules({"positive": "x > 0", "large": "x > 1"}, COLUMNS)
    rows = with_verdict(frame, rules, F.lit(False)).orderBy("k2").collect()
    assert [(r["_rule"], r["_reason"]) for r in rows] == [
        ("positive", "x = -1.0; must hold: x > 0"),
        ("positive", "x = null; must hold: x > 0"),
    ]


def test_hashes_stay_the_same_and_tell_equal_rows_apart(spark: SparkSession) -> None:
    rows = [("r", "why", "same", "f1"), ("r", "why", "same", "f2"), ("r", "why", "other", "f1")]
    frame = spark.createDataFrame(rows, "_rule string, _reason string, row string, file string")
    first, again = (
        {(r["row_hash"], r["source_row"], r["source_file"]) for r in to_quarantine(f, "t", "row", "file").collect()}
        for f in (frame, frame.orderBy(F.desc("file")))
    )
    other = {r["row_hash"] for r in to_quarantine(frame, "u", "row", "file").collect()}
    assert first == again
    assert len({hash_ for hash_, _, _ in first} | other) == 6


NOW = datetime(2024, 6, 10, 2, 0, tzinfo=UTC)  # in New York still the 9th
HORIZON = Horizon(date(2024, 3, 4), NOW, "America/New_York", 7)


@pytest.mark.parametrize(
    ("table", "column", "value", "verdict"),
    [
        # midnight of 4 March in New York is 05:00 UTC
        ("order_lines", "ordered_at", "timestamp'2024-03-04 04:59:59Z'", "taken"),
        ("order_lines", "ordered_at", "timestamp'2024-03-04 05:00:00Z'", "after_as_of"),
        ("order_lines", "ordered_at", "timestamp'2024-06-10 02:00:00Z'", "after_as_of"),
        ("order_lines", "ordered_at", "timestamp'2024-06-10 02:00:01Z'", "in_future"),
        ("inventory", "date", "date'2024-03-03'", "taken"),
        ("inventory", "date", "date'2024-03-04'", "after_as_of"),
        ("inventory", "date", "date'2024-06-09'", "after_as_of"),
        ("inventory", "date", "date'2024-06-10'", "in_future"),
        # a week is known once its last day is over
        ("sales_panel", "period_start", "date'2024-02-26'", "taken"),
        ("sales_panel", "period_start", "date'2024-02-27'", "after_as_of"),
        ("sales_panel", "period_start", "date'2024-06-10'", "in_future"),
        # forecasts and plans are no errors
        ("weather", "date", "date'2199-01-01'", "after_as_of"),
        ("promotions", "starts_on", "date'2199-01-01'", "taken"),
        ("list_prices", "valid_from", "date'2199-01-01'", "taken"),
        ("calendar", "date", "date'2199-01-01'", "taken"),
        ("order_lines", "ordered_at", "cast(NULL AS timestamp)", "taken"),
    ],
)
def test_what_the_as_of_date_may_see(spark: SparkSession, table: str, column: str, value: str, verdict: str) -> None:
    frame = spark.range(1).select(F.expr(value).alias(column))
    row = with_verdict(frame, future_rules(table, HORIZON), is_after_as_of(table, HORIZON)).first()
    assert row is not None
    assert (row["_rule"] or row["_verdict"]) == verdict


def test_lost_rows_stop_the_run() -> None:
    check_balance("orders", TableCounts(10, 5, 2, 2, 1))
    with pytest.raises(QualityError) as caught:
        check_balance("orders", TableCounts(10, 5, 2, 2, 0))
    assert str(caught.value) == (
        "orders: 10 rows were read, 9 are accounted for (5 taken, 2 quarantined, 2 copies, 0 after as-of). The table "
        "was not changed. The source may have changed while it was read; run again."
    )


def test_rows_after_the_as_of_date_do_not_dilute_the_share() -> None:
    counts = TableCounts(rows_in=100, taken=9, quarantined=1, duplicates=0, after_as_of=90)
    check_share("orders", counts, [BrokenRule("r", 1, "why")], 0.1)
    with pytest.raises(QualityError, match=r"orders: 1 of 10 rows \(10.0%\) broke a rule"):
        check_share("orders", counts, [BrokenRule("r", 1, "why")], 0.09)
