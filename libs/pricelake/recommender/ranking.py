"""The best candidates of each query by inner product, block by block."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

QUERY_BLOCK_ROWS = 8192
CANDIDATE_BLOCK_ROWS = 32768
CHUNK_ROWS = 256
RANKED = "query string, candidates string, candidate string, score double"

Scores = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Places = tuple[Indices, Indices]


def rank_candidates(
    queries: DataFrame, candidates: DataFrame, k: int, seen: DataFrame | None = None, among: Sequence[str] = ("all",)
) -> DataFrame:
    """The ``k`` candidates with the largest inner product for every query.

    Both sides are cut into blocks; a task multiplies one pair of blocks in NumPy, a few hundred queries at a time, and
    only the best ``k`` per query and block leave it. Its memory is two blocks and 32 MB of scores, whatever the number
    of rows. Both sides are counted once, to know how many blocks it takes. Work grows with queries × candidates: above
    some 10^13 pairs take candidates by category or an approximate index instead.

    Args:
        queries: ``id`` (string, unique), ``vector`` (float array); read twice.
        candidates: ``id``, ``vector`` of the same length; read twice.
        k: candidates per query, 1 or more.
        seen: ``query``, ``candidate`` ids of pairs already seen, each once; pairs of unknown ids do not matter.
        among: which candidates are ranked, one list each: ``all``, ``seen`` or ``unseen`` by the query.

    Returns:
        ``query``, ``candidates`` (an entry of ``among``), ``position`` (1 is best), ``candidate``, ``score``: at most k
        rows per query and list. Equal scores are ordered by candidate id within what each block let through.
    """
    query_blocks = _packed(queries, "query", QUERY_BLOCK_ROWS)
    candidate_blocks = _packed(candidates, "candidate", CANDIDATE_BLOCK_ROWS)
    keys = ("query_block", "candidate_block")
    pairs = query_blocks.blocks.crossJoin(candidate_blocks.blocks).groupBy(*keys)
    if seen is None:
        best = pairs.applyInPandas(_block_ranker(k, among), RANKED)
    else:
        marks = seen.select(
            "query", "candidate", query_blocks.block_of("query"), candidate_blocks.block_of("candidate")
        )
        best = pairs.cogroup(marks.groupBy(*keys)).applyInPandas(_marked_block_ranker(k, among), RANKED)
    order = Window.partitionBy("query", "candidates").orderBy(F.desc("score"), "candidate")
    position = F.row_number().over(order)
    ranked = best.withColumn("position", position).where(F.col("position") <= k)
    return ranked.select("query", "candidates", "position", "candidate", "score")


def pick_largest(scores: Scores, k: int) -> Indices:
    """Columns of the k largest entries of each row, largest first.

    Columns are dealt into groups; the k largest entries lie in the k groups with the largest maxima, so that only those
    are searched. The maxima are one pass in memory order, which is several times faster than partitioning whole rows.

    Args:
        scores: shape (n_rows, n_columns); -inf marks entries that must not be picked unless nothing else is left.
        k: 1 or more.

    Returns:
        column indices, shape (n_rows, min(k, n_columns)).
    """
    rows, columns = scores.shape
    k = min(k, columns)
    # about as many group maxima to search as entries of the chosen groups afterwards
    groups = max(k, math.isqrt(k * columns))
    depth = columns // groups
    if depth < 2:
        return _largest_in(scores, np.broadcast_to(np.arange(columns), scores.shape), k)
    dealt = depth * groups
    maxima = scores[:, :dealt].reshape(rows, depth, groups).max(axis=1)
    chosen = np.argpartition(-maxima, k - 1, axis=1)[:, :k]
    within = (chosen[:, None, :] + np.arange(depth)[None, :, None] * groups).reshape(rows, depth * k)
    rest = np.broadcast_to(np.arange(dealt, columns), (rows, columns - dealt))
    return _largest_in(scores, np.concatenate([within, rest], axis=1), k)


def _largest_in(scores: Scores, columns: Indices, k: int) -> Indices:
    """The k best of the named ``columns`` (n_rows, n_named) in each row, largest first."""
    named = np.take_along_axis(scores, columns, axis=1)
    best = np.argpartition(-named, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(named, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, np.take_along_axis(best, order, axis=1), axis=1)


@dataclass(frozen=True)
class _Blocks:
    """One side cut into blocks by the hash of the id.

    Attributes:
        side: query or candidate.
        count: number of blocks.
        blocks: one row per block: its number, the ids in order, their vectors end to end.
    """

    side: str
    count: int
    blocks: DataFrame

    def block_of(self, id_column: str) -> Column:
        """Number of the block that an id belongs to."""
        return _block(id_column, self.count).alias(f"{self.side}_block")


def _block(id_column: str, count: int) -> Column:
    return F.pmod(F.hash(id_column), F.lit(count))


def _packed(vectors: DataFrame, side: str, block_rows: int) -> _Blocks:
    count = max(1, math.ceil(vectors.count() / block_rows))
    blocks = (
        vectors.groupBy(_block("id", count).alias(f"{side}_block"))
        .agg(F.sort_array(F.collect_list(F.struct("id", "vector"))).alias("rows"))
        .select(
            f"{side}_block",
            F.col("rows.id").alias(f"{side}_ids"),
            F.flatten("rows.vector").alias(f"{side}_vectors"),
        )
    )
    return _Blocks(side, count, blocks)


def _block_ranker(k: int, among: Sequence[str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def rank(pair: pd.DataFrame) -> pd.DataFrame:
        return _ranked_block(pair, None, k, among)

    return rank


def _marked_block_ranker(k: int, among: Sequence[str]) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    def rank(pair: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
        return _ranked_block(pair, marks, k, among)

    return rank


def _ranked_block(pair: pd.DataFrame, marks: pd.DataFrame | None, k: int, among: Sequence[str]) -> pd.DataFrame:
    """Rank one block of candidates for one block of queries."""
    if pair.empty:
        return _frame([], [], [], [])
    row: Any = pair.iloc[0]
    query_ids, candidate_ids = np.asarray(row["query_ids"]), np.asarray(row["candidate_ids"])
    queries = np.asarray(row["query_vectors"], dtype=np.float32).reshape(len(query_ids), -1)
    candidates = np.asarray(row["candidate_vectors"], dtype=np.float32).reshape(len(candidate_ids), -1)
    by_query = None if marks is None else _places(marks, query_ids, candidate_ids)
    lists = []
    for start in range(0, len(queries), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        scores = queries[chunk] @ candidates.T
        places = None if by_query is None else _places_in(by_query, chunk)
        for name in among:
            masked = scores if name == "all" else _masked(scores, places, keep_seen=name == "seen")
            best = pick_largest(masked, k)
            values = np.take_along_axis(masked, best, axis=1)
            kept = np.isfinite(values)
            which = np.broadcast_to(query_ids[chunk, None], best.shape)[kept]
            lists.append(_frame(which, name, candidate_ids[best[kept]], values[kept]))
    return pd.concat(lists, ignore_index=True)


def _places(marks: pd.DataFrame, query_ids: Any, candidate_ids: Any) -> Places:
    """Rows, ascending, and columns of the seen pairs; pairs with an id that is not in the block are left out."""
    rows = pd.Index(query_ids).get_indexer(marks["query"])
    columns = pd.Index(candidate_ids).get_indexer(marks["candidate"])
    both = (rows >= 0) & (columns >= 0)
    order = np.argsort(rows[both], kind="stable")
    return rows[both][order], columns[both][order]


def _places_in(places: Places, chunk: slice) -> Places:
    """The places of one chunk of rows, counted from its first row."""
    rows, columns = places
    low, high = np.searchsorted(rows, [chunk.start, chunk.stop])
    return rows[low:high] - chunk.start, columns[low:high]


def _masked(scores: Scores, places: Places | None, keep_seen: bool) -> Scores:
    """Scores with -inf for the seen pairs, or for all others."""
    masked = np.full_like(scores, -np.inf) if keep_seen else scores.copy()
    if places is not None:
        masked[places] = scores[places] if keep_seen else -np.inf
    return masked


def _frame(query: Any, candidates: Any, candidate: Any, score: Any) -> pd.DataFrame:
    ranked = pd.DataFrame({"query": query, "candidate": candidate, "score": score})
    ranked.insert(1, "candidates", candidates)
    return ranked.astype({"score": "float64"})
