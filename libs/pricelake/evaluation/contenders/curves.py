"""Demand curves: one guessed elasticity, one regression per product, and slopes shrunk to their category's."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats, History
from pricelake.evaluation.contenders.validation import is_before_validation, validation_wape

KEY = ["product_id", "market_id"]
MIN_ROWS = 12
CONTROLS = (
    "display_rate",
    "feature_rate",
    "price_cut_rate",
    "holiday_days",
    "season_sin_1",
    "season_cos_1",
    "temperature_c",
)


@dataclass
class ConstantElasticity:
    """Units = level x (price / reference) ^ elasticity for each offer: the form that the regressions here share."""

    level: Floats
    reference: Floats
    elasticity: Floats

    def units(self, prices: Floats) -> Floats:
        """Shape of ``prices``."""
        ratio = prices / self.reference[:, None]
        return np.asarray(self.level[:, None] * ratio ** self.elasticity[:, None])


@dataclass
class GuessedElasticity:
    """Mean units of the last 8 periods at their mean price, and one elasticity for everything.

    Attributes:
        elasticity: below 0.
    """

    elasticity: float = -3.0
    name: str = "guessed_elasticity"
    _curve: ConstantElasticity | None = field(default=None, repr=False)

    def fit(self, history: History) -> None:
        """Read level and reference from the panel."""
        level, reference = recent_level(history)
        self._curve = ConstantElasticity(level, reference, np.full(len(level), self.elasticity))

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""
        return fitted(self._curve).units(prices)


def recent_level(history: History) -> tuple[Floats, Floats]:
    """Mean units of the last 8 periods and the mean price paid in them, shape ``(n_offers,)``."""
    level = history.open["units_mean_8"].to_numpy(dtype=np.float64)
    return level, history.open["reference_price"].to_numpy(dtype=np.float64)


def fitted(curve: ConstantElasticity | None) -> ConstantElasticity:
    """The curve of a model that was fitted.

    Raises:
        ValueError: it was not.
    """
    if curve is None:
        raise ValueError("fit the model first")
    return curve


@dataclass
class LogLogOls:
    """log units on log price by least squares, product and market by product and market, as in a spreadsheet.

    Weeks without a sale have no logarithm. Two habits are known, to leave them out and to add a constant; the one that
    forecasts the last 8 periods better, in WAPE, is used. An offer with fewer than 12 usable weeks or one price only is
    not learnt.
    """

    name: str = "loglog_ols"
    _curve: ConstantElasticity | None = field(default=None, repr=False)

    def fit(self, history: History) -> None:
        """Choose how to treat weeks without a sale, then fit all weeks."""
        closed = history.closed
        is_before = is_before_validation(closed)
        before, after = closed[is_before], closed[~is_before]
        errors = {added: _validation_error(before, after, added) for added in (0.0, 0.5, 1.0)}
        added = min(errors, key=lambda one: errors[one])
        lines = _lines(closed, added).reindex(pd.MultiIndex.from_frame(history.offers[KEY]))
        level = np.maximum(np.exp(lines["level"].to_numpy()) - added, 1e-3)
        self._curve = ConstantElasticity(level, np.exp(lines["log_price"].to_numpy()), lines["slope"].to_numpy())

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""
        return fitted(self._curve).units(prices)


def _lines(rows: pd.DataFrame, added: float) -> pd.DataFrame:
    """Least squares of log(units + added) on log price by offer: slope, and the means it passes through."""
    used = rows[rows["units"] + added > 0.0]
    frame = used[KEY].assign(x=np.log(used["unit_price"].astype(float)), y=np.log(used["units"].astype(float) + added))
    frame["xx"], frame["xy"] = frame["x"] ** 2, frame["x"] * frame["y"]
    mean = frame.groupby(KEY).mean()
    spread = mean["xx"] - mean["x"] ** 2
    slope = (mean["xy"] - mean["x"] * mean["y"]) / spread.where(spread > 1e-8)
    enough = frame.groupby(KEY).size() >= MIN_ROWS
    lines = pd.DataFrame({"slope": slope, "log_price": mean["x"], "level": mean["y"]})
    return lines.where(enough & slope.notna())


def _validation_error(before: pd.DataFrame, after: pd.DataFrame, added: float) -> float:
    lines = _lines(before, added).reindex(pd.MultiIndex.from_frame(after[KEY]))
    log_units = lines["level"].to_numpy() + lines["slope"].to_numpy() * (
        np.log(after["unit_price"].astype(float).to_numpy()) - lines["log_price"].to_numpy()
    )
    known, sold = ~np.isnan(log_units), after["units"].to_numpy(dtype=np.float64)
    forecast = np.maximum(np.exp(np.clip(log_units[known], -20.0, 20.0)) - added, 0.0)
    return validation_wape(forecast, sold[known])


@dataclass
class HierarchicalOls:
    """Fixed effects of product and market, controls, and slopes shrunk to the category's.

    log(units + 0.5) is regressed on log price within product and market, promotions, season, holidays and temperature
    partialled out by category (Frisch and Waugh 1933). Slopes of a category are taken for draws of one normal
    distribution; each is shrunk to its mean by their variance, estimated by the method of DerSimonian and Laird (1986).
    The level is that of the last 8 periods.
    """

    name: str = "hierarchical_ols"
    _curve: ConstantElasticity | None = field(default=None, repr=False)

    def fit(self, history: History) -> None:
        """Fit category by category."""
        slopes = []
        for _, rows in history.closed.groupby("category", sort=True):
            slopes.append(_shrunk_slopes(rows))
        by_offer = pd.concat(slopes).reindex(pd.MultiIndex.from_frame(history.offers[KEY]))
        level, reference = recent_level(history)
        self._curve = ConstantElasticity(level, reference, by_offer.to_numpy(dtype=np.float64))

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`."""
        return fitted(self._curve).units(prices)


