"""How contenders are tuned: on the last periods of the history, by the same error."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats

PERIODS = 8


def is_before_validation(closed: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which closed rows are learnt from while tuning: all but those of the last 8 periods."""
    first = np.sort(closed["period_start"].unique())[-PERIODS]
    return np.asarray((closed["period_start"] < first).to_numpy())


def validation_wape(forecast: Floats, sold: Floats) -> float:
    """Sum of absolute errors over the sum of units, or over one unit where fewer were sold."""
    return float(np.abs(forecast - sold).sum() / max(sold.sum(), 1.0))
