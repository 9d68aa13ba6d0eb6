"""What a table promises: columns with units, key, constraints, layout."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

TEXT, BOOLEAN, DATE, TIME = StringType(), BooleanType(), DateType(), TimestampType()
INTEGER, LONG, DOUBLE = IntegerType(), LongType(), DoubleType()
MONEY = DecimalType(18, 4)
VECTOR = ArrayType(FloatType(), containsNull=False)
LARGEST_NUMBER = 1e300


def required(name: str, kind: DataType, comment: str) -> StructField:
    """A column that is never null."""
    return StructField(name, kind, nullable=False, metadata={"comment": comment})


def optional(name: str, kind: DataType, comment: str) -> StructField:
    """A column that may be null; the comment says what null means."""
    return StructField(name, kind, nullable=True, metadata={"comment": comment})


def rate_check(name: str, nullable: bool = False) -> str:
    """SQL for "``name`` is a rate in 0–1"; Delta reads a null result as a violation, hence ``nullable``."""
    check = f"{name} BETWEEN 0 AND 1"
    return f"{name} IS NULL OR {check}" if nullable else check


@dataclass(frozen=True)
class TableContract:
    """One Delta table.

    Attributes:
        name: ``layer.table``.
        comment: what a row is.
        columns: fields in order, each with a comment that names unit and null policy.
        key: columns that identify a row; () for a log.
        checks: constraint name → SQL that holds for every row; enforced by Delta at commit.
        cluster_by: columns by which files are laid out, at most four.
        is_finite: whether no number of a ``DOUBLE`` column may be NaN or infinite; models and prices are worked out of
            them, and one such number among millions is enough to spoil all.
    """

    name: str
    comment: str
    columns: tuple[StructField, ...]
    key: tuple[str, ...]
    checks: Mapping[str, str] = field(default_factory=dict)
    cluster_by: tuple[str, ...] = ()
    is_finite: bool = False

    @property
    def constraints(self) -> dict[str, str]:
        """``checks``, and that numbers are finite where they must be."""
        numbers = [column.name for column in self.columns if column.dataType == DOUBLE]
        if not self.is_finite or not numbers:
            return dict(self.checks)
        # NaN is larger than any number in Spark
        finite = " AND ".join(f"({name} IS NULL OR abs({name}) < {LARGEST_NUMBER})" for name in numbers)
        return {**self.checks, "numbers_are_finite": finite}

    @property
    def schema(self) -> StructType:
        """All columns in order."""
        return StructType(list(self.columns))

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required_names(self) -> tuple[str, ...]:
        """Names of the columns that are never null."""
        return tuple(column.name for column in self.columns if not column.nullable)
