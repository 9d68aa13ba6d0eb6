"""What a product sold before, at its usual price and without promotion."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from pricelake.demand.inputs import PAIR, period_number

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
    """
    numbered = rows.withColumn("__number", period_number(period_days))
    own = F.col("usual_units")

    def known(measure: Column, frame: WindowSpec) -> Column:
        return F.coalesce(measure.over(frame), F.lit(0.0))

    lags = {f"usual_lag_{k}": known(F.sum(own), _before(k, k)) for k in LAGS}
    means = {f"usual_mean_{k}": known(F.avg(own), _before(k, 1)) for k in MEANS}
    return numbered.withColumns(
        {
            **lags,
            **means,
            "usual_mean_all": known(F.avg(own), _before(None, 1)),
            f"usual_max_{LONGEST}": known(F.max(own), _before(LONGEST, 1)),
        }
    ).drop("__number")


def _before(first: int | None, last: int) -> WindowSpec:
    """From ``first`` periods before a row (None: the start) to ``last`` periods before it."""
    start = Window.unboundedPreceding if first is None else -first
    return Window.partitionBy(*PAIR).orderBy("__number").rangeBetween(start, -last)
