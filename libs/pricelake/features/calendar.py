"""Season, public holidays, shop events and weather."""

import math
from datetime import date, timedelta

import holidays
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.errors import SettingsError
from pricelake.features.periods import Periods

HORIZON_DAYS = 28
DAYS_PER_YEAR = 365.25
MARKET_KEY = ("market_id", "period_number")


def public_holidays(country: str | None, subdivision: str | None, first: date, last: date) -> list[date]:
    """Days of public holidays between two days, ascending; none without a country.

    Raises:
        SettingsError: the ``holidays`` package does not know the country or subdivision.
    """
    if country is None:
        return []
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=range(first.year, last.year + 1))
    except NotImplementedError as error:
        place = f"country '{country}'" + (f", subdivision '{subdivision}'" if subdivision else "")
        raise SettingsError(
            f"No public holidays are known for {place} ({error}). "
            "Correct `country` and `subdivision` in the shop file, or leave both out to go without holidays."
        ) from error
    return sorted(day for day in found if first <= day <= last)


def public_holiday_periods(spark: SparkSession, days: list[date], periods: Periods) -> DataFrame:
    """Public holidays by period; one row per period that is read, so a few hundred at most.

    Args:
        spark: session.
        days: result of :func:`public_holidays` from the first period to 28 days after the open one begins.
        periods: calendar of the run.

    Returns:
        ``period_number``; ``public_days``, holidays in the period; ``days_to_public``, days from its start to the next
        one, capped at 28.
    """
    rows = []
    for number in range(periods.first_number, periods.open_number + 1):
        start = periods.start_of(number)
        end = start + timedelta(days=periods.days)
        ahead = [(day - start).days for day in days if day >= start]
        rows.append((number, sum(start <= day < end for day in days), min([*ahead, HORIZON_DAYS])))
    return spark.createDataFrame(rows, "period_number int, public_days int, days_to_public int")


def aggregate_to_market_events(calendar: DataFrame, days: list[date], periods: Periods) -> DataFrame:
    """Holidays and events of the shop's own calendar, known in advance, by market and period.

    Args:
        calendar: rows of ``bronze.calendar``; a day counts when it names a holiday or an event.
        days: public holidays, which count already and are left out here.
        periods: calendar of the run.

    Returns:
        ``market_id``, ``period_number``; ``market_days``, such days in the period; ``days_to_market_holiday``, days to
        the next named holiday up to 28, null where there is none.
    """
    special = calendar.where(F.col("holiday").isNotNull() | F.col("event").isNotNull())
    if days:
        special = special.where(~F.col("date").isin(days))
    earliest = periods.number_from(F.date_sub("date", HORIZON_DAYS))
    number = F.col("period_number")
    ahead = F.datediff(F.col("date"), periods.start(number))
    inside = number == periods.number(F.col("date"))
    return (
        special.withColumn("period_number", F.explode(F.sequence(earliest, periods.number(F.col("date")))))
        .where(number.between(periods.first_number, periods.open_number))
        .groupBy(*MARKET_KEY)
        .agg(
            F.count(F.when(inside, 1)).cast("int").alias("market_days"),
            F.min(F.when(F.col("holiday").isNotNull(), ahead)).alias("days_to_market_holiday"),
        )
    )


def with_season(rows: DataFrame) -> DataFrame:
    """First two yearly harmonics at the day of the year on which the period starts."""
    angle = (F.dayofyear("period_start") - 1) * (2 * math.pi / DAYS_PER_YEAR)
    return rows.withColumns(
        {
            "season_sin_1": F.sin(angle),
            "season_cos_1": F.cos(angle),
            "season_sin_2": F.sin(2 * angle),
            "season_cos_2": F.cos(2 * angle),
        }
    )


def join_holidays(rows: DataFrame, public: DataFrame, market_events: DataFrame | None) -> DataFrame:
    """Rows with ``holiday_days`` and ``days_to_holiday`` (28 where none is near).

    Args:
        rows: with ``market_id``, ``period_number``.
        public: result of :func:`public_holiday_periods`.
        market_events: result of :func:`aggregate_to_market_events`, or None.
    """
    joined = rows.join(F.broadcast(public), on="period_number", how="left")
    days: Column = F.col("public_days")
    ahead: Column = F.col("days_to_public")
    if market_events is not None:
        joined = joined.join(market_events, on=list(MARKET_KEY), how="left")
        days = days + F.coalesce("market_days", F.lit(0))
        ahead = F.least(ahead, F.col("days_to_market_holiday"))
    return joined.withColumns({"holiday_days": days, "days_to_holiday": ahead})


def join_weather(rows: DataFrame, weather: DataFrame | None, periods: Periods) -> DataFrame:
    """Rows with the mean weather of the period before; 0 and ``is_weather_missing`` where a figure is missing.

    Args:
        rows: with ``market_id``, ``period_number``.
        weather: rows of ``bronze.weather``, or None.
        periods: calendar of the run.
    """
    names = ("temperature_c", "precipitation_mm")
    if weather is None:
        return rows.withColumns({**{name: F.lit(0.0) for name in names}, "is_weather_missing": F.lit(True)})
    last_period = (
        weather.where((F.col("date") >= F.lit(periods.first_start)) & (F.col("date") < F.lit(periods.open_start)))
        .groupBy("market_id", (periods.number(F.col("date")) + 1).alias("period_number"))
        .agg(*(F.avg(name).alias(name) for name in names))
    )
    missing = F.col("temperature_c").isNull() | F.col("precipitation_mm").isNull()
    return rows.join(last_period, on=list(MARKET_KEY), how="left").withColumns(
        {"is_weather_missing": missing, **{name: F.coalesce(F.col(name), F.lit(0.0)) for name in names}}
    )
