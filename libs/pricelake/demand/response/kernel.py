"""The response regression on the rows of whole categories, in NumPy.

For product and market ``i`` in period ``t``, with ``u`` the log of the price over the pair's usual list price::

    log E[units_it] = f_i + log exposure_it - e_i (u_it + r h(u_it)) + b' x_it
    h(u) = (2 / s) (softplus(s u) - log 2) - u

That is the curve of :mod:`pricelake.demand.curve` with ``low = e (1 - r)``, ``high = e (1 + r)``, ``bend = 0`` and
``steepness = s``: ``e`` is the size of the own-price elasticity at the usual price, and ``r`` by what share it is
smaller far below and larger far above; 0 is constant elasticity. ``x`` holds promotion, context, the price surprise
(:mod:`pricelake.demand.response.price_model`) and what demand was before: exponentially weighted means of *base units*,
units per full period in stock at the usual price without promotion, of the product and of its category. Persistent
demand that a seller may have seen is in them; without the correction for price they would carry the price response.

Units have the variance ``mean + a mean^2``. ``f_i`` is solved for in place, so that only its sums leave the partition
(concentrated quasi-likelihood; Cameron and Trivedi, *Regression Analysis of Count Data*, 2nd ed. 2013, section 9.4).
All steps are Newton steps of the quasi-score.

``e`` is known but for its posterior variance ``w``. What units are expected then exceeds what the mean of ``e`` says by
``exp(w (u + r h(u))^2 / 2)``, the mean over a normal posterior; a fit without it would take the scatter of products for
a curve that bends the other way (variational Poisson regression; Ormerod and Wand, *Journal of Computational and
Graphical Statistics* 21, 2012).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

STEEPNESS = 5.0
"""``s``: the elasticity is most of its way at prices a third away from the usual one."""
MEMORIES = (0.5, 0.2)
"""Weights of the last period in the exponentially weighted means of base units."""
PERIODS_BACK = 12
UNITS_FLOOR = 0.1
CATEGORY_MEMORY = 0.3
LARGEST_ERROR = 6.0
"""Standard deviations at which a residual stops to grow, so that one bulk order moves nothing by itself (Huber, *Annals
of Mathematical Statistics* 35, 1964)."""
LEVEL_STEPS = 12
BLOCK_PERIODS = 13
"""Periods whose scores may depend on each other; blocks are taken to be independent."""
LOG_MEAN_LIMITS = (-12.0, 12.0)
PAST = ("past_units_fast", "past_units_slow", "past_category_units")


@dataclass(frozen=True)
class Pack:
    """Training rows of whole categories of a market, sorted by pair and period; arrays of shape ``(n_rows,)``.

    Attributes:
        product: number of the product in the fit, 0 ….
        pair: number of product and market in the pack, 0 ….
        category: number of the category in the pack, 0 ….
        period: number of the period.
        units: units, 0 or more.
        log_exposure: log of the share of the period in stock, at most 0.
        log_price: log of price over usual list price.
        promotions: columns that are taken off base units, shape ``(n_rows, n_promotions)``.
        controls: all other known columns, shape ``(n_rows, n_controls)``.
        surprise: what moved the list price beyond expectation.
    """

    product: Indices
    pair: Indices
    category: Indices
    period: Indices
    units: Floats
    log_exposure: Floats
    log_price: Floats
    promotions: Floats
    controls: Floats
    surprise: Floats


@dataclass(frozen=True)
class Response:
    """Where the fit stands.

    Attributes:
        elasticity: sizes ``e`` by product, above 0, shape ``(n_products,)``.
        variance: of ``e``, 0 or more, same shape.
        overall: ``m`` of :mod:`pricelake.demand.response.pooling`, above 0.
        rise: ``r``, from 0 to 1.
        coefficients: ``b`` of promotions, controls, surprise and ``PAST``.
        dispersion: ``a``, above 0.
    """

    elasticity: Floats
    variance: Floats
    overall: float
    rise: float
    coefficients: Floats
    dispersion: float


@dataclass(frozen=True)
class Sums:
    """What a pass over a pack leaves; sums of several packs add up.

    Attributes:
        hessian: of coefficients and then, so that rounds converge fast, of a relative change of all elasticities
            together and of ``r``, shape ``(n + 2, n + 2)``.
        gradient: same order.
        rows: number of rows.
        pairs: number of pairs.
        squared_error: sum of squared residuals over the variance at the present dispersion.
        product: numbers of the products in the pack.
        score: of each product's ``e`` and of its own effect of the surprise, given its level, shape
            ``(n_products, 2)``.
        information: of the two, shape ``(n_products, 2, 2)``.
        block_squares: sum of squared scores of ``e`` over blocks of periods.
    """

    hessian: Floats
    gradient: Floats
    rows: int
    pairs: int
    squared_error: float
    product: Indices
    score: Floats
    information: Floats
    block_squares: float


def price_effect(log_price: Floats, elasticity: Floats, rise: float) -> Floats:
    """Log units against those at the usual price, shape of the arguments."""
    return np.asarray(-elasticity * (log_price + rise * _bow(log_price)))


def _bow(log_price: Floats) -> Floats:
    """``h``: 0 at the usual price and above 0 on both sides."""
    return np.asarray(2.0 / STEEPNESS * (np.logaddexp(0.0, STEEPNESS * log_price) - math.log(2.0)) - log_price)


def one_pass(pack: Pack, now: Response) -> Sums:
    """Sums of the next Newton step.

    Args:
        pack: rows.
        now: where the fit stands.
    """
    size, unsure = now.elasticity[pack.product], now.variance[pack.product]
    bow = _bow(pack.log_price)
    per_size = -(pack.log_price + now.rise * bow)
    effect = size * per_size
    columns = np.column_stack([pack.promotions, pack.controls, pack.surprise, *past_demand(pack, now, effect)])
    fixed = effect + 0.5 * unsure * per_size**2 + pack.log_exposure + columns @ now.coefficients
    mean = np.exp(np.clip(fixed + _levels(pack, fixed, now.dispersion)[pack.pair], *LOG_MEAN_LIMITS))
    weight = mean / (1.0 + now.dispersion * mean)
    error = _bounded_error(pack.units, mean, now.dispersion)
    together = per_size * now.overall
    slopes = _within(np.column_stack([columns, together, -size * bow]), pack.pair, weight)
    own = _within(np.column_stack([per_size, pack.surprise]), pack.pair, weight)
    score = own * (weight * error)[:, None]
    gradient = slopes.T @ (weight * error)
    gradient[-1] += np.sum(weight * unsure * per_size * bow)
    product, place = np.unique(pack.product, return_inverse=True)
    block = place * (int(pack.period.max()) // BLOCK_PERIODS + 1) + pack.period // BLOCK_PERIODS
    return Sums(
        hessian=slopes.T @ (weight[:, None] * slopes),
        gradient=gradient,
        rows=len(mean),
        pairs=int(pack.pair.max()) + 1,
        squared_error=float(np.sum(error**2 * weight)),
        product=product,
        score=np.column_stack([np.bincount(place, part) for part in score.T]),
        information=_crossed(own, weight, place),
        block_squares=float(np.sum(np.bincount(block, score[:, 0]) ** 2)),
    )


def past_demand(pack: Pack, now: Response, effect: Floats) -> tuple[Floats, Floats, Floats]:
    """``PAST`` of each row: logs of past base units over the pair's, or the category's, own mean.

    Args:
        pack: rows.
        now: where the fit stands.
        effect: :func:`price_effect` of the rows.
    """
    promoted = pack.promotions @ now.coefficients[: pack.promotions.shape[1]]
    base = pack.units * np.exp(-effect - promoted - pack.log_exposure)
    usual = np.bincount(pack.pair, base) / np.bincount(pack.pair)
    relative = base / np.maximum(usual, 1e-9)[pack.pair]
    fast, slow = (_before(relative, pack.pair, pack.period, memory) for memory in MEMORIES)
    first = int(pack.period.min())
    periods = int(pack.period.max()) - first + 1
    table = np.zeros((int(pack.category.max()) + 1, periods))
    np.add.at(table, (pack.category, pack.period - first), base)
    table = table / np.maximum(table.mean(axis=1, keepdims=True), 1e-9)
    whole = np.repeat(np.arange(len(table)), periods), np.tile(np.arange(periods), len(table))
    of_category = _before(table.ravel(), whole[0], whole[1], CATEGORY_MEMORY).reshape(table.shape)
    category = of_category[pack.category, pack.period - first]
    return np.log(fast + UNITS_FLOOR), np.log(slow + UNITS_FLOOR), np.log(category + UNITS_FLOOR)


def _before(values: Floats, series: Indices, period: Indices, memory: float) -> Floats:
    """Exponentially weighted mean of the periods before each row; 1 where there are none."""
    total, weights = np.zeros(len(values)), np.zeros(len(values))
    for back in range(1, min(PERIODS_BACK, len(values) - 1) + 1):
        apart = period[back:] - period[:-back]
        is_known = (series[back:] == series[:-back]) & (apart <= PERIODS_BACK)
        weight = np.where(is_known, (1.0 - memory) ** (np.maximum(apart, 1) - 1.0), 0.0)
        total[back:] += weight * values[:-back]
        weights[back:] += weight
    return np.where(weights > 0.0, total / np.where(weights > 0.0, weights, 1.0), 1.0)


def _levels(pack: Pack, fixed: Floats, dispersion: float) -> Floats:
    """``f`` of each pair at which its quasi-score is 0; pairs that sold nothing get half a unit."""
    sold = np.maximum(np.bincount(pack.pair, pack.units), 0.5)
    level = np.log(sold / np.bincount(pack.pair, np.exp(np.clip(fixed, *LOG_MEAN_LIMITS))))
    for _ in range(LEVEL_STEPS):
        mean = np.exp(np.clip(fixed + level[pack.pair], *LOG_MEAN_LIMITS))
        weight = mean / (1.0 + dispersion * mean)
        error = _bounded_error(pack.units, mean, dispersion)
        step = np.bincount(pack.pair, weight * error) / np.bincount(pack.pair, weight)
        level = level + np.clip(step, -1.0, 1.0)
    return np.asarray(level)


def _bounded_error(units: Floats, mean: Floats, dispersion: float) -> Floats:
    """Relative residuals, bounded at ``LARGEST_ERROR`` standard deviations of the units."""
    deviation = np.sqrt(1.0 / mean + dispersion)
    return np.clip((units - mean) / mean, -LARGEST_ERROR * deviation, LARGEST_ERROR * deviation)


def _crossed(columns: Floats, weight: Floats, number: Indices) -> Floats:
    """Sums of weighted products of columns by number, shape ``(n_numbers, n_columns, n_columns)``."""
    each = [[np.bincount(number, weight * one * other) for other in columns.T] for one in columns.T]
    return np.moveaxis(np.array(each), -1, 0)


def _within(columns: Floats, pair: Indices, weight: Floats) -> Floats:
    """Columns less their weighted means by pair."""
    total = np.bincount(pair, weight)
    means = np.column_stack([np.bincount(pair, weight * column) / total for column in columns.T])
    return np.asarray(columns - means[pair])
