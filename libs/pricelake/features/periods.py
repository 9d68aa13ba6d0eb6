"""Which days belong to which period, and what was known when."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

EPOCH_MONDAY = date(1970, 1, 5)
WARM_UP_PERIODS = 26


@dataclass(frozen=True)
class Periods:
    """The calendar of one run.

    A period is a day, or a week from Monday to Sunday, of the shop's time zone. Periods carry a number (periods since
    Monday 1970-01-05) so that windows can range over time rather than over rows. The open period is the one that
    contains the as-of date; what was sold in it before the as-of date is partial and not used. All before are closed.

    Attributes:
        kind: week or day.
        as_of: only what was known before this day begins counts.
        time_zone: IANA name of the shop's time zone.
        history_periods: closed periods kept in the panel.
        sales_since: first day of the sales data, or None where it begins with a period. The period in which it lies is
            not read unless that day is its first: part of a period looks like low demand.
    """

    kind: Literal["week", "day"]
    as_of: date
    time_zone: str
    history_periods: int
    sales_since: date | None = None

    @property
    def days(self) -> int:
        """Days in a period."""
        return 7 if self.kind == "week" else 1

    @property
    def open_number(self) -> int:
        """Number of the open period."""
        return (self.as_of - EPOCH_MONDAY).days // self.days

    @property
    def history_number(self) -> int:
        """Number of the first period kept in the panel."""
        return self.open_number - self.history_periods

    @property
    def first_number(self) -> int:
        """Number of the first period read: earlier than the first one kept, so that its lags are complete."""
        earliest = self.history_number - WARM_UP_PERIODS
        if self.sales_since is None:
            return earliest
        return max(earliest, -((EPOCH_MONDAY - self.sales_since).days // self.days))

    @property
    def open_start(self) -> date:
        """First day of the open period."""
        return self.start_of(self.open_number)

    @property
    def first_start(self) -> date:
        """First day of the first period read."""
        return self.start_of(self.first_number)

    def start_of(self, number: int) -> date:
        """First day of a period by its number."""
        return EPOCH_MONDAY + timedelta(days=number * self.days)

    def midnight(self, day: date) -> datetime:
        """The moment, UTC, at which a day begins in the shop's time zone."""
        return datetime.combine(day, time.min, ZoneInfo(self.time_zone)).astimezone(UTC)

    def local_date(self, moment: str) -> Column:
        """Day in the shop's time zone of a timestamp column; the session's time zone must be UTC."""
        return F.to_date(F.from_utc_timestamp(F.col(moment), self.time_zone))

    def number(self, day: Column) -> Column:
        """Number of the period that contains a day (date column)."""
        return F.floor(F.datediff(day, F.lit(EPOCH_MONDAY)) / self.days).cast("int")

    def number_from(self, day: Column) -> Column:
        """Number of the first period that starts on a day or after it (date column)."""
        return self.number(F.date_add(day, self.days - 1))

    def start(self, number: Column) -> Column:
        """First day of a numbered period."""
        return F.date_add(F.lit(EPOCH_MONDAY), number * self.days)

    def happened_before_as_of(self, moment: str) -> Column:
        """Whether a timestamp lies before the as-of date begins."""
        return F.col(moment) < F.lit(self.midnight(self.as_of))

    def in_closed_periods(self, moment: str) -> Column:
        """Whether a timestamp lies in the closed periods that are read."""
        return F.col(moment).between(
            F.lit(self.midnight(self.first_start)),
            F.lit(self.midnight(self.open_start) - timedelta(microseconds=1)),
        )
