"""Training rows of whole categories as packs of arrays: made once, passed over in every round.

Rows are brought together by market and category, so that a pass needs no join: what a category's other products cost
and sell is in the pack. A pack holds all categories of a Spark partition; its size is that of the partition.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, StructField, StructType

from pricelake.demand.inputs import MAX_LOG_PRICE_RATIO, exposure, period_number
from pricelake.demand.response import array_bytes
from pricelake.demand.response.pack import Floats, Indices, Pack
from pricelake.demand.response.price_model import SUPPORT_SQL, SURROUNDINGS_SQL, VIEWS_SQL

ROWS_PER_PACK = 400_000
CATEGORY = ("market_id", "department", "category")
DEPTH_LAGS = (1, 2, 3)

OTHERS_PRICE = "others_price"
PROMOTION_SQL: Mapping[str, str] = {
    **SUPPORT_SQL,
    OTHERS_PRICE: "dev_others_list_price + dev_others_discount",
}
"""Taken off usual units: promotions, and what the category's other products cost by their shares. Those of the past say
nothing about demand without them."""

CONTEXT_SQL: Mapping[str, str] = {
    "competitor": "dev_competitor",
    **{name: f"dev_{name}" for name in VIEWS_SQL},
    **{name: f"dev_{name}" for name in SURROUNDINGS_SQL},
    "others_surprise": "others_surprise",
}
"""Spark SQL over rows of :func:`pricelake.demand.response.price_model.with_price_surprise`."""

BESIDE = tuple(f"depth_lag_{k}" for k in DEPTH_LAGS)
"""Made in the pack from the rows before: what was stocked up on is not bought again."""

CONTROLS = (*CONTEXT_SQL, *BESIDE)

_SCHEMA = StructType([StructField("pack", BinaryType(), nullable=False)])


def packed(rows: DataFrame, period_days: int, partitions: int) -> DataFrame:
    """One row per partition with its pack as bytes, persisted by the caller.

    Args:
        rows: training rows with ``product_number`` (0 …), the deviations and the surprise of the price model.
        period_days: length of a period.
        partitions: packs to make, 1 or more; see :func:`partitions_for`.
    """
    chosen = rows.select(
        *CATEGORY,
        F.col("product_number").cast("long").alias("product"),
        period_number(period_days).alias("period"),
        F.col("units").cast("double"),
        F.log(exposure()).alias("log_exposure"),
        F.col("dev_target").alias("log_list"),
        "log_discount",
        "price_surprise",
        "instrumented_price",
        *(F.expr(sql).cast("double").alias(name) for name, sql in {**PROMOTION_SQL, **CONTEXT_SQL}.items()),
    )
    together = chosen.repartition(partitions, *CATEGORY).sortWithinPartitions(*CATEGORY, "product", "period")
    return together.mapInPandas(_pack_partition, _SCHEMA)


def partitions_for(rows: int, cores: int) -> int:
    """Packs of at most ``ROWS_PER_PACK`` rows on average, and work for every core."""
    return max(cores, -(-rows // ROWS_PER_PACK))


def unpacked(content: bytes) -> Pack:
    """The pack in one row's bytes."""
    return Pack(**array_bytes.read(content))


def _pack_partition(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    parts = [batch for batch in batches if len(batch)]
    if not parts:
        return
    pack = pack_rows(pd.concat(parts, ignore_index=True))
    yield pd.DataFrame({"pack": [array_bytes.written(vars(pack))]})


def pack_rows(rows: pd.DataFrame) -> Pack:
    """A pack of rows sorted by category, product and period.

    Args:
        rows: columns of :func:`packed`.
    """
    category = np.asarray(rows.groupby(list(CATEGORY), sort=False).ngroup(), dtype=np.int64)
    pair = np.asarray(rows.groupby([*CATEGORY, "product"], sort=False).ngroup(), dtype=np.int64)
    period = rows["period"].to_numpy(dtype=np.int64)
    log_list, log_discount = (rows[name].to_numpy(dtype=np.float64) for name in ("log_list", "log_discount"))
    first = int(period.min())
    beside = [_lagged(-np.expm1(log_discount), pair, period, back) for back in DEPTH_LAGS]
    context = rows[list(CONTEXT_SQL)].to_numpy(dtype=np.float64)
    return Pack(
        product=rows["product"].to_numpy(dtype=np.int64),
        pair=pair,
        category=category,
        period=period - first,
        units=rows["units"].to_numpy(dtype=np.float64),
        log_exposure=rows["log_exposure"].to_numpy(dtype=np.float64),
        log_price=np.clip(log_list + log_discount, -MAX_LOG_PRICE_RATIO, MAX_LOG_PRICE_RATIO),
        promotions=rows[list(PROMOTION_SQL)].to_numpy(dtype=np.float64),
        controls=np.column_stack([context, *beside]),
        surprise=rows["price_surprise"].to_numpy(dtype=np.float64),
        uninstrumented=log_list - rows["instrumented_price"].to_numpy(dtype=np.float64),
    )


def _lagged(values: Floats, pair: Indices, period: Indices, back: int) -> Floats:
    """Values so many periods before; 0 where there is no such row."""
    found = np.zeros(len(values))
    if back < len(values):
        is_known = (pair[back:] == pair[:-back]) & (period[back:] - period[:-back] == back)
        found[back:] = np.where(is_known, values[:-back], 0.0)
    return found
