"""Open the named sources of a shop file."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from pricelake.settings.shop import SourceSettings
from pricelake.sources.faults import reading
from pricelake.sources.references import ResolvedOptions, resolve_options, resolve_path

FILE = "_pricelake_file"
UNPARSED = "_pricelake_unparsed"
NOT_UTF8 = "\ufffd"
JDBC_DRIVERS = {"jdbc:postgresql:": "org.postgresql.Driver"}
TEXT_FORMATS = ("csv", "json")


@dataclass(frozen=True)
class OpenSource:
    """One source, opened, not yet read.

    Attributes:
        name: its name in the shop file.
        description: name, format and place, for messages; without secrets.
        frame: its rows: the source's own columns, for files ``FILE``, for csv and json ``UNPARSED`` (the line that
            could not be parsed, else null).
        columns: the source's own columns.
        secrets: option values that must not show in messages.
    """

    name: str
    description: str
    frame: DataFrame
    columns: tuple[str, ...]
    secrets: tuple[str, ...]

    def unparsed(self) -> Column:
        """The line that could not be parsed; null where it could, or the format has no lines."""
        return F.col(UNPARSED) if UNPARSED in self.frame.columns else F.lit(None).cast("string")

    def undecodable(self) -> Column:
        """Name of the first text column whose bytes were not of the stated encoding; null where all were."""
        if UNPARSED not in self.frame.columns:
            return F.lit(None).cast("string")
        tests = [F.when(F.to_json(F.struct(_named(c))).contains(NOT_UTF8), F.lit(c)) for c in self._nested()]
        tests += [F.when(_named(c).contains(NOT_UTF8), F.lit(c)) for c in self.columns if c not in self._nested()]
        return F.coalesce(*tests) if tests else F.lit(None).cast("string")

    def file(self) -> Column:
        """The file a row came from; null where the source is not a file."""
        return F.col(FILE) if FILE in self.frame.columns else F.lit(None).cast("string")

    def strict(self) -> DataFrame:
        """The source's own columns for a query; reading a row that does not parse or decode fails.

        A query may aggregate, and an aggregate has no way to set a single row aside.
        """
        own = [_named(column) for column in self.columns]
        if UNPARSED not in self.frame.columns:
            return self.frame.select(own)
        stop = F.raise_error(
            F.concat(
                F.lit(
                    f"source '{self.name}' is used by a query and holds a line that cannot be parsed or decoded: file "
                ),
                F.coalesce(self.file(), F.lit("unknown")),
            )
        )
        broken = self.unparsed().isNotNull() | self.undecodable().isNotNull()
        return self.frame.where(F.when(broken, stop.cast("boolean")).otherwise(F.lit(True))).select(own)

    def _nested(self) -> list[str]:
        return [f.name for f in self.frame.schema.fields if f.name in self.columns and f.dataType != StringType()]


def open_source(spark: SparkSession, name: str, settings: SourceSettings) -> OpenSource:
    """Open one source; csv and json give text only, so that no value is guessed.

    Args:
        spark: session.
        name: the source's name in the shop file.
        settings: format, path, options. csv: ``header`` is true unless stated; json: a ``schema`` option (DDL) is
            taken, otherwise columns are found by reading and hold text.

    Raises:
        SourceError: the path, package, server or a referenced variable is missing, or the file is not of its format.
    """
    options = resolve_options(name, settings.options)
    path = resolve_path(settings.path) if settings.path else None
    place = settings.path or settings.options.get("dbtable", "query")
    description = f"source '{name}' ({settings.format}, {place})"
    with reading(_capital(description), options.secrets):
        frame = _load(spark, settings.format, path, options)
    own = tuple(column for column in frame.columns if column not in (FILE, UNPARSED))
    return OpenSource(name, description, frame, own, options.secrets)


def _load(spark: SparkSession, kind: str, path: str | None, options: ResolvedOptions) -> DataFrame:
    if kind in TEXT_FORMATS:
        frame = _load_text(spark, kind, str(path), dict(options.values))
    else:
        values = dict(options.values)
        if kind == "jdbc" and "driver" not in values:
            # Spark's own look-up misses drivers that came through spark.jars
            driver = next((d for prefix, d in JDBC_DRIVERS.items() if values["url"].startswith(prefix)), None)
            values |= {"driver": driver} if driver else {}
        reader = spark.read.format(kind).options(**values)
        frame = reader.load(path) if path else reader.load()
    return frame if kind == "jdbc" else frame.select("*", F.col("_metadata.file_path").alias(FILE))


def _load_text(spark: SparkSession, kind: str, path: str, options: dict[str, str]) -> DataFrame:
    """Rows as text, with the lines that do not parse kept aside in ``UNPARSED``."""
    stated = options.pop("schema", None)
    fixed = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": UNPARSED, "columnPruning": "false"}
    if kind == "csv":
        # without enforceSchema=false a second file with other columns would be read under the first one's names
        options = {"header": "true", "enforceSchema": "false"} | options | fixed | {"inferSchema": "false"}
    else:
        options = options | fixed | {"primitivesAsString": "true"}
    reader = spark.read.format(kind).options(**options)
    found = (reader.schema(stated) if stated else reader).load(path).schema
    own = [field for field in found.fields if field.name != UNPARSED]
    schema = StructType([*own, StructField(UNPARSED, StringType())])
    return spark.read.format(kind).options(**options).schema(schema).load(path)


def _named(column: str) -> Column:
    return F.col(f"`{column.replace('`', '``')}`")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
