"""The rows that a table's expressions are computed over: one source, or a query over several."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.errors import SourceError
from pricelake.settings.shop import TableMapping
from pricelake.sources.expressions import mentioned_columns
from pricelake.sources.faults import cause_line
from pricelake.sources.opening import OpenSource


@dataclass(frozen=True)
class Origin:
    """What one table is computed from.

    Attributes:
        description: source or query, for messages.
        frame: its rows.
        columns: columns that expressions may name.
        file: the file a row came from; null for queries and servers.
        unparsed: the line that could not be parsed; null where it could.
        undecodable: the column whose bytes were not of the stated encoding; null where all were.
        secrets: values that must not show in messages.
    """

    description: str
    frame: DataFrame
    columns: tuple[str, ...]
    file: Column
    unparsed: Column
    undecodable: Column
    secrets: tuple[str, ...]


def open_origin(spark: SparkSession, table: str, mapping: TableMapping, sources: Mapping[str, OpenSource]) -> Origin:
    """The rows behind one table.

    Args:
        spark: session.
        table: table without its layer, for messages.
        mapping: its part of the shop file.
        sources: opened sources by name.

    Raises:
        SourceError: the query is not a SELECT over the sources that Spark understands.
        KeyError: the source, or one that the query names, was not opened.
    """
    if mapping.source is not None:
        source = sources[mapping.source]
        unparsed, undecodable, file = source.unparsed(), source.undecodable(), source.file()
        return Origin(source.description, source.frame, source.columns, file, unparsed, undecodable, source.secrets)
    query = str(mapping.query)
    frame = _query(spark, table, query, sources)
    nothing = F.lit(None).cast("string")
    secrets = tuple(secret for source in sources.values() for secret in source.secrets)
    named = ", ".join(f"'{name}'" for name in mentioned_columns(query, tuple(sources)))
    description = f"the query of {table} over {named or 'no source'}"
    return Origin(description, frame, tuple(frame.columns), nothing, nothing, nothing, secrets)


def _query(spark: SparkSession, table: str, query: str, sources: Mapping[str, OpenSource]) -> DataFrame:
    named = mentioned_columns(query, tuple(sources))
    try:
        for name in named:
            sources[name].strict().createOrReplaceTempView(name)
        # as a subquery, so that nothing but a SELECT can be run
        return spark.sql(f"SELECT * FROM (\n{query.strip().rstrip(';')}\n)")
    except AnalysisException as error:
        raise SourceError(
            f"{table}.query cannot be run: {cause_line(error).rstrip('.')}. "
            f"Known sources: {', '.join(sorted(sources))}."
        ) from error
    finally:
        for name in named:
            spark.catalog.dropTempView(name)
