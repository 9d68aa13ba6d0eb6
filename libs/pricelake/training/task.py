"""What training needs to know of a model: its columns, how it is built, and its loss. Nothing about demand."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

WEIGHT = "weight"
"""Name of the column that every snapshot carries: float32, 0 for padding rows."""

ColumnType = Literal["float32", "int32", "int64"]


@dataclass(frozen=True)
class SnapshotColumn:
    """One flat column of the training schema.

    Attributes:
        name: column name.
        dtype: ``float32``, ``int32`` or ``int64``; never null, never NaN.
    """

    name: str
    dtype: ColumnType


@runtime_checkable
class TrainingTask(Protocol):
    """A model to be trained; a frozen dataclass of an importable module, so that it can be pickled to the ranks.

    Attributes:
        columns: the columns of a batch, besides ``weight``.
    """

    @property
    def columns(self) -> tuple[SnapshotColumn, ...]:
        """The columns of a batch, besides ``weight``."""

    def build_model(self) -> Any:
        """A ``keras.Model`` called with a dict of column name → tensor of shape ``(n_rows,)``.

        L2 penalties and dropout live in the model. TensorFlow is imported inside.
        """

    def loss(self, outputs: Any, batch: Mapping[str, Any]) -> Any:
        """Loss per row without penalties.

        Args:
            outputs: what the model returned for ``batch``.
            batch: all columns and ``weight``, each of shape ``(n_rows,)``.

        Returns:
            tensor of shape ``(n_rows,)``.
        """


def with_weight(columns: Sequence[SnapshotColumn]) -> tuple[SnapshotColumn, ...]:
    """``columns`` and, last, ``weight`` where they do not name it themselves."""
    named = tuple(columns)
    return named if any(column.name == WEIGHT for column in named) else (*named, SnapshotColumn(WEIGHT, "float32"))


def schema_hash(columns: Sequence[SnapshotColumn]) -> str:
    """Twelve hex digits that change when a column's name, type or place changes."""
    text = json.dumps([[column.name, column.dtype] for column in with_weight(columns)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
