"""What regressions read from closed periods: demand that stock did not cut, prices asked, and what else moves demand.

Left out on purpose are columns that announce the price itself (``price_cut_rate``, ``promotion_depth_rate``,
``announced_discount_rate``, ``discount_rate``): held fixed, they leave no promotion to learn from and only the list
prices, which follow demand. Past units are left out too: they answer past prices, hence past costs, and holding them
fixed takes away part of what a lasting price does.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pricelake.evaluation.contenders.interface import Floats

KEY = ["product_id", "market_id"]
ADDED = 0.5
LEAST_AVAILABLE = 1.0 / 7.0
SUPPORT = ("display_rate", "feature_rate", "coupon_rate")
CALENDAR = (
    *("holiday_days", "season_sin_1", "season_cos_1", "season_sin_2", "season_cos_2"),
    *("temperature_c", "precipitation_mm"),
)
N_CONTROLS = len(SUPPORT) + len(CALENDAR) + 4


@dataclass(frozen=True)
class Sample:
    """Usable closed rows by offer and period, as deviations from their offer's mean.

    Attributes:
        rows: of the panel, with ``demand`` (units per week in stock) and ``price`` (paid, or asked where nobody paid).
        offers: product and market, in the order of ``codes``.
        codes: offer of each row, shape ``(n_rows,)``.
        log_demand: see :func:`log_demand`, shape ``(n_rows,)``.
        log_price: shape ``(n_rows,)``.
        log_cost: shape ``(n_rows,)``; NaN where cost is unknown.
        controls: promotional support, calendar and weather, trend, log views, other products' and competitors' log
            prices, shape ``(n_rows, N_CONTROLS)``. Views show demand that prices may have followed.
    """

    rows: pd.DataFrame
    offers: pd.MultiIndex
    codes: npt.NDArray[np.intp]
    log_demand: Floats
    log_price: Floats
    log_cost: Floats
    controls: Floats


def read_sample(closed: pd.DataFrame) -> Sample:
    """Correct demand and prices, drop weeks hardly in stock, and take offers' means away.

    Args:
        closed: closed rows of ``gold.demand_panel``.
    """
    rows = with_demand(closed).sort_values([*KEY, "period_start"], kind="stable").reset_index(drop=True)
    codes, offers = pd.factorize(pd.MultiIndex.from_frame(rows[KEY]))
    log_price = within(np.log(rows["price"].to_numpy(dtype=np.float64)), codes)
    rival = np.log(rows["list_price"].to_numpy(dtype=np.float64) / rows["competitor_index"].to_numpy(dtype=np.float64))
    rival = np.where(rows["is_competitor_missing"].to_numpy(dtype=bool), np.nan, rival)
    start = pd.to_datetime(rows["period_start"])
    years = ((start - start.min()).dt.days / 365.25).to_numpy(dtype=np.float64)
    known = rows[[*SUPPORT, *CALENDAR]].to_numpy(dtype=np.float64)
    views = np.log1p(rows["views"].to_numpy(dtype=np.float64))
    others = _others_log_price(rows, log_price)
    return Sample(
        rows=rows,
        offers=pd.MultiIndex.from_tuples(list(offers), names=KEY),
        codes=codes,
        log_demand=log_demand(rows, codes),
        log_price=log_price,
        log_cost=within(np.log(rows["unit_cost"].to_numpy(dtype=np.float64)), codes),
        controls=np.nan_to_num(within(np.column_stack([known, years, views, others, rival]), codes)),
    )


def with_demand(closed: pd.DataFrame) -> pd.DataFrame:
    """Rows in stock for a day or more, with two columns more.

    ``demand`` is units over availability: a week that sold out at noon on Thursday tells of half a week's demand; to
    leave it out would leave out weeks because demand was high. ``price`` is the price paid; where nothing was sold, the
    list price less the promotion, since the panel carries forward what was paid weeks ago.
    """
    rows = closed[closed["availability_rate"].to_numpy(dtype=np.float64) >= LEAST_AVAILABLE]
    asked = rows["list_price"].astype(float) * (1.0 - rows["announced_discount_rate"].astype(float))
    is_paid = rows["is_price_observed"].astype(bool)
    return rows.assign(
        demand=rows["units"].astype(float) / rows["availability_rate"].astype(float),
        price=rows["unit_price"].astype(float).where(is_paid, asked),
    )


def log_demand(rows: pd.DataFrame, codes: npt.NDArray[np.intp]) -> Floats:
    """log(demand + 1/2) over its response to log expected demand, as deviations from offers' means.

    Where few units are sold, f(u) = log(u + 1/2) moves by less than the log of what is expected. For Poisson counts
    d E[f(u)] / d log(mean) = mean E[f(u + 1) - f(u)] = E[u (f(u) - f(u - 1))] (Chen 1975, *Annals of Probability* 3,
    eq. 2.1), an average over an offer's weeks: near 1 from three units a week on, 2/3 at one unit.
    """
    units = rows["units"].to_numpy(dtype=np.float64)
    whole = np.maximum(units, 1.0)
    answer = np.minimum(units, 1.0) * whole * np.log((whole + ADDED) / (whole - 1.0 + ADDED))
    response = pd.Series(answer).groupby(codes).transform("mean").to_numpy()
    log = within(np.log(rows["demand"].to_numpy(dtype=np.float64) + ADDED), codes)
    return np.asarray(log / np.maximum(response, 0.2))


def within(values: Floats, codes: npt.NDArray[np.intp]) -> Floats:
    """Deviations from the mean of each offer, which leaves NaN out; shape of ``values``."""
    frame = pd.DataFrame(values if values.ndim > 1 else values[:, None])
    found = (frame - frame.groupby(codes).transform("mean")).to_numpy()
    return np.asarray(found if values.ndim > 1 else found[:, 0])


def _others_log_price(rows: pd.DataFrame, log_price: Floats) -> Floats:
    """Mean deviation of the category's other products' log prices in the same market and period; 0 without others."""
    grouped = pd.Series(log_price).groupby([rows[name] for name in ("market_id", "category", "period_start")])
    others = grouped.transform("size").to_numpy() - 1.0
    return np.asarray((grouped.transform("sum").to_numpy() - log_price) / np.maximum(others, 1.0))
