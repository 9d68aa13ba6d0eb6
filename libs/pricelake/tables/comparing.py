"""When two values of a column are the same value."""

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, MapType


def comparable(column: Column, kind: DataType) -> Column:
    """``column`` in a form that ``<=>`` can compare and that has one text per value.

    Spark cannot compare maps, and the order of their entries, which says nothing, differs between sources.

    Args:
        column: the values.
        kind: their type.

    Returns:
        for a map its entries in the order of their keys, null where it is null; anything else as it is.
    """
    return F.sort_array(F.map_entries(column)) if isinstance(kind, MapType) else column


def differ(left: Column, right: Column, kind: DataType) -> Column:
    """Whether two values of one type differ; null is a value like another."""
    return ~comparable(left, kind).eqNullSafe(comparable(right, kind))
