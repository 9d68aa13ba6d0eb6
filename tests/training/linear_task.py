"""A model with a known answer, for the tests of training: y = 2·a − 3·b + effect[group]."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pricelake.training import Snapshot, SnapshotColumn, schema_hash
from pricelake.training.snapshot_files import arrow_schema

COLUMNS = (
    SnapshotColumn("row_id", "int64"),
    SnapshotColumn("group", "int32"),
    SnapshotColumn("a", "float32"),
    SnapshotColumn("b", "float32"),
    SnapshotColumn("y", "float32"),
)


def linear_rows(n_rows: int, seed: int, noise: float = 0.1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    a, b, group = random.normal(size=n_rows), random.normal(size=n_rows), random.integers(0, 5, n_rows)
    y = 2.0 * a - 3.0 * b + np.array([0.0, 1.0, -1.0, 2.0, 0.5])[group] + noise * random.normal(size=n_rows)
    floats = {name: values.astype("float32") for name, values in (("a", a), ("b", b), ("y", y))}
    return pd.DataFrame({"row_id": np.arange(n_rows), "group": group.astype("int32"), **floats})


def snapshot_of(rows: pd.DataFrame, directory: Path, files: int) -> Snapshot:
    """A snapshot written without Spark: rows in order, the first ones again as padding."""
    directory.mkdir()
    per_file = -(-len(rows) // files)
    padding = rows.iloc[: per_file * files - len(rows)].assign(weight=np.float32(0.0))
    padded = pd.concat([rows.assign(weight=np.float32(1.0)), padding])
    paths = tuple(str(directory / f"part-{i:05d}.parquet") for i in range(files))
    for i, path in enumerate(paths):
        part = pa.Table.from_pandas(padded.iloc[i * per_file : (i + 1) * per_file], preserve_index=False)
        part = part.select(arrow_schema(COLUMNS).names).cast(arrow_schema(COLUMNS))
        pq.write_table(part, path, row_group_size=max(1, per_file // 3))
    return Snapshot(str(directory), paths, len(rows), len(padded), schema_hash(COLUMNS), 0)


@dataclass(frozen=True)
class LinearTask:
    l2: float = 0.0
    dropout_rate: float = 0.0
    columns: tuple[SnapshotColumn, ...] = COLUMNS

    def build_model(self) -> Any:
        import tensorflow as tf

        layers, zeros = tf.keras.layers, tf.keras.initializers.Zeros()
        a, b = (tf.keras.Input((), name=name, dtype="float32") for name in ("a", "b"))
        group = tf.keras.Input((), name="group", dtype="int32")
        effect = layers.Embedding(5, 1, embeddings_initializer=zeros, name="effect")(group)
        stacked = layers.Dropout(self.dropout_rate)(tf.stack([a, b], axis=1))
        penalty = tf.keras.regularizers.L2(self.l2)
        slope = layers.Dense(1, kernel_initializer=zeros, kernel_regularizer=penalty, use_bias=False, name="slope")
        return tf.keras.Model([a, b, group], tf.squeeze(slope(stacked) + effect, axis=1))

    def loss(self, outputs: Any, batch: Mapping[str, Any]) -> Any:
        import tensorflow as tf

        return tf.square(outputs - batch["y"])
