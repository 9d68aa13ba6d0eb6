"""What a price brings: expected units, revenue and profit, the value to maximise, and intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from pricelake.period_units import relative_variance_at, units_interval
from pricelake.pricing.money import TICKS_PER_UNIT, Floats, Mask, Ticks
from pricelake.pricing.rows import ELASTICITY_SDS, ExpectedUnits, PricingRows
from pricelake.settings import PricingSettings

MAX_EXPECTED = 1e12  # units or money of one product, market and period; beyond, the input is absurd


@dataclass(frozen=True)
class Expected:
    """Expectations at given prices, all float64 of one shape, (n_rows,) or (n_rows, n_steps).

    Attributes:
        units: expected units of the period.
        revenue: paid price x units.
        profit: (paid price - unit cost) x units; NaN where no cost is known.
        others: profit that the other products of the category gain over the price in force: what leaves this product
            when it becomes dearer does not all leave the shop. In proportion to the units it loses.
    """

    units: Floats
    revenue: Floats
    profit: Floats
    others: Floats

    @property
    def is_sane(self) -> Mask:
        """Where units and revenue are finite and of a believable size."""
        believable: Mask = (self.units >= 0) & (self.units <= MAX_EXPECTED) & (self.revenue <= MAX_EXPECTED)
        return believable


def expect(rows: PricingRows, prices: Ticks, expected_units: ExpectedUnits) -> Expected:
    """What each list price brings.

    Customers pay the list price less the announced discount of the period; the curve is read at what they pay.

    Args:
        rows: rows with curves.
        prices: list prices in ticks, shape (n_rows,) or (n_rows, n_steps).
        expected_units: the demand curve.
    """
    ladder = prices if prices.ndim == 2 else prices[:, None]
    paid = ladder / TICKS_PER_UNIT * rows.paid_share[:, None]
    cost = np.where(rows.has_cost, rows.unit_cost / TICKS_PER_UNIT, np.nan)[:, None]
    units = expected_units(rows.curves, paid)
    paid_now = rows.price_now / TICKS_PER_UNIT * rows.paid_share
    with np.errstate(invalid="ignore"):
        lost = expected_units(rows.curves, paid_now[:, None]) - units
    others = rows.others_profit_per_unit[:, None] * np.where(np.isfinite(lost), lost, 0.0)
    parts = (units, paid * units, (paid - cost) * units, others)
    return Expected(*(part.reshape(prices.shape) for part in parts))


def value_of(expected: Expected, settings: PricingSettings) -> Floats:
    """What is maximised: profit, revenue, units, or the mix ``sum of weight x amount`` in currency.

    Profit is that of the category: the product's own and what the others gain by its price.
    """
    match settings.objective:
        case "profit":
            return expected.profit + expected.others
        case "revenue":
            return expected.revenue
        case "units":
            return expected.units
        case "mix":
            weights: Mapping[str, float] = {str(name): rate for name, rate in settings.mix_weights.items()}
            profit = expected.profit + expected.others
            return weights.get("profit", 0.0) * profit + weights.get("revenue", 0.0) * expected.revenue


def elasticity_at(rows: PricingRows, prices: Ticks, expected_units: ExpectedUnits) -> Floats:
    """Own-price elasticity d log(units) / d log(price), by a central difference; shape (n_rows,).

    With a step of 1e-4 in log price its error is below 1e-6 for every curve the model can draw.
    """
    step = 1e-4
    paid = prices / TICKS_PER_UNIT * rows.paid_share
    units = expected_units(rows.curves, paid[:, None] * np.exp([[-step, step]]))
    slope: Floats = (np.log(units[:, 1]) - np.log(units[:, 0])) / (2 * step)
    return slope


@dataclass(frozen=True)
class Interval:
    """Ends of a central interval, ``low`` at most ``high``, both of shape (n_rows,)."""

    low: Floats
    high: Floats


@dataclass(frozen=True)
class ExpectedIntervals:
    """Intervals of what one list price brings, each with the value in ``Expected`` inside.

    Attributes:
        units: of units, whole ones.
        revenue: of revenue, currency: that of the units at either end.
        profit: of profit, currency: likewise; NaN where no cost is known.
    """

    units: Interval
    revenue: Interval
    profit: Interval


@dataclass(frozen=True)
class Intervals:
    """Central intervals of what the period brings at either price, and of the uplift that is expected of it.

    What nobody foresees of the period is in all of them, as far as it is in ``log_units_sd``. That customers buy in
    whole units is in those of the two prices. It is not in that of the uplift, which no period shows: one price alone
    is asked in it.

    Attributes:
        now: at the list price in force.
        then: at the list price recommended.
        uplift: of the expected uplift, currency.
        uplift_parts: what the uplift changes by, in currency, if the elasticity is nearer 0 than stated by one standard
            deviation of the error that is the product's own, that products of its category share, and that all
            products share, and if others of the category get more of what is lost than stated by one standard
            deviation, shape (4, n_rows). Errors of the same product, category or shop go one way: such parts add up as
            they are, the rest of the uplift's error as squares.
        is_gain_sure: whether the price recommended is the better one over the intervals of the slope and of what others
            get. How much is sold changes by how much, not which of the two is better.
    """

    now: ExpectedIntervals
    then: ExpectedIntervals
    uplift: Interval
    uplift_parts: Floats
    is_gain_sure: Mask


def intervals(
    rows: PricingRows, now: tuple[Ticks, Expected], then: tuple[Ticks, Expected], interval_rate: float
) -> Intervals:
    """Intervals from the curve's two uncertainties, that of what others get, and the count of units.

    With log units(u) = a + response(u), u = log(paid / reference price), a known up to log_units_sd and the slope up to
    elasticity_sd, independently, the mean of the period's units at one price has the relative variance
    log_units_sd^2 + (u x elasticity_sd)^2: the former is a sum of relative variances, the latter of first order. Units
    are a count around that mean (:mod:`pricelake.period_units`). At one price revenue and profit are units times a
    constant, so their ends are those of the units times that constant.

    The uplift is one of means, by the delta method. Each unit earns the
    category its margin less what others earn where it is lost; with V the units times that, the uplift
    D = V(u_then) - V(u_now) has dD/da = D, dD/d slope = V_then u_then - V_now u_now and, by what others earn,
    units_now - units_then (first-order propagation of error, Casella and Berger, Statistical Inference, 2nd ed.,
    section 5.5.4).

    Args:
        rows: rows with curves.
        now: list price in force and what it brings.
        then: list price recommended and what it brings.
        interval_rate: coverage, 0–1.
    """
    z = NormalDist().inv_cdf(0.5 + min(interval_rate, 1 - 1e-9) / 2)
    level_sd, slope_sd = rows.floats("log_units_sd"), rows.floats("elasticity_sd")
    u_now, u_then = _log_ratio(rows, now[0]), _log_ratio(rows, then[0])
    value_now, value_then = stated_value(rows, now[1]), stated_value(rows, then[1])
    per_unit = np.where(rows.has_cost, rows.others_profit_per_unit, 0.0)
    net_now, net_then = (
        np.where(rows.has_cost, one.profit, one.revenue) - per_unit * one.units for one in (now[1], then[1])
    )
    uplift = value_then - value_now
    # the same price brings the same: no uncertainty about a difference of nothing
    is_same = now[0] == then[0]
    slope = np.where(is_same, 0.0, net_then * u_then - net_now * u_now)
    diverted = np.where(is_same | ~rows.has_cost, 0.0, now[1].units - then[1].units) * rows.others_profit_per_unit_sd
    by_price = np.hypot(slope * slope_sd, diverted)
    uplift_sd = np.where(is_same, 0.0, np.hypot((net_then - net_now) * level_sd, by_price))
    return Intervals(
        _around(now[1], relative_variance_at(level_sd, u_now, slope_sd), interval_rate),
        _around(then[1], relative_variance_at(level_sd, u_then, slope_sd), interval_rate),
        Interval(uplift - z * uplift_sd, uplift + z * uplift_sd),
        np.vstack([slope * _elasticity_errors(rows), diverted]),
        uplift - z * by_price > 0,
    )


def _elasticity_errors(rows: PricingRows) -> Floats:
    """Standard deviations of the elasticity's error: the product's own, its kind's, that of all; shape (3, n_rows)."""
    whole, kind, common = (rows.floats(name) for name in ELASTICITY_SDS)
    own = np.sqrt(np.maximum(whole**2 - kind**2 - common**2, 0.0))
    return np.stack([own, kind, common])


