"""The model as MLflow serves it: encoded rows in, parameters of demand curves out."""

from pathlib import Path

import pandas as pd

from pricelake.demand.curve import SHAPE
from pricelake.demand.model import DemandModel, load_model
from pricelake.demand.prediction import CURVE_OUTPUTS, callable_network, curve_outputs


class ServedModel:
    """A trained model on one machine."""

    def __init__(self, model: DemandModel) -> None:
        """Build the network once."""
        self.model = model
        self._network = callable_network(model.spec, model.weights)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Curve parameters of encoded rows.

        Args:
            frame: the columns of ``model.spec.inputs`` and ``prediction.SHAPE``, no nulls; one row per product, market
                and period.

        Returns:
            ``prediction.CURVE_OUTPUTS``, float64, in the order of the rows.
        """
        level = curve_outputs(self._network, self.model.spec, frame)
        return pd.concat([level, frame[list(SHAPE)]], axis=1)[list(CURVE_OUTPUTS)].astype("float64")


def _load_pyfunc(path: str) -> ServedModel:
    """What MLflow calls to load a logged model."""
    return ServedModel(load_model(Path(path)))
