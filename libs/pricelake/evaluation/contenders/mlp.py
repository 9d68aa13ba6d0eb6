"""The plain network that tutorials set prices with: price, who buys, weather and holidays in, units out."""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats, History
from pricelake.evaluation.contenders.regressors import with_demand
from pricelake.evaluation.contenders.validation import is_before_validation, validation_wape

UNITS = 64
GRID = {"learning_rate": (1e-3, 1e-2), "dropout": (0.0, 0.2)}
MAX_EPOCHS = 60
PATIENCE = 5
BATCH = 256
STEPS_PER_CALL = 32
"""Steps between two returns to Python: the same steps in the same order, in four fifths of the time."""
WEATHER = ("temperature_c", "precipitation_mm", "holiday_days")


@dataclass(frozen=True)
class Choice:
    """One choice of settings and what it reached.

    Attributes:
        wape: of the last periods.
        learning_rate: Adam's.
        dropout: rate.
        epochs: after which the check was best.
    """

    wape: float
    learning_rate: float
    dropout: float
    epochs: int


@dataclass
class Mlp:
    """64 ReLU units, dropout, one output; squared error of units.

    Units and prices are corrected for stock and for weeks without a sale, as for the regressions and LightGBM
    (:func:`pricelake.evaluation.contenders.regressors.with_demand`). Inputs are price, mean age of the product's
    buyers, the share of women among them, temperature, precipitation and holidays, each standardised. Learning rate and
    dropout are searched on a grid by WAPE of the last 8 periods, epochs by early stopping there. What is best then is
    refitted on all periods with its number of epochs.
    """

    seed: int = 0
    name: str = "mlp"
    _network: Any = field(default=None, repr=False)
    _history: History | None = field(default=None, repr=False)
    _centre: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    _scale: Floats = field(default_factory=lambda: np.ones(0), repr=False)

    def fit(self, history: History) -> None:
        """Search, then fit all periods."""
        self._history, rows = history, with_demand(history.closed)
        raw = inputs(rows, rows["price"].to_numpy(dtype=np.float64), history.buyers)
        self._centre, self._scale = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-6)
        x, wanted = (raw - self._centre) / self._scale, rows["demand"].to_numpy(dtype=np.float64)
        before = is_before_validation(rows)
        tried = [self._try(x, wanted, before, *values) for values in product(*GRID.values())]
        best = min(tried, key=lambda one: one.wape)
        self._network = self._untrained(best.learning_rate, best.dropout)
        self._network.fit(x, wanted, batch_size=BATCH, epochs=best.epochs, verbose=0)

    def _try(
        self, x: Floats, wanted: Floats, before: npt.NDArray[np.bool_], learning_rate: float, dropout: float
    ) -> Choice:
        from tensorflow import keras

        network = self._untrained(learning_rate, dropout)
        stop = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
        check = (x[~before], wanted[~before])
        told = network.fit(
            x[before], wanted[before], BATCH, MAX_EPOCHS, validation_data=check, callbacks=[stop], verbose=0
        )
        forecast = np.maximum(network(x[~before], training=False).numpy()[:, 0], 0.0)
        epochs = int(np.argmin(np.nan_to_num(told.history["val_loss"], nan=np.inf))) + 1
        return Choice(validation_wape(forecast, wanted[~before]), learning_rate, dropout, epochs)

    def _untrained(self, learning_rate: float, dropout: float) -> Any:
        from tensorflow import keras

        keras.utils.set_random_seed(self.seed)
        network = keras.Sequential(
            [keras.layers.Dense(UNITS, activation="relu"), keras.layers.Dropout(dropout), keras.layers.Dense(1)]
        )
        optimizer = keras.optimizers.Adam(learning_rate)
        network.compile(optimizer=optimizer, loss="mse", steps_per_execution=STEPS_PER_CALL)
        return network

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""
        if self._history is None:
            raise ValueError("fit the model first")
        columns = []
        for one in prices.T:
            paid = np.where(np.isnan(one), self._history.price_now, one)
            x = (inputs(self._history.open, paid, self._history.buyers) - self._centre) / self._scale
            columns.append(np.maximum(self._network(x, training=False).numpy()[:, 0], 0.0))
        return np.where(np.isnan(prices), np.nan, np.column_stack(columns))


def inputs(rows: pd.DataFrame, price: Floats, buyers: pd.DataFrame) -> Floats:
    """The network's inputs, shape ``(n_rows, 6)``; the mean of all products where nobody bought one.

    Args:
        rows: of the panel.
        price: paid, shape ``(n_rows,)``.
        buyers: see :class:`pricelake.evaluation.contenders.interface.History`.
    """
    people = buyers.reindex(rows["product_id"]).fillna(buyers.mean()).fillna(0.0)
    return np.column_stack([price, people.to_numpy(dtype=np.float64), rows[list(WEATHER)].to_numpy(dtype=np.float64)])
