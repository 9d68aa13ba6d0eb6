"""What is wrong with the expressions of a shop file, said before any row is read."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from pricelake.sources.faults import cause_line

UNSTEADY = re.compile(r"\b(rand|randn|random|uuid|shuffle|monotonically_increasing_id)\s*\(", re.IGNORECASE)
ROW_CHANGING = re.compile(r"\b(explode|explode_outer|posexplode|posexplode_outer|inline|inline_outer|stack)\s*\(", re.I)


class Rows(Protocol):
    """What an expression is computed over."""

    @property
    def description(self) -> str:
        """Source or query, for messages."""

    @property
    def frame(self) -> DataFrame:
        """Its rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns an expression may name."""


def mentioned_columns(text: str, names: Iterable[str]) -> list[str]:
    """The ``names`` that stand in ``text`` as whole words, whatever their case; may name more than are used."""
    return [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)]


def contract_problems(table: str, columns: Mapping[str, str], schema: StructType) -> list[str]:
    """Mapped columns that the contract does not know, and required ones that are not mapped."""
    problems = [
        f"{table}.{column}: the contract of {table} has no such column; it has {', '.join(schema.names)}"
        for column in columns
        if column not in schema.names
    ]
    return problems + [
        f"{table}.{field.name}: required by the contract and not mapped"
        for field in schema.fields
        if not field.nullable and field.name not in columns
    ]


def misuse(expression: str) -> str | None:
    """Why an expression can never stand in a shop file: it gives other rows or other values at each run."""
    unsteady = UNSTEADY.search(expression)
    if unsteady:
        return f"{unsteady[1]} gives other values at each run, so the same files would change the table"
    changing = ROW_CHANGING.search(expression)
    if changing:
        return f"{changing[1]} makes several rows of one; do that in a query"
    return None


def expression_type(rows: Rows, expression: str) -> DataType | str:
    """The type an expression gives over ``rows``, or what is wrong with it."""
    try:
        return rows.frame.select(F.expr(expression).alias("value")).schema["value"].dataType
    except AnalysisException as error:
        parameters = error.getMessageParameters() or {}
        if (error.getErrorClass() or "").startswith("UNRESOLVED_COLUMN"):
            name = parameters.get("objectName", "a column")
            return f"{rows.description} has no column {name}; it has {', '.join(sorted(rows.columns))}"
        return cause_line(error).rstrip(".")


def mixed_problem(rows: Rows, values: list[Column]) -> str | None:
    """Why ``values`` cannot be computed row by row, or None."""
    plain = F.struct(*[F.col(f"`{column}`") for column in rows.columns]).alias("source")
    try:
        rows.frame.select(plain, *[value.alias(f"v{i}") for i, value in enumerate(values)])
    except AnalysisException as error:
        return cause_line(error).rstrip(".")
    return None
