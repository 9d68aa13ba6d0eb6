"""The response regression over Spark: packs stay where they are, sums come to the driver."""

from collections.abc import Callable, Iterable, Iterator

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql.types import BinaryType, StructField, StructType

from pricelake.demand.response import array_bytes
from pricelake.demand.response.fitting import add_up
from pricelake.demand.response.kernel import Sums, one_pass
from pricelake.demand.response.pack import Response
from pricelake.demand.response.packing import unpacked

_SCHEMA = StructType([StructField("sums", BinaryType(), nullable=False)])


def over_packs(packs: DataFrame, products: int, categories: int) -> Callable[[Response], Sums]:
    """A function that passes over all packs.

    Args:
        packs: result of :func:`pricelake.demand.response.packing.packed`, persisted.
        products: number of products in the fit. Each pass brings six numbers for each product of a pack to the driver,
            which holds the products' names already.
        categories: number of their categories. Each pass brings a matrix of promotions and columns for each of a pack.
    """
    context = packs.sparkSession.sparkContext

    def run(now: Response) -> Sums:
        shared = context.broadcast(now)

        def sums_of(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for batch in batches:
                found = [one_pass(unpacked(content), shared.value) for content in batch["pack"]]
                yield pd.DataFrame({"sums": [array_bytes.written(vars(sums)) for sums in found]})

        rows = packs.mapInPandas(sums_of, _SCHEMA).collect()  # one row per pack
        shared.unpersist()
        return add_up([Sums(**array_bytes.read(row["sums"])) for row in rows], products, categories)

    return run