def _shrunk_slopes(rows: pd.DataFrame) -> pd.Series:
    offer = pd.MultiIndex.from_frame(rows[KEY])
    codes, offers = pd.factorize(offer)
    y = np.log(rows["units"].to_numpy(dtype=np.float64) + 0.5)
    x = np.log(rows["unit_price"].to_numpy(dtype=np.float64))
    controls = rows[list(CONTROLS)].to_numpy(dtype=np.float64)
    y, x, controls = (_within(one, codes) for one in (y, x, controls))
    projected = np.linalg.lstsq(controls, np.column_stack([y, x]), rcond=None)[0]
    y, x = y - controls @ projected[:, 0], x - controls @ projected[:, 1]
    spread = np.bincount(codes, x * x, len(offers))
    pooled = float((x * y).sum() / max((x * x).sum(), 1e-12))
    own = np.divide(
        np.bincount(codes, x * y, len(offers)), spread, out=np.full(len(offers), pooled), where=spread > 1e-8
    )
    residual = y - own[codes] * x
    noise = float((residual**2).sum() / max(len(y) - 2 * len(offers) - controls.shape[1], 1))
    weight = spread / noise
    between = _between_variance(own, weight)
    centre = np.average(own, weights=1.0 / (between + 1.0 / np.maximum(weight, 1e-12)))
    kept = between / (between + 1.0 / np.maximum(weight, 1e-12))
    return pd.Series(centre + kept * (own - centre), index=pd.MultiIndex.from_tuples(offers, names=KEY))


def _within(values: Floats, codes: npt.NDArray[np.intp]) -> Floats:
    """Deviations from the mean of each offer."""
    frame = pd.DataFrame(values if values.ndim > 1 else values[:, None])
    found = (frame - frame.groupby(codes).transform("mean")).to_numpy()
    return np.asarray(found if values.ndim > 1 else found[:, 0])


def _between_variance(own: Floats, weight: Floats) -> float:
    """DerSimonian and Laird's moment estimate of the variance of slopes, at least 0."""
    known = weight > 1e-8
    own, weight = own[known], weight[known]
    if len(own) < 2:
        return 0.0
    mean = np.average(own, weights=weight)
    excess = float((weight * (own - mean) ** 2).sum()) - (len(own) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    return max(excess / scale, 0.0) if scale > 0.0 else 0.0
