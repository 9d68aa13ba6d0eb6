"""Values of a source in the types of a contract; what cannot be converted becomes null, never something near it."""

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    MapType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

# Spark reads '12:30' as a moment of today and '2024' as 1 January; only whole dates are taken
WHOLE_DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}"
STATED_ZONE = r":\d\d(\.\d+)?\s*(Z|z|UTC|GMT|[+-]\d\d?(:?\d\d)?|[A-Za-z_]+/[A-Za-z_/]+)\s*$"


def without_blank(value: Column, found: DataType) -> Column:
    """``value``, null where it is text without a visible character: exports write nothing in many ways."""
    return F.when(F.trim(value) != "", value) if isinstance(found, StringType) else value


def to_contract_type(value: Column, found: DataType, wanted: DataType, time_zone: str) -> Column:
    """``value`` as ``wanted``; null where it cannot be one.

    Args:
        value: column of type ``found``.
        found: its type.
        wanted: type of the contract column.
        time_zone: IANA name; a time without a zone is the shop's local time, and an instant falls on the shop's day.

    Returns:
        column of type ``wanted``; decimals rounded half up to the contract's scale, maps without their null entries.
    """
    if isinstance(wanted, TimestampType):
        return _to_instant(value, found, time_zone)
    if isinstance(wanted, DateType):
        return _to_day(value, found, time_zone)
    if isinstance(wanted, MapType):
        return F.map_filter(value.cast("map<string,string>"), lambda _, entry: entry.isNotNull())
    return value.cast(wanted.simpleString())


def is_unfit(value: Column, converted: Column, wanted: DataType) -> Column:
    """Whether a value was there and could not be converted; NaN, infinity and arrays with gaps are no values."""
    lost = converted.isNull()
    if isinstance(wanted, DoubleType | FloatType):
        lost = lost | F.isnan(converted) | converted.isin(float("inf"), float("-inf"))
    if isinstance(wanted, ArrayType):
        lost = lost | F.exists(converted, lambda item: item.isNull() | F.isnan(item))
    return value.isNotNull() & lost


def _to_instant(value: Column, found: DataType, time_zone: str) -> Column:
    if isinstance(found, TimestampType):
        return value
    instant = value.cast("timestamp")
    if isinstance(found, TimestampNTZType | DateType):
        return F.to_utc_timestamp(instant, time_zone)
    if isinstance(found, StringType):
        local = F.to_utc_timestamp(instant, time_zone)
        return F.when(value.rlike(WHOLE_DATE), F.when(value.rlike(STATED_ZONE), instant).otherwise(local))
    return instant


def _to_day(value: Column, found: DataType, time_zone: str) -> Column:
    if isinstance(found, StringType):
        return F.when(value.rlike(WHOLE_DATE), value.cast("date"))
    if isinstance(found, TimestampType):
        return F.to_date(F.from_utc_timestamp(value, time_zone))
    return value.cast("date")
