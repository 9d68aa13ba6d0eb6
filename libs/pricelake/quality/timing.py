"""Which rows the as-of date may see, and which dates cannot be."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

from pricelake.quality.rules import Rule


@dataclass(frozen=True)
class Occurrence:
    """When a row of a table became known.

    Attributes:
        column: date or time column.
        is_date: a day; it is known once it is over.
        may_be_forecast: rows beyond today are forecasts, not errors.
    """

    column: str
    is_date: bool = False
    may_be_forecast: bool = False


# products and customers have no time; list prices, costs, promotions and the calendar may be planned ahead
OCCURRENCES = {
    "order_lines": Occurrence("ordered_at"),
    "events": Occurrence("occurred_at"),
    "reviews": Occurrence("reviewed_at"),
    "competitor_prices": Occurrence("observed_at"),
    "sales_panel": Occurrence("period_start", is_date=True),
    "inventory": Occurrence("date", is_date=True),
    "weather": Occurrence("date", is_date=True, may_be_forecast=True),
}


@dataclass(frozen=True)
class Horizon:
    """The two clocks of a run.

    Attributes:
        as_of: the run sees what was known before this day begins in the shop's time zone.
        now: real time, zone-aware; what lies beyond it cannot have happened.
        time_zone: IANA name of the shop's zone.
        period_days: days of one row of the sales panel; it is known once its last day is over.
    """

    as_of: date
    now: datetime
    time_zone: str
    period_days: int


def future_rules(table: str, horizon: Horizon) -> list[Rule]:
    """Rows that claim to have happened after now; none for tables that may lie ahead."""
    occurrence = OCCURRENCES.get(table)
    if occurrence is None or occurrence.may_be_forecast:
        return []
    reason = F.concat(
        F.lit(f"{occurrence.column} = "),
        F.coalesce(F.col(occurrence.column).cast("string"), F.lit("null")),
        F.lit(" lies in the future"),
    )
    return [Rule("in_future", _beyond_now(occurrence, horizon), reason)]


def is_after_as_of(table: str, horizon: Horizon) -> Column:
    """Rows that the as-of date may not see yet; left out, not wrong. False for tables without a time."""
    occurrence = OCCURRENCES.get(table)
    if occurrence is None:
        return F.lit(False)
    if not occurrence.is_date:
        start = datetime.combine(horizon.as_of, time.min, ZoneInfo(horizon.time_zone))
        later = F.col(occurrence.column) >= _instant(start)
    elif table == "sales_panel":
        later = F.date_add(F.col(occurrence.column), horizon.period_days) > F.lit(horizon.as_of)
    else:
        later = F.col(occurrence.column) >= F.lit(horizon.as_of)
    if not occurrence.may_be_forecast:
        later = later & ~_beyond_now(occurrence, horizon)
    return F.coalesce(later, F.lit(False))


def _beyond_now(occurrence: Occurrence, horizon: Horizon) -> Column:
    if occurrence.is_date:
        return F.col(occurrence.column) > F.lit(horizon.now.astimezone(ZoneInfo(horizon.time_zone)).date())
    return F.col(occurrence.column) > _instant(horizon.now)


def _instant(moment: datetime) -> Column:
    return F.lit(moment.astimezone(UTC).isoformat()).cast("timestamp")