def _around(expected: Expected, relative_variance: Floats, interval_rate: float) -> ExpectedIntervals:
    """Intervals of a count around expected units whose relative variance is given; shape (n_rows,)."""
    few, many = units_interval(expected.units, relative_variance, interval_rate)
    parts = (expected.units, expected.revenue, expected.profit)
    return ExpectedIntervals(*(_of_units(part, expected.units, few, many) for part in parts))


def _of_units(value: Floats, units: Floats, few: Floats, many: Floats) -> Interval:
    """What so few and so many units bring, where ``units`` bring ``value``; a loss is largest where many are sold."""
    each = np.divide(value, units, out=np.zeros_like(units), where=units > 0)
    # the value itself is inside, whatever division and multiplication lose of its last digit
    ends = np.stack([each * few, each * many, value])
    return Interval(ends.min(axis=0), ends.max(axis=0))


def stated_value(rows: PricingRows, expected: Expected) -> Floats:
    """The amount an uplift is stated in: profit of the product and gain of the others, or revenue without a cost."""
    return np.where(rows.has_cost, expected.profit + expected.others, expected.revenue)


def _log_ratio(rows: PricingRows, prices: Ticks) -> Floats:
    ratio: Floats = np.log(prices / TICKS_PER_UNIT * rows.paid_share / rows.curves["reference_price"])
    return ratio
