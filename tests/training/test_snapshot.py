"""Snapshots: every row once, equal files, refusals, reuse."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.errors import ContractError, TrainingError
from pricelake.training import Snapshot, open_snapshot, remove_old_snapshots, schema_hash, write_snapshot
from pricelake.training.snapshot_files import read_manifest
from tests.training.linear_task import COLUMNS, linear_rows

NAMES = [column.name for column in COLUMNS]


def frame(spark: SparkSession, n_rows: int, partitions: int = 3) -> DataFrame:
    return spark.createDataFrame(linear_rows(n_rows, seed=1)).select(*NAMES).repartition(partitions)


def write(
    rows: DataFrame, directory: Path, files: int = 4, seed: int = 7, version: int = 3, group: int = 64
) -> Snapshot:
    return write_snapshot(rows, COLUMNS, directory, version, "train", files, seed, row_group_rows=group)


def contents(snapshot: Snapshot) -> list[pd.DataFrame]:
    return [pq.read_table(file).to_pandas() for file in snapshot.files]


@pytest.mark.parametrize(("n_rows", "files"), [(1001, 4), (1000, 4), (3, 4), (1, 5), (7, 6)])
def test_every_row_is_there_once_and_files_are_equal(
    spark: SparkSession, tmp_path: Path, n_rows: int, files: int
) -> None:
    snapshot = write(frame(spark, n_rows), tmp_path, files)
    parts = contents(snapshot)
    per_file = -(-n_rows // files)
    assert [len(part) for part in parts] == [per_file] * files
    assert (snapshot.rows, snapshot.rows_padded) == (n_rows, per_file * files)
    rows = pd.concat(parts)
    real, padding = rows[rows.weight == 1.0], rows[rows.weight == 0.0]
    assert len(padding) == per_file * files - n_rows
    expected = linear_rows(n_rows, seed=1)[NAMES]
    found = real.drop(columns="weight").sort_values("row_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
    copies = padding.drop(columns="weight").merge(expected, on=NAMES)
    assert len(copies) == len(padding), "padding rows are copies of real rows, so that their loss is finite"


def test_row_groups_are_exact_and_columns_plain(spark: SparkSession, tmp_path: Path) -> None:
    snapshot = write(frame(spark, 1001), tmp_path, files=4, group=64)
    for file in snapshot.files:
        metadata = pq.ParquetFile(file).metadata
        groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert groups == [63, 63, 63, 62]
        assert metadata.row_group(0).column(0).compression == "UNCOMPRESSED"
    assert pq.read_schema(snapshot.files[0]).names == [*NAMES, "weight"]


def test_same_rows_give_the_same_files_whatever_the_partitioning(spark: SparkSession, tmp_path: Path) -> None:
    one = contents(write(frame(spark, 500, partitions=1), tmp_path / "one"))
    five = contents(write(frame(spark, 500, partitions=5).orderBy(F.desc("a")), tmp_path / "five"))
    for left, right in zip(one, five, strict=True):
        pd.testing.assert_frame_equal(left, right)


def test_rows_are_shuffled_across_files_and_the_seed_decides_how(spark: SparkSession, tmp_path: Path) -> None:
    first, second = (write(frame(spark, 4000), tmp_path, seed=seed) for seed in (1, 2))
    assert first.directory != second.directory
    for part in contents(first):
        ids = part.row_id
        assert abs(ids.mean() - 1999.5) < 150, "each file is a sample of all rows"
        assert abs(ids.corr(pd.Series(range(len(ids))))) < 0.1, "rows of a file are in no order"
    assert set(contents(first)[0].row_id) != set(contents(second)[0].row_id)


def test_caller_may_weight_rows(spark: SparkSession, tmp_path: Path) -> None:
    weighted = frame(spark, 9).withColumn("weight", (F.col("row_id") * 0.5).cast("float"))
    rows = pd.concat(contents(write(weighted, tmp_path)))
    real = rows.drop_duplicates("row_id")
    assert dict(zip(real.row_id, real.weight, strict=True)) == {i: i * 0.5 for i in range(9)}
    assert len(rows) == 12
    assert rows.weight.sum() == 18.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f.withColumn("a", F.when(F.col("row_id") < 3, None).otherwise(F.col("a"))),
            "nulls, values that are not finite or negative weights: a in 3 rows",
        ),
        (
            lambda f: f.withColumn("y", F.when(F.col("row_id") == 1, float("nan")).otherwise(F.col("y")).cast("float")),
            "y in 1 rows",
        ),
        (lambda f: f.withColumn("b", (F.col("b") / 0.0 + F.lit(float("inf"))).cast("float")), "b in 20 rows"),
        (lambda f: f.withColumn("weight", F.lit(-1.0).cast("float")), "weight in 20 rows"),
        (lambda f: f.withColumn("a", F.col("a").cast("double")), "a is double, expected float"),
        (lambda f: f.withColumn("group", F.col("group").cast("string")), "group is string, expected int"),
        (lambda f: f.withColumn("b", F.array("b")), "b is array<float>, expected float"),
        (lambda f: f.withColumn("y", F.col("y").cast("decimal(10,2)")), "y is decimal(10,2), expected float"),
        (lambda f: f.drop("b"), "missing b"),
        (lambda f: f.withColumn("surprise", F.lit(1)), "unknown surprise"),
        (lambda f: f.where("false"), "The train snapshot has no rows."),
    ],
)
def test_refusals(spark: SparkSession, tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError) as refused:
        write(change(frame(spark, 20)), tmp_path)
    assert message in str(refused.value)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_complete_snapshot_is_reused_and_never_written_again(spark: SparkSession, tmp_path: Path) -> None:
    first = write(frame(spark, 100), tmp_path)
    times = [Path(file).stat().st_mtime_ns for file in first.files]
    assert write(frame(spark, 100), tmp_path) == first == open_snapshot(first.directory)
    assert [Path(file).stat().st_mtime_ns for file in first.files] == times


def test_other_rows_version_or_layout_give_another_directory(spark: SparkSession, tmp_path: Path) -> None:
    rows = frame(spark, 100)
    changed = rows.withColumn("y", F.when(F.col("row_id") == 5, 0.25).otherwise(F.col("y")).cast("float"))
    written = [
        write(rows, tmp_path),
        write(changed, tmp_path),
        write(rows, tmp_path, version=4),
        write(rows, tmp_path, files=2),
        write(rows, tmp_path, group=8),
    ]
    assert len({snapshot.directory for snapshot in written}) == 5
    removed = remove_old_snapshots(tmp_path, keep=written[:1])
    assert len(removed) == 4
    assert open_snapshot(written[0].directory) == written[0]


def test_half_written_snapshots_are_discarded(spark: SparkSession, tmp_path: Path) -> None:
    whole = write(frame(spark, 100), tmp_path)
    target = Path(whole.directory)
    killed = target.with_name(f"{target.name}.partial-0123abcd")
    shutil.copytree(target, killed)
    Path(whole.files[1]).write_bytes(Path(whole.files[1]).read_bytes()[:-10])
    assert read_manifest(target) is None
    with pytest.raises(TrainingError, match="holds no complete snapshot"):
        open_snapshot(target)
    again = write(frame(spark, 100), tmp_path)
    assert again == whole
    assert sum(len(part) for part in contents(again)) == 100
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_snapshot_without_manifest_is_written_again(spark: SparkSession, tmp_path: Path) -> None:
    whole = write(frame(spark, 100), tmp_path)
    (Path(whole.directory) / "manifest.json").write_text("{")
    assert read_manifest(Path(whole.directory)) is None
    assert write(frame(spark, 100), tmp_path) == whole
    assert json.loads((Path(whole.directory) / "manifest.json").read_text())["rows"] == 100


def test_schema_hash_depends_on_names_types_and_order() -> None:
    assert len({schema_hash(COLUMNS), schema_hash(COLUMNS[::-1]), schema_hash(COLUMNS[1:])}) == 3
