"""Ranking figures and contenders against NumPy loops and hand-computed cases."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from pricelake.recommender.contenders import rank_contenders
from pricelake.recommender.metrics import held_out_purchases, ranking_metrics
from pricelake.recommender.popularity import aggregate_to_popularity

LISTS = "contender string, purchases string, customer_id string, position int, product_id string"
INTERACTIONS = (
    "customer_id string, product_id string, rating double, interactions double, "
    "first_at timestamp, last_at timestamp, purchases int"
)
DAY = datetime(2024, 1, 1)


def _interactions(spark: SparkSession, rows: list[tuple[str, str, float, int]]) -> DataFrame:
    full = [(c, p, 1 - math.exp(-w), w, DAY, DAY, n) for c, p, w, n in rows]
    return spark.createDataFrame(full, INTERACTIONS)


def test_figures_by_hand(spark: SparkSession) -> None:
    lists = [("als", "all", "u1", i, p) for i, p in enumerate(["a", "b", "c"], start=1)]
    lists += [("als", "all", "nobody", 1, "z")]
    relevant = [("all", "u1", "a"), ("all", "u1", "c"), ("all", "u1", "never-seen"), ("all", "u2", "a")]
    figures = ranking_metrics(
        spark.createDataFrame(lists, LISTS),
        spark.createDataFrame(relevant, "purchases string, customer_id string, product_id string"),
        spark.createDataFrame([(p,) for p in "abcdz"], "product_id string"),
        10,
    )
    row = figures.where("contender = 'als'").first()
    ideal = 1 + 1 / math.log2(3) + 0.5
    assert row is not None
    assert (row.customers, row.precision, row.recall) == (2, 0.1, round(1 / 3, 6))
    assert row.f1 == pytest.approx(2 * 0.1 / 3 / (0.1 + 1 / 3), abs=1e-6)
    assert row.ndcg_at_10 == pytest.approx((1 + 0.5) / ideal / 2, abs=1e-6)
    assert row.coverage == 0.6  # z was shown to nobody who is judged
    silent = figures.where("contender = 'repeat'").first()
    assert silent is not None
    assert (silent.customers, silent.precision, silent.f1, silent.ndcg_at_10, silent.coverage) == (2, 0, 0, 0, 0)


def test_figures_equal_brute_force(spark: SparkSession) -> None:
    rng = np.random.default_rng(11)
    lists, relevant, truth, shown = [], [], {}, {}
    for user in range(30):
        truth[user] = set(rng.choice(40, size=rng.integers(0, 25), replace=False).tolist())
        relevant += [("repeat", f"u{user}", f"p{p}") for p in truth[user]]
        shown[user] = rng.choice(40, size=rng.integers(0, 13), replace=False).tolist()
        lists += [("popularity", "repeat", f"u{user}", i, f"p{p}") for i, p in enumerate(shown[user], start=1)]
    precisions, recalls, gains = [], [], []
    for user in (u for u in truth if truth[u]):
        hits = [i for i, p in enumerate(shown[user][:10]) if p in truth[user]]
        precisions.append(len(hits) / 10)
        recalls.append(len(hits) / len(truth[user]))
        best = sum(1 / np.log2(i + 2) for i in range(min(10, len(truth[user]))))
        gains.append(sum(1 / np.log2(i + 2) for i in hits) / best)
    row = (
        ranking_metrics(
            spark.createDataFrame(lists, LISTS),
            spark.createDataFrame(relevant, "purchases string, customer_id string, product_id string"),
            spark.createDataFrame([(f"p{p}",) for p in range(40)], "product_id string"),
            10,
        )
        .where("contender = 'popularity'")
        .first()
    )
    assert row is not None
    assert row.precision == pytest.approx(np.mean(precisions), abs=1e-6)
    assert row.recall == pytest.approx(np.mean(recalls), abs=1e-6)
    assert row.ndcg_at_10 == pytest.approx(np.mean(gains), abs=1e-6)
    assert row.customers == len(precisions)
    listed = {p for u, ps in shown.items() if truth[u] for p in ps[:10]}
    assert row.coverage == pytest.approx(len(listed) / 40, abs=1e-6)


def test_held_out_purchases_are_told_apart(spark: SparkSession) -> None:
    lines = [
        ("u", "old", datetime(2024, 1, 31, 23, 59)),  # before the split
        ("u", "old", datetime(2024, 2, 1)),
        ("u", "old", datetime(2024, 2, 2)),  # again: still one pair
        ("u", "viewed", datetime(2024, 2, 2)),
        ("u", "late", datetime(2024, 3, 1)),  # the first moment that is no longer held out
        (None, "old", datetime(2024, 2, 2)),
    ]
    order_lines = spark.createDataFrame(lines, "customer_id string, product_id string, ordered_at timestamp")
    before = _interactions(spark, [("u", "old", 1.0, 1), ("u", "viewed", 0.1, 0)])
    found = held_out_purchases(
        order_lines, before, datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
    ).collect()
    assert sorted(map(tuple, found)) == [
        ("all", "u", "old"),
        ("all", "u", "viewed"),
        ("first_time", "u", "viewed"),
        ("repeat", "u", "old"),
    ]


def test_contenders_rank_under_one_protocol(spark: SparkSession) -> None:
    # popularity: a (2.0 ratings), b, c, d; u1 bought a, d; viewed b; u2 is unknown to ALS and to the shop
    interactions = _interactions(
        spark, [("u1", "a", 1.0, 1), ("u1", "d", 2.0, 2), ("u1", "b", 0.1, 0), ("x", "a", 3.0, 3), ("x", "b", 2.5, 1),
                ("y", "c", 1.2, 1), ("x", "c", 0.9, 1)]
    )  # fmt: skip
    vector = "array<float>"
    customers = spark.createDataFrame([("u1", [1.0, 0.0])], f"customer_id string, factors {vector}")
    products = spark.createDataFrame(
        [("a", [0.1, 9.0]), ("b", [0.2, 9.0]), ("c", [0.9, 9.0]), ("d", [0.5, 9.0])],
        f"product_id string, factors {vector}",
    )
    judged = spark.createDataFrame([("u1",), ("u2",)], "customer_id string")
    popularity = aggregate_to_popularity(interactions)
    assert [r.product_id for r in popularity.orderBy("popularity", ascending=False).collect()] == ["a", "c", "b", "d"]
    rows = rank_contenders(interactions, customers, products, popularity, judged, 3).orderBy("position").collect()
    found: dict[tuple[str, str, str], str] = {}
    for row in rows:
        key = (row.contender, row.purchases, row.customer_id)
        found[key] = found.get(key, "") + row.product_id
    assert found == {
        ("als", "all", "u1"): "cdb",
        ("als", "repeat", "u1"): "da",
        ("als", "first_time", "u1"): "cb",
        ("als", "all", "u2"): "acb",
        ("als", "first_time", "u2"): "acb",
        ("popularity", "all", "u1"): "acb",
        ("popularity", "repeat", "u1"): "ad",
        ("popularity", "first_time", "u1"): "cb",
        ("popularity", "all", "u2"): "acb",
        ("popularity", "first_time", "u2"): "acb",
        ("repeat", "all", "u1"): "da",
        ("repeat", "repeat", "u1"): "da",
    }
