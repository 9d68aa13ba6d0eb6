"""Demand curves: one guessed elasticity, one regression per product, and slopes shrunk to their category's."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats, History
from pricelake.evaluation.contenders.regressors import KEY, Sample, read_sample, with_demand
from pricelake.evaluation.contenders.shrinkage import shrink
from pricelake.evaluation.contenders.validation import is_before_validation, validation_wape

MIN_ROWS = 12
LEVEL_PERIODS = 8
RATES = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6)
"""Weight of the newest period in a level."""
SERIAL_PERIODS = 8


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
class FittedCurve:
    """A demand model whose fit leaves one curve of constant elasticity for each offer."""

    _curve: ConstantElasticity | None = field(default=None, init=False, repr=False)

    def units(self, prices: Floats) -> Floats:
        """See :class:`pricelake.evaluation.contenders.interface.DemandModel`.

        Raises:
            ValueError: the model was not fitted.
        """
        if self._curve is None:
            raise ValueError("fit the model first")
        return self._curve.units(prices)


@dataclass
class GuessedElasticity(FittedCurve):
    """Mean units of the last 8 periods at their mean price, and one elasticity for everything.

    Attributes:
        elasticity: below 0.
    """

    elasticity: float = -3.0
    name: str = "guessed_elasticity"

    def fit(self, history: History) -> None:
        """Read level and reference from the panel."""
        level, reference = recent_level(history)
        self._curve = ConstantElasticity(level, reference, np.full(len(level), self.elasticity))


def recent_level(history: History) -> tuple[Floats, Floats]:
    """Mean units of each offer's last 8 closed periods and the mean price paid in them, shape ``(n_offers,)``.

    Units are counted as sold: the panel's ``units_mean_8`` is of winsorised ones, of which a rule of thumb knows
    nothing.

    Returns:
        level and price; NaN where an offer has no closed period.
    """
    last = history.closed.sort_values("period_start", kind="stable").groupby(KEY).tail(LEVEL_PERIODS)
    level = last.groupby(KEY)["units"].mean().reindex(pd.MultiIndex.from_frame(history.offers[KEY]))
    return level.to_numpy(dtype=np.float64), history.open["reference_price"].to_numpy(dtype=np.float64)


def level_at(rows: pd.DataFrame, slopes: pd.Series, offers: pd.DataFrame) -> ConstantElasticity:
    """The curve of given slopes through each offer's exponentially smoothed demand, after its last usable period.

    Level = smoothed demand / smoothed (price / reference) ^ slope, so that a week of low prices is no week of high
    demand. How fast it forgets is chosen by one-step WAPE of the last 8 periods (Gardner 2006, *International Journal
    of Forecasting* 22), one rate for all.

    Args:
        rows: of :func:`pricelake.evaluation.contenders.regressors.with_demand`.
        slopes: elasticity by product and market; NaN or absent: not learnt.
        offers: of a history.
    """
    rows = rows.sort_values([*KEY, "period_start"], kind="stable").reset_index(drop=True)
    slope = slopes.reindex(pd.MultiIndex.from_frame(rows[KEY])).to_numpy(dtype=np.float64)
    last = rows.groupby(KEY).tail(LEVEL_PERIODS).groupby(KEY)["price"].mean()
    reference = last.reindex(pd.MultiIndex.from_frame(rows[KEY])).to_numpy()
    used = rows[[*KEY, "demand"]].assign(ratio=(rows["price"].to_numpy() / reference) ** slope)
    used = used[~np.isnan(slope)]
    is_last = ~is_before_validation(rows)[~np.isnan(slope)]
    levels = {rate: _smoothed(used, rate) for rate in RATES}
    errors = {rate: _one_step_error(used, level, is_last) for rate, level in levels.items()}
    level = levels[min(errors, key=lambda one: errors[one])]
    wanted = pd.MultiIndex.from_frame(offers[KEY])
    now = level.groupby([used[name] for name in KEY]).last()
    return ConstantElasticity(
        now.reindex(wanted).to_numpy(dtype=np.float64),
        last.reindex(wanted).to_numpy(dtype=np.float64),
        slopes.reindex(wanted).to_numpy(dtype=np.float64),
    )


def with_newcomers(curve: ConstantElasticity, offers: pd.DataFrame) -> ConstantElasticity:
    """Products without usable periods sell like their category in their market at the price in force.

    Level and elasticity are the category's geometric and arithmetic mean; NaN where the category has none either.
    """
    known = ~np.isnan(curve.level) & ~np.isnan(curve.elasticity)
    selling = known & (curve.level > 0.0)
    logs = pd.DataFrame(
        {
            "level": np.log(np.where(selling, curve.level, 1.0)),
            "elasticity": np.where(known, curve.elasticity, np.nan),
        }
    )
    logs.loc[~selling, "level"] = np.nan
    means = logs.groupby([offers[name].to_numpy() for name in ("market_id", "category")]).transform("mean")
    return ConstantElasticity(
        np.where(known, curve.level, np.exp(means["level"].to_numpy())),
        np.where(known, curve.reference, offers["price_now"].to_numpy(dtype=np.float64)),
        np.where(known, curve.elasticity, means["elasticity"].to_numpy()),
    )


def _smoothed(used: pd.DataFrame, rate: float) -> pd.Series:
    """Level of each row's offer after its period."""
    smooth = (
        used.groupby(KEY)[["demand", "ratio"]]
        .ewm(alpha=rate)
        .mean()
        .reset_index(level=[0, 1], drop=True)
        .reindex(used.index)
    )
    return smooth["demand"] / smooth["ratio"]


