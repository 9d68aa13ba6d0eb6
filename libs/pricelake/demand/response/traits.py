"""What products of the fit are like: the features and groups by which they learn from each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

PATH = ("department", "category", "subcategory")
GROUPS = (*PATH, "brand")
DESCRIBED = ("product_id", "name", "description", "size_amount", "size_unit")
"""Columns of bronze.products that traits are read from."""
WORD_BUCKETS = 64
LEAST_NAMES = 5
"""Products that a word bucket must stand in, and be missing in, to say anything."""


@dataclass(frozen=True)
class Traits:
    """Products of a fit.

    Attributes:
        products: ``product_id`` and ``GROUPS``, sorted by product.
        features: centred and scaled, shape ``(n_products, n_features)``.
        blocks: what each feature belongs to: sales, factors, words or size.
        groups: of ``GROUPS``, each with the levels above it → number of each product's group.
    """

    products: pd.DataFrame
    features: Floats
    blocks: tuple[str, ...]
    groups: dict[str, Indices]


def read_traits(rows: DataFrame, factors: pd.DataFrame | None, described: DataFrame | None) -> Traits:
    """Traits of the products in the training rows: one aggregation, one row per product to the driver.

    Args:
        rows: training rows of gold.demand_panel.
        factors: ``product_id``, ``factors`` (lists of one length) of ALS; None without a recommender.
        described: ``DESCRIBED`` of products; None: text and pack size say nothing.
    """
    found = rows.groupBy("product_id").agg(
        *(F.max(name).alias(name) for name in GROUPS),
        F.log1p(F.avg("units")).alias("log_units"),
        F.avg(F.log(F.col("list_price").cast("double"))).alias("log_list_price"),
    )
    if described is not None:
        text = F.lower(F.concat_ws(" ", "name", "description"))
        words = F.array_distinct(F.filter(F.split(text, r"[^\p{L}\p{N}]+"), lambda word: F.length(word) > 1))
        buckets = F.transform(words, lambda word: F.pmod(F.xxhash64(word), F.lit(WORD_BUCKETS)).cast("int"))
        told = described.select("product_id", buckets.alias("buckets"), "size_amount", "size_unit")
        found = found.join(told, "product_id", how="left")
    table = found.toPandas().sort_values("product_id", ignore_index=True)
    keys = {**{name: PATH[: n + 1] for n, name in enumerate(PATH)}, "brand": ("brand",)}
    groups = {name: _numbers(table, key) for name, key in keys.items()}
    beside = [table["log_list_price"], table["log_units"]]
    of_category = [values - values.groupby(groups["category"]).transform("median") for values in beside]
    sales = np.column_stack([normal_scores(one) for one in (table["log_units"], *of_category)])
    parts = {"sales": sales, "factors": _factor_columns(table, factors)}
    if described is not None:
        parts |= {"words": _word_columns(table["buckets"]), "size": _size_column(table, groups["category"])}
    features = np.column_stack(list(parts.values()))
    blocks = tuple(name for name, part in parts.items() for _ in range(part.shape[1]))
    return Traits(table[["product_id", *GROUPS]], features, blocks, groups)


def _numbers(table: pd.DataFrame, columns: Sequence[str]) -> Indices:
    """Number of each row's group, in the order of the groups' names."""
    return np.asarray(table.groupby(list(columns), sort=True).ngroup(), dtype=np.int64)


def normal_scores(values: pd.Series) -> Floats:
    """Quantiles of the standard normal distribution at the values' ranks (van der Waerden 1952), shape ``(n,)``.

    A product that sells a million times what others sell is the largest one, and no more: its distance would draw what
    is said of all others. Equal values share their mean rank; 0 where all are equal.
    """
    return np.asarray(ndtri((values.rank() - 0.5) / len(values)), dtype=np.float64)


def _scaled(columns: Floats) -> Floats:
    """Columns less their means, over their deviations; 0 where a column does not vary."""
    deviation = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(deviation > 1e-9, deviation, 1.0))


def _factor_columns(table: pd.DataFrame, factors: pd.DataFrame | None) -> Floats:
    """ALS factors at unit length, 0 for products that ALS does not know."""
    if factors is None or factors.empty:
        return np.zeros((len(table), 0))
    matrix = np.array(factors["factors"].tolist(), dtype=np.float64)
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit = pd.DataFrame(matrix / np.where(length > 0, length, 1.0), index=factors["product_id"])
    return _scaled(unit.reindex(table["product_id"]).fillna(0.0).to_numpy(dtype=np.float64))


def _word_columns(buckets: pd.Series) -> Floats:
    """Whether a product's text has a word of the bucket, scaled; buckets of too few products are left out."""
    found = np.zeros((len(buckets), WORD_BUCKETS))
    for row, own in enumerate(buckets):
        if own is not None:
            found[row, own] = 1.0
    count = found.sum(axis=0)
    return _scaled(found[:, (count >= LEAST_NAMES) & (len(found) - count >= LEAST_NAMES)])


def _size_column(table: pd.DataFrame, category: Indices) -> Floats:
    """Normal scores of pack sizes beside those of the same unit in the category, 0 where unknown.

    Returns:
        shape ``(n, 1)``, or ``(n, 0)`` where all are alike.
    """
    size = table["size_amount"].astype("float64").map(np.log)
    beside = size - size.groupby([category, table["size_unit"]]).transform("median")
    known = beside.dropna()
    if known.nunique() < 2:
        return np.zeros((len(table), 0))
    scores = pd.Series(normal_scores(known), index=known.index)
    return scores.reindex(table.index).fillna(0.0).to_numpy(dtype=np.float64)[:, None]
