"""Feed: rows per second against Petastorm's own ``make_tf_dataset`` on the same files, both shuffled."""

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from bench.runs import summarise
from pricelake.training.feed import MIXED_ROWS, Feed
from pricelake.training.snapshot import ROW_GROUP_ROWS
from pricelake.training.snapshot_files import arrow_schema
from pricelake.training.task import SnapshotColumn

ROWS, FILES, BATCH, RUNS = 4_000_000, 8, 4096, 3
CONVERTER_FILES = 2
"""All eight would take it about 330 seconds a run, at the 12,200 rows a second that were measured; two are enough for
its start-up to be under 2 % of its time."""

IDS = 5000
COLUMNS = (
    *(SnapshotColumn(f"feature_{i}", "float32") for i in range(24)),
    *(SnapshotColumn(f"id_{i}", "int32") for i in range(6)),
)
"""Thirty columns; with ``weight`` they are the 31 of the target."""


def measure(spark: SparkSession, folder: Path, rows: int = ROWS, runs: int = RUNS) -> dict[str, Any]:
    """Read a snapshot ``runs`` times with each feed, in turn; every batch ends as TensorFlow tensors.

    Timed: from opening the files to the last batch, start-up included on both sides. Not timed: imports and a first
    read with each feed. The converter's data set is ``TFDatasetContextManager``, which is what ``make_tf_dataset``
    returns, and gets what it needs to shuffle: a row buffer as large as ours, row groups in random order. It reads two
    of the same eight files: it works row by row, so that its cost grows with the files in a straight line and two give
    the rows per second of all eight in a quarter of the time. It is slow because it takes every row group apart into
    single rows of 31 tensors each, which pass one by one through its shuffling buffer and are put together into batches
    again. What start-up may hide is recorded apart: the seconds that each feed takes for a file that holds one batch,
    and their share of the timed span.

    Args:
        spark: not used; the files are written as ``write_snapshot`` lays them out.
        folder: empty directory for the snapshot.
        rows: rows of the snapshot.
        runs: repetitions.

    Returns:
        ``rows``, ``converter_rows``, and by :func:`bench.runs.summarise`: ``rows_per_second``,
        ``converter_rows_per_second``, ``ratio_to_converter``, ``start_up_seconds``, ``converter_start_up_seconds``,
        ``start_up_share``, ``converter_start_up_share``.
    """
    files, one_batch = write_files(folder / "rows", rows, FILES), write_files(folder / "one_batch", BATCH, 1)
    _feed_seconds(one_batch, seed=0)
    _converter_seconds(one_batch, seed=0)
    by_run = [_run(files, one_batch, seed=run + 1) for run in range(runs)]
    per_file = rows // FILES
    return {"rows": per_file * FILES, "converter_rows": per_file * CONVERTER_FILES, **summarise(by_run)}


def _run(files: list[str], one_batch: list[str], seed: int) -> dict[str, float]:
    start_up, converter_start_up = _feed_seconds(one_batch, seed)[1], _converter_seconds(one_batch, seed)[1]
    n_rows, seconds = _feed_seconds(files, seed)
    converter_rows, converter_seconds = _converter_seconds(files[:CONVERTER_FILES], seed)
    return {
        "rows_per_second": n_rows / seconds,
        "converter_rows_per_second": converter_rows / converter_seconds,
        "ratio_to_converter": (n_rows / seconds) / (converter_rows / converter_seconds),
        "start_up_seconds": start_up,
        "converter_start_up_seconds": converter_start_up,
        "start_up_share": start_up / seconds,
        "converter_start_up_share": converter_start_up / converter_seconds,
    }


def write_files(directory: Path, rows: int, n_files: int, first_seed: int = 0) -> list[str]:
    """Random rows in files as ``write_snapshot`` lays them out; returns their paths."""
    schema, per_file, files = arrow_schema(COLUMNS), rows // n_files, []
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(n_files):
        random = np.random.default_rng(first_seed + number)
        values: dict[str, Any] = {c.name: random.random(per_file, np.float32) for c in COLUMNS if c.dtype == "float32"}
        values |= {c.name: random.integers(0, IDS, per_file, np.int32) for c in COLUMNS if c.dtype == "int32"}
        values["weight"] = np.ones(per_file, np.float32)
        files.append(str(directory / f"part-{number:05d}.parquet"))
        table = pa.table(values).select(schema.names).cast(schema)
        pq.write_table(table, files[-1], row_group_size=ROW_GROUP_ROWS, compression="none", use_dictionary=False)
    return files


def _feed_seconds(files: list[str], seed: int) -> tuple[int, float]:
    """Rows read and seconds taken."""
    import tensorflow as tf

    started, n_rows = time.perf_counter(), 0
    with Feed(files, COLUMNS, BATCH, seed) as batches:
        for batch in batches:
            tensors = [tf.constant(matrix) for matrix in batch]
            n_rows += int(tensors[0].shape[1])
    return n_rows, time.perf_counter() - started


def _converter_seconds(files: list[str], seed: int) -> tuple[int, float]:
    """What ``make_spark_converter(...).make_tf_dataset(batch_size, shuffling_queue_capacity)`` does with files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from petastorm.spark.spark_dataset_converter import TFDatasetContextManager

        options = {"reader_pool_type": "thread", "workers_count": 4, "num_epochs": 1, "seed": seed}
        started, n_rows = time.perf_counter(), 0
        urls = [Path(file).as_uri() for file in files]
        with TFDatasetContextManager(
            parquet_file_url_list=urls,
            batch_size=BATCH,
            prefetch=2,
            petastorm_reader_kwargs=options,
            shuffling_queue_capacity=MIXED_ROWS,
        ) as dataset:
            for batch in dataset:
                n_rows += int(batch.feature_0.shape[0])
        return n_rows, time.perf_counter() - started
