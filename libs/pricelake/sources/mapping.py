"""From sources to rows in the shape of a bronze contract, as the shop file says; nothing is read here."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from pricelake.errors import SourceError
from pricelake.settings.shop import Shop, TableMapping
from pricelake.sources.conversion import is_unfit, to_contract_type, without_blank
from pricelake.sources.expressions import contract_problems, expression_type, mentioned_columns, misuse, mixed_problem
from pricelake.sources.opening import OpenSource, open_source
from pricelake.sources.origin import Origin, open_origin
from pricelake.sources.pseudonyms import INNER_PAD, OUTER_PAD, pseudonym, with_pads

CUSTOMER_ID = "customer_id"
SOURCE, SOURCE_FILE, SOURCE_ROW = "_source", "_source_file", "_source_row"
UNPARSED_LINE, UNDECODABLE, CURRENCY = "_unparsed_line", "_undecodable", "_currency"
LONGEST_VALUE = 200


@dataclass(frozen=True)
class MappedTable:
    """The rows a shop brings for one table, mapped, not yet read.

    Attributes:
        name: table without its layer.
        origin: where the rows come from, for messages.
        frame: one row per source row: the contract's columns, converted (null where that failed); ``unfit`` columns;
            ``SOURCE`` (the source's columns as a struct, customer ids as received: never written anywhere);
            ``SOURCE_FILE``, ``UNPARSED_LINE``, ``UNDECODABLE``, and ``CURRENCY`` where the shop maps it.
        unfit: contract column → column with the text that could not be converted, null where it could.
        private: columns of ``SOURCE`` that hold customer ids.
        secrets: values that must not show in messages.
    """

    name: str
    origin: str
    frame: DataFrame
    unfit: Mapping[str, str]
    private: tuple[str, ...]
    secrets: tuple[str, ...]


def maps_customers(shop: Shop) -> bool:
    """Whether any table of the shop has customer ids, so that a key is needed."""
    return any(CUSTOMER_ID in mapping.columns for mapping in shop.tables.values())


def map_tables(
    spark: SparkSession, shop: Shop, schemas: Mapping[str, StructType], pads: DataFrame | None
) -> dict[str, MappedTable]:
    """Every table of the shop, mapped; all problems of all tables are reported at once, before a row is read.

    Args:
        spark: session.
        shop: the shop file.
        schemas: table without its layer → contract schema, for each table of the shop.
        pads: :func:`~pricelake.sources.pseudonyms.key_pads`; None where no table has customer ids.

    Raises:
        SourceError: a source cannot be opened, or an expression does not fit: table, column, expression, and the
            columns that exist.
    """
    problems: list[str] = []
    sources: dict[str, OpenSource] = {}
    for name in _used_sources(shop):
        try:
            sources[name] = open_source(spark, name, shop.sources[name])
        except SourceError as error:
            problems.append(str(error))
    origins: dict[str, Origin] = {}
    for name, mapping in shop.tables.items():
        try:
            origins[name] = open_origin(spark, name, mapping, sources)
            problems += _mapping_problems(name, mapping, origins[name], schemas[name], shop.time_zone)
        except SourceError as error:
            problems.append(str(error))
        except KeyError:
            continue  # its source could not be opened, which is reported already
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise SourceError(f"Shop '{shop.name}' cannot be ingested; nothing was read or changed:\n{listed}")
    private = _private_names(shop, origins)
    return {
        name: _mapped(name, mapping, origins[name], schemas[name], shop.time_zone, private, pads)
        for name, mapping in shop.tables.items()
    }


def with_source_row(rows: DataFrame, table: MappedTable, pads: DataFrame | None) -> DataFrame:
    """``rows`` with ``SOURCE_ROW``: the row as received, JSON, customer ids as pseudonyms.

    A line that could not be parsed and may hold a customer id is kept as its keyed hash alone.

    Args:
        rows: any rows of ``table.frame``.
        table: the table they are from.
        pads: as in :func:`map_tables`.
    """
    names = rows.schema[SOURCE].dataType.names  # type: ignore[attr-defined]
    fields = {name: F.col(SOURCE).getField(name) for name in names}
    line = F.col(UNPARSED_LINE)
    if pads is not None and table.private:
        rows = with_pads(rows, pads)
        fields |= {name: pseudonym(fields[name]) for name in table.private}
        unparsed = F.struct(pseudonym(line).alias("unparsed_line_hash"))
    else:
        unparsed = F.struct(line.alias("unparsed_line"))
    whole = F.struct(*[value.alias(name) for name, value in fields.items()])
    keep_nulls = {"ignoreNullFields": "false"}
    row = F.when(line.isNotNull(), F.to_json(unparsed)).otherwise(F.to_json(whole, keep_nulls))
    return rows.withColumn(SOURCE_ROW, row).drop(INNER_PAD, OUTER_PAD)


def _used_sources(shop: Shop) -> list[str]:
    """Sources that some table names, directly or in its query."""
    used = {mapping.source for mapping in shop.tables.values()}
    for mapping in shop.tables.values():
        used |= set(mentioned_columns(mapping.query or "", tuple(shop.sources)))
    return [name for name in shop.sources if name in used]


def _mapping_problems(
    table: str, mapping: TableMapping, origin: Origin, schema: StructType, time_zone: str
) -> list[str]:
    """What keeps the expressions of one table from being computed."""
    problems = contract_problems(table, mapping.columns, schema)
    if not origin.columns:
        return [*problems, f"{table}: {origin.description} has no columns; is it empty?"]
    sound = {}
    for column, expression in mapping.columns.items():
        if column not in schema.names:
            continue
        found = misuse(expression) or expression_type(origin, expression)
        if isinstance(found, str):
            problems.append(f"{table}.{column}: {found}; expression: {expression}")
            continue
        wanted = schema[column].dataType
        converted = to_contract_type(F.expr(expression), found, wanted, time_zone)
        unfit = mixed_problem(origin, [converted])
        if unfit:
            problems.append(
                f"{table}.{column}: {found.simpleString()} cannot become {wanted.simpleString()}; "
                f"expression: {expression}"
            )
        else:
            sound[column] = expression
    if mapping.currency is not None:
        found = misuse(mapping.currency) or expression_type(origin, mapping.currency)
        if isinstance(found, str):
            problems.append(f"{table}.currency: {found}; expression: {mapping.currency}")
    if not problems:
        mixed = mixed_problem(origin, [F.expr(e) for e in sound.values()])
        problems += [f"{table}: {mixed}"] if mixed else []
    return problems


def _private_names(shop: Shop, origins: Mapping[str, Origin]) -> set[str]:
    """Source columns that any customer_id expression of the shop mentions, in whatever table they show up."""
    found: set[str] = set()
    for name, mapping in shop.tables.items():
        found |= set(mentioned_columns(mapping.columns.get(CUSTOMER_ID, ""), origins[name].columns))
    return {name.lower() for name in found}


def _mapped(
    name: str,
    mapping: TableMapping,
    origin: Origin,
    schema: StructType,
    time_zone: str,
    private_names: set[str],
    pads: DataFrame | None,
) -> MappedTable:
    private = tuple(column for column in origin.columns if column.lower() in private_names)
    frame = origin.frame
    if CUSTOMER_ID in mapping.columns:
        if pads is None:
            raise SourceError(f"{name} maps customer ids, and no key was given to make them pseudonymous.")
        frame = with_pads(frame, pads)
    selected: list[Column] = []
    unfit: dict[str, str] = {}
    for field in schema.fields:
        value, text = _column(field, mapping, origin, private, time_zone)
        selected.append(value.alias(field.name))
        if text is not None:
            unfit[field.name] = f"_unfit_{field.name}"
            selected.append(text.alias(unfit[field.name]))
    if mapping.currency is not None:
        selected.append(F.trim(F.expr(mapping.currency).cast("string")).alias(CURRENCY))
    selected += [
        F.struct(*[F.col(f"`{column}`") for column in origin.columns]).alias(SOURCE),
        origin.file.alias(SOURCE_FILE),
        origin.unparsed.alias(UNPARSED_LINE),
        origin.undecodable.alias(UNDECODABLE),
    ]
    return MappedTable(name, origin.description, frame.select(*selected), unfit, private, origin.secrets)


def _column(
    field: StructField, mapping: TableMapping, origin: Origin, private: tuple[str, ...], time_zone: str
) -> tuple[Column, Column | None]:
    """The converted value, and the text that could not be converted (None for text, which always can)."""
    expression = mapping.columns.get(field.name)
    if expression is None:
        return F.lit(None).cast(field.dataType.simpleString()), None
    found = expression_type(origin, expression)
    assert not isinstance(found, str)  # checked by _mapping_problems
    value = without_blank(F.expr(expression), found)
    converted = to_contract_type(value, found, field.dataType, time_zone)
    if field.name == CUSTOMER_ID:
        return pseudonym(converted), None
    if isinstance(field.dataType, StringType):
        return converted, None
    withheld = mentioned_columns(expression, private)
    shown = F.lit("(withheld)") if withheld else F.substring(value.cast("string"), 1, LONGEST_VALUE)
    return converted, F.when(is_unfit(value, converted, field.dataType), shown)
