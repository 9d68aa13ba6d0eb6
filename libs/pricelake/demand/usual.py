"""What a product sold before, at its usual price and without promotion, per period in stock.

A period counts by how long the product was in stock; one in which it hardly was says nothing.
"""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from pricelake.demand.inputs import PAIR, exposure, period_number
from pricelake.demand.response.past import LEAST_EXPOSURE

LAGS = (1, 2, 3, 4)
MEANS = (4, 8, 13)
LONGEST = 8


def with_usual_history(rows: DataFrame, period_days: int) -> DataFrame:
    """Lags and means of usual units, all strictly before the period; periods off sale are not in the means.

    Args:
        rows: whole pairs with ``usual_units`` (:func:`pricelake.demand.response.model.with_usual_units`), null while a
            period is open.
        period_days: length of a period.

    Returns:
        ``usual_lag_<k>``, ``usual_mean_<k>``, ``usual_mean_all`` and ``usual_max_8``, 0 where nothing came before.
        Where the periods of one were hardly in stock, the mean of the next longer time stands for it.
    """
    exposed = F.when(F.col("usual_units").isNotNull(), exposure())
    numbered = rows.withColumns({"__number": period_number(period_days), "__exposed": exposed})
    is_told = F.col("__exposed") >= LEAST_EXPOSURE

    def mean(frame: WindowSpec) -> Column:
        sold = F.sum(F.col("usual_units") * F.col("__exposed")).over(frame)
        return F.when(F.avg("__exposed").over(frame) >= LEAST_EXPOSURE, sold / F.sum("__exposed").over(frame))

    means = {f"usual_mean_{k}": mean(_before(k, 1)) for k in MEANS} | {"usual_mean_all": mean(_before(None, 1))}
    with_means = numbered.withColumns(means)
    longer = [F.coalesce(*list(means)[place:], F.lit(0.0)) for place in range(len(means))]

    def lag(back: int) -> Column:
        told = F.sum(F.when(is_told, F.col("usual_units"))).over(_before(back, back))
        was_there = F.count("__exposed").over(_before(back, back)) > 0
        return F.coalesce(told, F.when(was_there, longer[0]), F.lit(0.0))

    largest = F.max(F.when(is_told, F.col("usual_units"))).over(_before(LONGEST, 1))
    filled = with_means.withColumns(
        {**{f"usual_lag_{k}": lag(k) for k in LAGS}, f"usual_max_{LONGEST}": F.coalesce(largest, longer[1])}
    )
    return filled.withColumns(dict(zip(means, longer, strict=True))).drop("__number", "__exposed")


def _before(first: int | None, last: int) -> WindowSpec:
    """From ``first`` periods before a row (None: the start) to ``last`` periods before it."""
    start = Window.unboundedPreceding if first is None else -first
    return Window.partitionBy(*PAIR).orderBy("__number").rangeBetween(start, -last)
