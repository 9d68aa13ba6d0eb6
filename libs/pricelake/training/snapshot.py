"""Write a frame as a snapshot: Parquet files of exactly equal length, rows shuffled across files."""

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, FloatType, IntegerType, LongType

from pricelake.errors import ContractError, TrainingError
from pricelake.training.snapshot_files import (
    FILE_COLUMN,
    POSITION_COLUMN,
    WRITTEN_SCHEMA,
    Snapshot,
    WrittenFile,
    file_writer,
    footer_rows,
    open_snapshot,
    read_manifest,
    write_manifest,
)
from pricelake.training.task import WEIGHT, SnapshotColumn, schema_hash, with_weight

ROW_GROUP_ROWS = 32_768
"""Rows per row group: 4 MB of 31 float32 columns, small enough for a few to be mixed in the processor's cache."""

SPARK_TYPES: dict[str, DataType] = {"float32": FloatType(), "int32": IntegerType(), "int64": LongType()}


def write_snapshot(
    frame: DataFrame,
    columns: Sequence[SnapshotColumn],
    directory: str | Path,
    delta_version: int,
    part: Literal["train", "validation"],
    files: int,
    seed: int,
    row_group_rows: int = ROW_GROUP_ROWS,
) -> Snapshot:
    """Write the rows of ``frame`` as a snapshot, or reuse the complete one with the same rows and layout.

    The directory is named by Delta version, schema and a fingerprint of the rows, so that it never changes and is never
    taken for another. It is written under a temporary name and renamed when its manifest is in place; what a killed
    run left behind is removed. Rows are placed by a seeded hash of their content: the same rows always give the same
    files, whatever Spark's partitioning was.

    Args:
        frame: exactly ``columns`` (and ``weight``, where the caller weights rows), no nulls, no NaN, no infinity.
        columns: training schema.
        directory: where snapshots live; storage shared by driver, executors and ranks.
        delta_version: version of the table the rows come from.
        part: which part of the data this is.
        files: number of files; a multiple of the ranks.
        seed: of the placement.
        row_group_rows: rows per row group, at most.

    Returns:
        the snapshot.

    Raises:
        ContractError: columns are missing, extra or of another type, hold nulls or values that are not finite, or
            there are no rows.
        TrainingError: the files do not hold what was counted before.
    """
    _check_schema(frame, columns, part)
    names = [column.name for column in with_weight(columns)]
    weighted = frame if WEIGHT in frame.columns else frame.withColumn(WEIGHT, F.lit(1.0).cast("float"))
    placed = weighted.select(*names).withColumn("__hash", F.xxhash64(F.lit(seed), *(F.col(f"`{n}`") for n in names)))
    placed = placed.withColumn("__bucket", F.pmod("__hash", F.lit(files)).cast("int")).persist()
    try:
        counts, fingerprint = _count(placed, columns, part, files)
        layout = f"{fingerprint}/{files}/{seed}/{row_group_rows}"
        content = hashlib.sha256(layout.encode()).hexdigest()[:12]
        name = f"{part}-v{delta_version}-{schema_hash(columns)}-{content}"
        target = Path(directory).absolute() / name
        if read_manifest(target) is None:
            facts: dict[str, Any] = {
                "part": part,
                "delta_version": delta_version,
                "schema_hash": schema_hash(columns),
                "seed": seed,
            }
            facts |= {"rows": sum(counts), "columns": [[c.name, c.dtype] for c in with_weight(columns)]}
            _write(placed, columns, target, counts, row_group_rows, facts)
        return open_snapshot(target)
    finally:
        placed.unpersist()


def _check_schema(frame: DataFrame, columns: Sequence[SnapshotColumn], part: str) -> None:
    problems = [f"{c.name} has type {c.dtype}" for c in columns if c.dtype not in SPARK_TYPES]
    wanted = {column.name: SPARK_TYPES.get(column.dtype) for column in columns}
    found = {field.name: field.dataType for field in frame.schema.fields}
    if WEIGHT in found:
        wanted[WEIGHT] = SPARK_TYPES["float32"]
    problems += [f"missing {name}" for name in wanted if name not in found]
    problems += [f"unknown {name}" for name in found if name not in wanted]
    for name, kind in wanted.items():
        if kind is not None and name in found and found[name] != kind:
            problems.append(f"{name} is {found[name].simpleString()}, expected {kind.simpleString()}")
    if problems:
        raise ContractError(
            f"The rows do not fit the training schema of the {part} snapshot: {'; '.join(problems)}. "
            f"Petastorm drops or corrupts other types without a word, so cast or encode these columns first."
        )


def _bad(column: SnapshotColumn) -> Column:
    value = F.col(f"`{column.name}`")
    if column.dtype != "float32":
        return value.isNull()
    bad = value.isNull() | F.isnan(value) | (F.abs(value) == float("inf"))
    return bad | (value < 0) if column.name == WEIGHT else bad


