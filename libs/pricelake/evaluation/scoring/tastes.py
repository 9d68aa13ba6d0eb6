"""Section ``recommendation``: products recommended to customers, beside what they truly like."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats
from pricelake.evaluation.market import KnownTastes
from pricelake.evaluation.rows import Measured
from pricelake.evaluation.scoring.stage import Stage

K = 10


def recommendation(stage: Stage, recommended: Mapping[str, pd.DataFrame]) -> list[Measured]:
    """NDCG and recall at 10 against true tastes; a customer without recommendations counts with 0.

    Gains are expected purchases in a period (graded relevance, Järvelin and Kekäläinen 2002, *ACM Transactions on
    Information Systems* 20, discount log2(1 + position)); what counts as relevant for recall are a customer's true ten.

    Args:
        stage: whose market knows tastes; nothing is measured on others.
        recommended: by contender: customer_id as in the shop's tables, product_id, position from 1.
    """
    if not isinstance(stage.market, KnownTastes):
        return []
    found = []
    for seed in stage.seeds:
        of_seed = stage.history.offers.loc[stage.seed_of_offer == seed, "market_id"].unique()
        tastes = [stage.market.tastes(str(market)) for market in of_seed]
        for contender, lists in recommended.items():
            scores = np.concatenate([_scores(one, lists) for one in tastes])
            for figure, value in zip(("ndcg_at_10", "recall_at_10"), scores.mean(axis=0), strict=True):
                found.append(stage.tell("recommendation", figure, contender, seed, value))
    return found


def _scores(tastes: pd.DataFrame, lists: pd.DataFrame) -> Floats:
    """NDCG and recall of each customer, shape ``(customers, 2)``."""
    k = min(K, tastes.shape[1])
    gain = tastes.to_numpy(dtype=np.float64)
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    order = np.argsort(-gain, axis=1, kind="stable")[:, :k]
    ideal = (np.take_along_axis(gain, order, axis=1) * discount).sum(axis=1)
    is_best = np.zeros(gain.shape, dtype=bool)
    np.put_along_axis(is_best, order, True, axis=1)
    mine = lists[lists["position"] <= k]
    row = tastes.index.get_indexer(pd.Index(mine["customer_id"]))
    column = tastes.columns.get_indexer(pd.Index(mine["product_id"]))
    place = mine["position"].to_numpy(dtype=np.int64) - 1
    known = (row >= 0) & (column >= 0)
    row, column, place = row[known], column[known], place[known]
    reached = np.bincount(row, gain[row, column] * discount[place], len(gain))
    hits = np.bincount(row, is_best[row, column], len(gain))
    return np.column_stack([reached / np.maximum(ideal, 1e-300), hits / k])


def best_sellers(sold: pd.DataFrame, tastes: pd.DataFrame) -> pd.DataFrame:
    """The contender ``popularity``: the ten products on sale that sold most in a market, for each of its customers.

    Args:
        sold: product_id and units of one market.
        tastes: whose customers and products on sale are asked about.
    """
    units = sold.groupby("product_id")["units"].sum().reindex(tastes.columns).fillna(0.0)
    top = units.sort_values(ascending=False, kind="stable").index[:K]
    return pd.DataFrame(
        {
            "customer_id": np.repeat(tastes.index.to_numpy(), len(top)),
            "product_id": np.tile(top.to_numpy(), len(tastes)),
            "position": np.tile(np.arange(1, len(top) + 1), len(tastes)),
        }
    )
