"""Feed: rows per second against Petastorm's own ``make_tf_dataset`` on the same files, both shuffled."""

import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pricelake.training.feed import Feed
from pricelake.training.snapshot import ROW_GROUP_ROWS
from pricelake.training.snapshot_files import arrow_schema
from pricelake.training.task import SnapshotColumn

ROWS, FILES, BATCH, RUNS = 4_000_000, 8, 4096, 3
IDS = 5000
COLUMNS = (
    *(SnapshotColumn(f"feature_{i}", "float32") for i in range(24)),
    *(SnapshotColumn(f"id_{i}", "int32") for i in range(6)),
)
"""Thirty columns; with ``weight`` they are the 31 of the target."""


def measure(spark: SparkSession, folder: Path, rows: int = ROWS, runs: int = RUNS) -> dict[str, Any]:
    """Read a snapshot ``runs`` times with each feed, in turn; every batch ends as TensorFlow tensors.

    The converter's data set gets what it needs to shuffle: a row buffer as large as ours, row groups in random order.
    It reads an eighth of the files per run, since its rate does not depend on their number.

    Args:
        spark: not used; the files are written as ``write_snapshot`` lays them out.
        folder: empty directory for the snapshot.
        rows: rows of the snapshot.
        runs: repetitions.

    Returns:
        ``rows_per_second`` (median), ``converter_rows_per_second``, ``ratio_to_converter`` (median of each run's
        ratio), ``rows``, ``runs`` (rates of each), ``spread`` of the ratio ((largest - smallest) / median).
    """
    files = write_files(folder, rows, FILES)
    rates = []
    for run in range(runs):
        rates.append((_feed_rate(files, seed=run + 1), _converter_rate(files[: max(1, FILES // 8)], seed=run + 1)))
    ratios = [ours / theirs for ours, theirs in rates]
    return {
        "rows_per_second": round(statistics.median(ours for ours, _ in rates)),
        "converter_rows_per_second": round(statistics.median(theirs for _, theirs in rates)),
        "ratio_to_converter": round(statistics.median(ratios), 1),
        "rows": rows,
        "runs": [{"rows_per_second": round(ours), "converter": round(theirs)} for ours, theirs in rates],
        "spread": round((max(ratios) - min(ratios)) / statistics.median(ratios), 3),
    }


def write_files(directory: Path, rows: int, n_files: int, first_seed: int = 0) -> list[str]:
    """Random rows in files as ``write_snapshot`` lays them out; returns their paths."""
    schema, per_file, files = arrow_schema(COLUMNS), rows // n_files, []
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(n_files):
        random = np.random.default_rng(first_seed + number)
        values = {c.name: random.random(per_file, np.float32) for c in COLUMNS if c.dtype == "float32"}
        values |= {c.name: random.integers(0, IDS, per_file, np.int32) for c in COLUMNS if c.dtype == "int32"}
        values["weight"] = np.ones(per_file, np.float32)
        files.append(str(directory / f"part-{number:05d}.parquet"))
        table = pa.table(values).select(schema.names).cast(schema)
        pq.write_table(table, files[-1], row_group_size=ROW_GROUP_ROWS, compression="none", use_dictionary=False)
    return files


def _feed_rate(files: list[str], seed: int) -> float:
    import tensorflow as tf

    started, n_rows = time.perf_counter(), 0
    with Feed(files, COLUMNS, BATCH, seed) as batches:
        for batch in batches:
            tensors = [tf.constant(matrix) for matrix in batch]
            n_rows += int(tensors[0].shape[1])
    return n_rows / (time.perf_counter() - started)


def _converter_rate(files: list[str], seed: int) -> float:
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
            shuffling_queue_capacity=131_072,
        ) as dataset:
            for batch in dataset:
                n_rows += int(batch.feature_0.shape[0])
        return n_rows / (time.perf_counter() - started)