def _count(placed: DataFrame, columns: Sequence[SnapshotColumn], part: str, files: int) -> tuple[list[int], str]:
    """Rows per hash bucket and a fingerprint of all rows; refuses nulls and values that are not finite."""
    checked = with_weight(columns)
    found = placed.groupBy("__bucket").agg(
        F.count("*").alias("__n"),
        F.sum(F.col("__hash").cast("decimal(20,0)")).alias("__sum"),
        *(F.sum(_bad(column).cast("long")).alias(f"bad_{i}") for i, column in enumerate(checked)),
    )
    rows = {int(row["__bucket"]): row for row in found.collect()}
    if not rows:
        raise ContractError(f"The {part} snapshot has no rows. Check the periods and the eligibility of products.")
    bad = {column.name: sum(int(row[f"bad_{i}"]) for row in rows.values()) for i, column in enumerate(checked)}
    if any(bad.values()):
        told = ", ".join(f"{name} in {count} rows" for name, count in bad.items() if count)
        raise ContractError(
            f"The {part} snapshot has nulls, values that are not finite or negative weights: {told}. "
            f"They would reach the model as arbitrary numbers. Fill them, with an indicator, before training."
        )
    counts = [int(rows[bucket]["__n"]) if bucket in rows else 0 for bucket in range(files)]
    text = f"{sum(counts)}/{sum(int(row['__sum']) for row in rows.values())}"
    return counts, hashlib.sha256(text.encode()).hexdigest()


def _with_file(placed: DataFrame, names: Sequence[str], counts: Sequence[int]) -> DataFrame:
    """Rows with their exact place: file and position; the first rows again with weight 0 where files would be short."""
    n_rows, per_file = sum(counts), -(-sum(counts) // len(counts))
    offsets = [sum(counts[:bucket]) for bucket in range(len(counts))]
    order = Window.partitionBy("__bucket").orderBy("__hash", *(F.col(f"`{name}`") for name in names))
    offset = F.element_at(F.array(*(F.lit(value).cast("long") for value in offsets)), F.col("__bucket") + 1)
    first = offset + F.row_number().over(order) - 1
    places = F.sequence(F.col("__first"), F.lit(per_file * len(counts) - 1).cast("long"), F.lit(n_rows).cast("long"))
    exploded = placed.withColumn("__first", first).withColumn(POSITION_COLUMN, F.explode(places))
    weight = F.when(F.col(POSITION_COLUMN) < n_rows, F.col(WEIGHT)).otherwise(F.lit(0.0)).cast("float")
    return exploded.select(
        *(F.col(f"`{name}`") for name in names if name != WEIGHT),
        weight.alias(WEIGHT),
        F.floor(F.col(POSITION_COLUMN) / per_file).cast("int").alias(FILE_COLUMN),
        POSITION_COLUMN,
    )


def _write(
    placed: DataFrame,
    columns: Sequence[SnapshotColumn],
    target: Path,
    counts: Sequence[int],
    row_group_rows: int,
    facts: dict[str, Any],
) -> None:
    names = [column.name for column in with_weight(columns)]
    per_file = -(-sum(counts) // len(counts))
    n_groups = -(-per_file // row_group_rows)
    _remove_left_over(target)
    partial = target.with_name(f"{target.name}.partial-{uuid.uuid4().hex[:8]}")
    partial.mkdir(parents=True)
    writer = file_writer(str(partial), columns, -(-per_file // n_groups))
    rows = _with_file(placed, names, counts).repartition(len(counts), FILE_COLUMN)
    rows = rows.sortWithinPartitions(FILE_COLUMN, POSITION_COLUMN)
    written = [WrittenFile(**row.asDict()) for row in rows.mapInArrow(writer, WRITTEN_SCHEMA).collect()]
    short = [file.name for file in written if not file.n_rows == footer_rows(partial / file.name) == per_file]
    if short or len(written) != len(counts):
        raise TrainingError(
            f"The snapshot {target.name} came out with {len(written)} files of {len(counts)}, of which "
            f"{', '.join(short) or 'none'} differ from {per_file} rows. The rows changed while they were "
            f"written; make the query deterministic."
        )
    write_manifest(partial, facts, written)
    try:
        partial.rename(target)
    except OSError as error:
        if read_manifest(target) is None:
            raise TrainingError(f"The snapshot {target} cannot be put in place: {error}.") from error
        shutil.rmtree(partial)


def _remove_left_over(target: Path) -> None:
    """What a killed run left of this very snapshot: partial directories, and a target without a valid manifest."""
    left = [target] if target.exists() else []
    left += list(target.parent.glob(f"{target.name}.partial-*")) if target.parent.is_dir() else []
    for path in left:
        shutil.rmtree(path)
