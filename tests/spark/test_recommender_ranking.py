"""Blocked ranking and numbering against brute force."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from pricelake.recommender import numbering, ranking
from pricelake.recommender.numbering import number_ids
from pricelake.recommender.ranking import rank_candidates

VECTORS = "id string, vector array<float>"


def _vectors(spark: SparkSession, prefix: str, matrix: np.ndarray) -> DataFrame:
    rows = [(f"{prefix}{number:03d}", [float(x) for x in row]) for number, row in enumerate(matrix)]
    return spark.createDataFrame(rows, VECTORS)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "QUERY_BLOCK_ROWS", 12)
    monkeypatch.setattr(ranking, "CANDIDATE_BLOCK_ROWS", 31)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("among", [("all",), ("all", "seen", "unseen")])
def test_blocks_give_the_lists_of_brute_force(spark: SparkSession, among: tuple[str, ...]) -> None:
    rng = np.random.default_rng(3)
    left, right = rng.standard_normal((23, 4)).astype("f4"), rng.standard_normal((61, 4)).astype("f4")
    is_seen = rng.random((23, 61)) < 0.1
    pairs = [(f"q{q:03d}", f"c{c:03d}") for q, c in zip(*np.nonzero(is_seen), strict=True)]
    pairs += [("q000", "unknown"), ("unknown", "c000")]
    seen = spark.createDataFrame(pairs, "query string, candidate string") if len(among) > 1 else None
    found = rank_candidates(_vectors(spark, "q", left), _vectors(spark, "c", right), 5, seen, among).toPandas()
    found = found.sort_values(["candidates", "query", "position"])
    scores = left @ right.T
    masks = {
        "all": np.zeros_like(scores),
        "seen": np.where(is_seen, 0, -np.inf),
        "unseen": np.where(is_seen, -np.inf, 0),
    }
    expected = {}
    for name in among:
        masked = scores + masks[name]
        for q in range(23):
            order = [c for c in np.argsort(-masked[q]) if np.isfinite(masked[q, c])][:5]
            if order:
                expected[(name, f"q{q:03d}")] = [f"c{c:03d}" for c in order]
    assert found.groupby(["candidates", "query"])["candidate"].apply(list).to_dict() == expected
    row, column = found["query"].str[1:].astype(int), found["candidate"].str[1:].astype(int)
    assert np.allclose(found["score"], scores[row, column], atol=1e-5)
    assert (
        found.groupby(["candidates", "query"])["position"].apply(list).map(lambda p: p == list(range(1, len(p) + 1)))
    ).all()


def test_numbers_are_unique_small_and_depend_on_the_ids_alone(spark: SparkSession) -> None:
    ids = [f"id-{n * 37 % 501}" for n in range(1503)]
    frame = spark.createDataFrame([(i,) for i in ids] + [(None,)], "id string")
    first = number_ids(frame.repartition(7), "id", "number").toPandas().set_index("id")["number"]
    again = number_ids(frame.coalesce(1).orderBy("id"), "id", "number").toPandas().set_index("id")["number"]
    assert first.index.is_unique
    assert len(first) == first.nunique() == 501
    assert 0 <= first.min() < first.max() < 3 * 501  # gaps are no larger than buckets are uneven
    assert str(first.dtype) == "int32"
    pd.testing.assert_series_equal(first.sort_index(), again.sort_index())


def test_too_many_ids_are_refused(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "LARGEST_NUMBER", 1)
    frame = spark.createDataFrame([("a",), ("b",), ("c",)], "id string")
    with pytest.raises(Exception, match="Too many values of id for numbers up to 1: MLlib's ALS takes 32-bit ids"):
        number_ids(frame, "id", "number").collect()
