"""Exact selection of the largest scores, against a full sort."""

import numpy as np
import pandas as pd
import pytest

from pricelake.recommender import ranking
from pricelake.recommender.ranking import _ranked_block, pick_largest


@pytest.mark.parametrize(
    ("rows", "columns", "k"), [(1, 1, 1), (3, 5, 5), (4, 7, 10), (20, 1000, 10), (7, 999, 3), (5, 121, 11), (2, 64, 63)]
)
def test_pick_largest_equals_full_sort(rows: int, columns: int, k: int) -> None:
    rng = np.random.default_rng(rows * columns + k)
    # a permutation: no ties, so that there is one right answer
    scores = np.stack([rng.permutation(columns) for _ in range(rows)]).astype(np.float32)
    expected = np.argsort(-scores, axis=1)[:, : min(k, columns)]
    assert np.array_equal(pick_largest(scores, k), expected)


def test_pick_largest_sees_the_columns_that_do_not_fill_a_group() -> None:
    scores = np.zeros((1, 1003), dtype=np.float32)
    scores[0, 1002], scores[0, 1001] = 2.0, 1.0
    assert pick_largest(scores, 2).tolist() == [[1002, 1001]]


def test_pick_largest_with_all_best_in_one_group() -> None:
    # with k = 4 and 400 columns there are 40 groups: columns 0, 40, 80, 120 share one
    scores = np.full((1, 400), -1.0, dtype=np.float32)
    scores[0, [0, 40, 80, 120]] = [1.0, 4.0, 2.0, 3.0]
    assert pick_largest(scores, 4).tolist() == [[40, 120, 80, 0]]


def _pair(queries: np.ndarray, candidates: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "query_ids": [[f"q{i}" for i in range(len(queries))]],
            "candidate_ids": [[f"c{i}" for i in range(len(candidates))]],
            "query_vectors": [queries.ravel()],
            "candidate_vectors": [candidates.ravel()],
        }
    )


def test_block_keeps_the_three_lists_apart() -> None:
    queries = np.array([[1.0], [1.0]], dtype=np.float32)
    candidates = np.array([[5.0], [4.0], [3.0], [2.0]], dtype=np.float32)
    marks = pd.DataFrame({"query": ["q0", "q0", "q0", "other"], "candidate": ["c0", "c3", "other", "c1"]})
    ranked = _ranked_block(_pair(queries, candidates), marks, 2, ("all", "seen", "unseen"))
    lists = ranked.groupby(["query", "candidates"])["candidate"].apply(list).to_dict()
    assert lists == {
        ("q0", "all"): ["c0", "c1"],
        ("q0", "seen"): ["c0", "c3"],
        ("q0", "unseen"): ["c1", "c2"],
        ("q1", "all"): ["c0", "c1"],
        ("q1", "unseen"): ["c0", "c1"],
    }


def test_chunks_of_queries_give_the_lists_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    pair = _pair(rng.standard_normal((11, 3)).astype("f4"), rng.standard_normal((30, 3)).astype("f4"))
    drawn = np.argwhere(rng.random((11, 30)) < 0.2)
    rng.shuffle(drawn)
    marks = pd.DataFrame({"query": [f"q{q}" for q, _ in drawn], "candidate": [f"c{c}" for _, c in drawn]})
    order = ["query", "candidates", "candidate"]
    lists = []
    for rows in (100, 4):
        monkeypatch.setattr(ranking, "CHUNK_ROWS", rows)
        lists.append(_ranked_block(pair, marks, 3, ("all", "seen", "unseen")).sort_values(order, ignore_index=True))
    pd.testing.assert_frame_equal(*lists)
    seen = set(map(tuple, marks.to_numpy()))
    told = lists[0].groupby("candidates")[["query", "candidate"]].apply(lambda f: set(map(tuple, f.to_numpy())))
    assert told["seen"] <= seen
    assert not told["unseen"] & seen


def test_block_without_a_pair_is_empty() -> None:
    marks = pd.DataFrame({"query": ["q0"], "candidate": ["c0"]})
    empty = _pair(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)).iloc[:0]
    assert _ranked_block(empty, marks, 2, ("all",)).empty
