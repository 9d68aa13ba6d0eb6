"""The periods before a row one by one, for a network that reads them in order."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pricelake.demand.inputs import PAIR, exposure, period_number
from pricelake.demand.response.past import LEAST_EXPOSURE

PERIODS = 13
"""Periods that a sequence reaches back: a quarter of weeks, as the longest of the recent means."""
MEASURES = ("log_usual", "is_known", "log_discount", "availability")
"""Of each period: log1p of usual units, whether the product was in stock long enough to tell them, log of the share of
the list price that was asked, share of the period in stock."""


def sequence_names(periods: int) -> tuple[str, ...]:
    """Columns of a sequence, the oldest period first and all measures of a period together; () of 0 periods."""
    return tuple(_columns(periods))


def periods_of(names: tuple[str, ...]) -> int:
    """How many periods the columns of a sequence reach back."""
    return len(names) // len(MEASURES)


def with_sequence(rows: DataFrame, period_days: int, periods: int) -> DataFrame:
    """Rows with :func:`sequence_names`, all strictly before the period; 0 where nothing is known.

    Args:
        rows: whole pairs with ``usual_units``, null while a period is open, and their response.
        period_days: length of a period.
        periods: to reach back; 0 adds nothing.
    """
    is_closed = F.col("usual_units").isNotNull()
    is_told = is_closed & (exposure() >= LEAST_EXPOSURE)  # what hardly was in stock does not tell what was wanted
    values = {
        "log_usual": F.when(is_told, F.log1p("usual_units")),
        "is_known": F.when(is_told, F.lit(1.0)),
        "log_discount": F.when(is_closed, F.col("log_discount")),
        "availability": F.when(is_closed, F.col("availability_rate")),
    }
    number = period_number(period_days)

    def value(back: int, measure: str) -> Column:
        then = Window.partitionBy(*PAIR).orderBy(number).rangeBetween(-back, -back)
        return F.coalesce(F.sum(values[measure]).over(then), F.lit(0.0))

    return rows.withColumns({name: value(*place) for name, place in _columns(periods).items()}) if periods else rows


def _columns(periods: int) -> dict[str, tuple[int, str]]:
    """Name → how many periods back and which measure, in order."""
    return {f"ago_{back}_{measure}": (back, measure) for back in range(periods, 0, -1) for measure in MEASURES}
