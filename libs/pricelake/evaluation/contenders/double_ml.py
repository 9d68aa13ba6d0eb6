"""Double machine learning of the own-price elasticity, with cost as an instrument where it is strong enough.

Partially linear model (Chernozhukov and others 2018, *Econometrics Journal* 21, eq. 1.1-1.2):

    log(units + 0.5) = theta_c log price + g(W) + e        log price = m(W) + v

g and m by LightGBM, cross-fitted over blocks of periods; theta_c of a category from the residuals. With an instrument
z, log unit cost, residualised in the same way, theta_c = sum z~ y~ / sum z~ p~ (their eq. 4.8), used where the F
statistic of the first stage is above 10 (Staiger and Stock 1997). Estimates of categories are shrunk to their mean by
their variances.
"""

from dataclasses import dataclass, field

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.curves import ConstantElasticity, fitted, recent_level
from pricelake.evaluation.contenders.features import fit_encoder
from pricelake.evaluation.contenders.interface import Floats, History

FOLDS = 4
STRONG_F = 10.0
LEARNER = {"objective": "l2", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 30, "verbosity": -1}
TREES = 200


@dataclass
class DoubleMl:
    """Category elasticities free of what the panel's other columns explain."""

    seed: int = 0
    name: str = "double_ml"
    instrumented: bool = field(default=False, init=False)
    """Whether cost was strong enough to be used."""
    _curve: ConstantElasticity | None = field(default=None, repr=False)

    def fit(self, history: History) -> None:
        """Residualise, estimate, shrink."""
        closed = history.closed.sort_values("period_start", kind="stable")
        inputs = fit_encoder(closed).context(closed)
        block = pd.qcut(closed["period_start"].rank(method="dense"), FOLDS, labels=False).to_numpy()
        y = self._residual(np.log(closed["units"].to_numpy(dtype=np.float64) + 0.5), inputs, block)
        p = self._residual(np.log(closed["unit_price"].to_numpy(dtype=np.float64)), inputs, block)
        z, self.instrumented = p, False
        cost = closed["unit_cost"].to_numpy(dtype=np.float64)
        if not np.isnan(cost).any() and np.var(np.log(cost)) > 0.0:
            shock = self._residual(np.log(cost), inputs, block)
            self.instrumented = first_stage_f(shock, p) > STRONG_F
            z = shock if self.instrumented else p
        theta = _by_category(closed["category"], y, p, z)
        level, reference = recent_level(history)
        self._curve = ConstantElasticity(
            level, reference, history.offers["category"].map(theta).to_numpy(dtype=np.float64)
        )

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""
        return fitted(self._curve).units(prices)

    def _residual(self, values: Floats, inputs: Floats, block: npt.NDArray[np.int64]) -> Floats:
        """What the other blocks' model of ``values`` leaves unexplained."""
        left = np.empty_like(values)
        for fold in range(FOLDS):
            inside = block == fold
            settings = LEARNER | {"seed": self.seed, "num_threads": 2}
            model = lightgbm.train(settings, lightgbm.Dataset(inputs[~inside], values[~inside]), TREES)
            left[inside] = values[inside] - model.predict(inputs[inside])
        return left


def first_stage_f(instrument: Floats, price: Floats) -> float:
    """F statistic of one instrument, n r^2 / (1 - r^2)."""
    r = float(np.corrcoef(instrument, price)[0, 1])
    return (len(price) - 2) * r**2 / max(1.0 - r**2, 1e-12)


def _by_category(category: pd.Series, y: Floats, p: Floats, z: Floats) -> pd.Series:
    """The theta of each category, shrunk to the precision-weighted mean."""
    frame = pd.DataFrame({"zy": z * y, "zp": z * p, "zz": z * z}).groupby(category.to_numpy()).sum()
    pooled = float(frame["zy"].sum() / frame["zp"].sum())
    own = frame["zy"] / frame["zp"]
    noise = float(((y - pooled * p) ** 2).mean())
    variance = noise * frame["zz"] / frame["zp"] ** 2
    between = max(float(((own - pooled) ** 2 - variance).mean()), 0.0)
    kept = between / (between + variance) if between > 0.0 else pd.Series(0.0, own.index)
    return pooled + kept * (own - pooled)