def _one_step_error(used: pd.DataFrame, level: pd.Series, is_last: npt.NDArray[np.bool_]) -> float:
    before = level.groupby([used[name] for name in KEY]).shift(1)
    known = is_last & before.notna().to_numpy()
    forecast = (before * used["ratio"]).to_numpy()[known]
    return validation_wape(forecast, used["demand"].to_numpy()[known])


@dataclass
class LogLogOls(FittedCurve):
    """log demand on log price by least squares, product and market by product and market, as in a spreadsheet.

    Weeks that sold out count with what they would have sold in a whole week. Weeks without a sale have no logarithm.
    Two habits are known, to leave them out and to add a constant; the one that forecasts the last 8 periods better, in
    WAPE, is used, and the elasticity is that of the curve which did, exp(a + b log price) - constant, at the mean. An
    offer with fewer than 12 usable weeks or one price only is not learnt.
    """

    name: str = "loglog_ols"

    def fit(self, history: History) -> None:
        """Choose how to treat weeks without a sale, then fit all weeks."""
        rows = with_demand(history.closed)
        is_before = is_before_validation(rows)
        before, after = rows[is_before], rows[~is_before]
        errors = {added: _validation_error(before, after, added) for added in (0.0, 0.5, 1.0)}
        added = min(errors, key=lambda one: errors[one])
        lines = _lines(rows, added)
        middle = np.exp(lines["level"])
        slopes = lines["slope"] * middle / np.maximum(middle - added, 0.5 * middle)
        self._curve = level_at(rows, slopes, history.offers)


def _lines(rows: pd.DataFrame, added: float) -> pd.DataFrame:
    """Least squares of log(demand + added) on log price by offer: slope, and the means it passes through."""
    used = rows[rows["demand"] + added > 0.0]
    frame = used[KEY].assign(x=np.log(used["price"]), y=np.log(used["demand"] + added))
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
        np.log(after["price"].to_numpy()) - lines["log_price"].to_numpy()
    )
    known, wanted = ~np.isnan(log_units), after["demand"].to_numpy(dtype=np.float64)
    forecast = np.maximum(np.exp(np.clip(log_units[known], -20.0, 20.0)) - added, 0.0)
    return validation_wape(forecast, wanted[known])


@dataclass
class HierarchicalOls(FittedCurve):
    """Fixed effects of product and market, controls, and slopes shrunk to the category's.

    Log demand is regressed on log price within product and market; promotional support, season, holidays, weather,
    trend, the category's other prices and competitors' prices are partialled out by category (Frisch and Waugh 1933).
    Slopes are shrunk to their category's mean, and that to the mean of all, by their variances
    (:func:`pricelake.evaluation.contenders.shrinkage.shrink`). The level is smoothed.
    """

    name: str = "hierarchical_ols"

    def fit(self, history: History) -> None:
        """Least squares offer by offer, then shrink."""
        sample = read_sample(history.closed)
        category = sample.rows["category"].groupby(sample.codes).first()
        own, variance = _own_slopes(sample)
        slopes = pd.Series(shrink(own, variance, pd.factorize(category)[0]), sample.offers)
        self._curve = with_newcomers(level_at(sample.rows, slopes, history.offers), history.offers)


def _own_slopes(sample: Sample) -> tuple[Floats, Floats]:
    """Slope of each offer and its variance, infinite where the price did not move; both shape ``(n_offers,)``."""
    y, x = sample.log_demand.copy(), sample.log_price.copy()
    for rows in sample.rows.groupby("category", sort=True).indices.values():
        controls = sample.controls[rows]
        shares = np.linalg.lstsq(controls, np.column_stack([y[rows], x[rows]]), rcond=None)[0]
        y[rows], x[rows] = y[rows] - controls @ shares[:, 0], x[rows] - controls @ shares[:, 1]
    number = len(sample.offers)
    spread = np.bincount(sample.codes, x * x, number)
    moved = spread > 1e-4
    own = np.divide(np.bincount(sample.codes, x * y, number), spread, out=np.zeros(number), where=moved)
    residual = y - own[sample.codes] * x
    weeks = np.bincount(sample.codes, minlength=number)
    # an offer of few weeks has too small residuals of its own: it borrows those of all
    freedom = np.maximum(weeks - 2.0, 0.0)
    usual = float((residual**2).sum() / max(freedom.sum(), 1.0))
    noise = (np.bincount(sample.codes, residual**2, number) + MIN_ROWS * usual) / (freedom + MIN_ROWS)
    noise = noise * serial_inflation(x * residual, sample.codes)
    return own, np.divide(noise, spread, out=np.full(number, np.inf), where=moved)


def serial_inflation(score: Floats, codes: npt.NDArray[np.intp]) -> float:
    """How much larger slopes' variance is than without serial correlation, 1 or more.

    Newey and West (1987, *Econometrica* 55, eq. 5) with 8 lags over the variance without lags, both summed over offers.

    Args:
        score: regressor times residual of each row, by offer and period, shape ``(n_rows,)``.
        codes: offer of each row, shape ``(n_rows,)``.
    """
    total = plain = float((score**2).sum())
    for lag in range(1, SERIAL_PERIODS + 1):
        same = codes[lag:] == codes[:-lag]
        total += 2.0 * (1.0 - lag / (SERIAL_PERIODS + 1.0)) * float((score[lag:] * score[:-lag])[same].sum())
    return max(total / plain, 1.0) if plain > 0.0 else 1.0
