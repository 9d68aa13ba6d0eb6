"""The price-response model as a task that training can run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pricelake.demand.inputs import model_columns
from pricelake.demand.network import NetworkSpec, build_network, row_loss
from pricelake.training import SnapshotColumn
from pricelake.training.task import ColumnType

if TYPE_CHECKING:
    import tensorflow as tf
    from tensorflow import keras


@dataclass(frozen=True)
class DemandTask:
    """Columns, network and loss of the price-response model (see ``training.TrainingTask``).

    Attributes:
        spec: the network.
    """

    spec: NetworkSpec

    @property
    def columns(self) -> tuple[SnapshotColumn, ...]:
        """The training schema, derived from the encoding's."""
        named = model_columns(self.spec.factors)
        return tuple(SnapshotColumn(name, cast(ColumnType, dtype)) for name, dtype in named)

    def build_model(self) -> "keras.Model":
        """The network."""
        return build_network(self.spec)

    def loss(self, outputs: Any, batch: Mapping[str, "tf.Tensor"]) -> "tf.Tensor":
        """Negative binomial loss per row."""
        return row_loss(outputs, batch)
