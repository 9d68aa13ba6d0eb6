"""How often intervals of a period's units hold on held-out periods, as one Spark aggregation."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.period_units import coverage_names, share_between, units_interval

ROWS, UNKNOWN = "rows", "unknown"


def interval_coverage(
    held_out: DataFrame, forecast: str, relative_variance: str, rates: Sequence[float]
) -> dict[str, float]:
    """Share of rows whose units lie in their interval, beside the share that should.

    Units are whole, so that an interval that holds at least 80 % of what may come holds more than that, the more the
    fewer are sold (:mod:`pricelake.period_units`): the two figures together tell whether intervals are honest. A spread
    that is too narrow shows, and a forecast that is too low. One that is too high by less than half leaves about as
    many more rows below the interval as fewer above it: see :func:`pricelake.evaluation.held_out.score_bias`.

    Args:
        held_out: rows with ``units_observed`` and the columns named.
        forecast: column with expected units, for the time in stock as that of the row was.
        relative_variance: column with that of the mean that units are drawn around.
        rates: coverages, 0–1.

    Returns:
        ``coverage_<per cent>``: share of rows inside, both ends included; ``coverage_<per cent>_expected``: the mean
        probability of that if forecast and relative variance are right. NaN without rows or where one
        has no finite forecast, units or variance.
    """
    names = [name for rate in rates for name in coverage_names(rate)]
    needed = (F.col(name).cast("double") for name in ("units_observed", forecast, relative_variance))
    columns = (ROWS, UNKNOWN, *names)
    sums = held_out.select(*needed).mapInPandas(_summed(rates), ", ".join(f"`{name}` double" for name in columns))
    found = sums.agg(*(F.sum(f"`{name}`").alias(name) for name in columns)).first()
    if found is None or not found[ROWS] or found[UNKNOWN]:
        return dict.fromkeys(names, math.nan)
    return {name: float(found[name]) / float(found[ROWS]) for name in names}


def _summed(rates: Sequence[float]) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Sums over each batch: rows, those without an interval, and for each rate rows inside and how many should be."""

    def run(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for rows in batches:
            if len(rows):
                units, mean, variance = (rows[name].to_numpy(dtype=np.float64) for name in rows)
                # counted, since a sum that is NaN comes back as null, which other batches' sums would hide
                unknown = ~np.isfinite(units + mean + variance)
                sums = {ROWS: float(len(rows)), UNKNOWN: float(unknown.sum())}
                for rate in rates:
                    low, high = units_interval(mean, variance, rate)
                    inside, expected = (units >= low) & (units <= high), share_between(mean, variance, low, high)
                    sums |= dict(zip(coverage_names(rate), (float(inside.sum()), float(expected.sum())), strict=True))
                yield pd.DataFrame([sums])

    return run
