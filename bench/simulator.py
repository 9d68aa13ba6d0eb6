"""The simulated shop at three sizes: rows per second, and whether twice the rows take twice the time."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from bench.runs import summarise
from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.writing import COLUMNS, keeps_histories, write_shop

PRODUCTS = (360, 1080, 3240)
"""All so small that workers keep the histories that they lived: a size beyond would live them again for each table."""
CUSTOMERS_PER_PRODUCT = 1.25
WEEKS = 60
RUNS = 2


def measure(
    spark: SparkSession, folder: Path, products: tuple[int, ...] = PRODUCTS, runs: int = RUNS, warm_ups: int = 1
) -> dict[str, Any]:
    """Write whole shops of growing size, customers in proportion, and time them.

    Timed: all twelve tables to Parquet, by as many tasks as the shop has groups of categories. Workers keep histories
    from table to table at every size. Not timed: counting the rows, and a first run of the smallest size, in which the
    workers start.

    Args:
        spark: session.
        folder: empty directory.
        products: three sizes, ascending, of which workers keep the histories of all or of none.
        runs: timed runs of each size.
        warm_ups: runs of the smallest size before them that do not count.

    Returns:
        ``sizes`` (of each: ``products``, ``rows`` of all tables, ``seconds``, the median of the runs),
        ``keeps_histories``, and by :func:`bench.runs.summarise`: ``rows_per_second`` (of the largest size),
        ``exponent`` (see :func:`exponent`; 1 is linear).

    Raises:
        ValueError: workers keep the histories of some of the sizes, whose times do not compare with the others'.
    """
    keeps = {keeps_histories(shop(size)) for size in products}
    if len(keeps) > 1:
        raise ValueError(f"of shops of {products} products, workers keep the histories of the smaller ones alone")
    for _ in range(warm_ups):
        write_shop(spark, shop(products[0]), folder / "shop")
    rows: list[int] = []
    seconds: list[list[float]] = []
    for number in range(runs):
        seconds.append([])
        for size in products:
            started = time.monotonic()
            write_shop(spark, shop(size), folder / "shop")
            seconds[-1].append(time.monotonic() - started)
            if number == 0:
                rows.append(sum(spark.read.parquet(str(folder / "shop/tables" / name)).count() for name in COLUMNS))
    by_run = [{"rows_per_second": rows[-1] / took[-1], "exponent": exponent(rows, took)} for took in seconds]
    sizes = [
        {"products": size, "rows": count, "seconds": round(statistics.median(took), 3)}
        for size, count, took in zip(products, rows, zip(*seconds, strict=True), strict=True)
    ]
    return {"sizes": sizes, "keeps_histories": keeps.pop(), **summarise(by_run)}


def exponent(rows: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line of log seconds on log rows, through all sizes."""
    return float(np.polyfit(np.log(rows), np.log(seconds), 1)[0])


def shop(products: int) -> SimulationSettings:
    """A shop of one market."""
    customers = max(20, round(CUSTOMERS_PER_PRODUCT * products))
    return SimulationSettings(products=products, weeks=WEEKS, customers=customers)
