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

Past demand is a function of the parameters: base units of the past are what was sold less what price and promotion did
to it. The slope of ``log E[units_t]`` in ``e`` is therefore not ``-(u_t + r h(u_t))`` but that less what the past
already says, a quasi-difference (Cochrane and Orcutt, *Journal of the American Statistical Association* 44, 1949): a
price that stays tells little more in its tenth period than in its ninth. Without it estimates look surer than they are,
and those of single products stay too near the others. Slopes in ``r`` and in the promotions are differenced alike.
Past list prices are in the quasi-difference too, and those that no instrument moved may have followed demand as much as
today's: their quasi-difference stands in ``x`` beside the surprise.

``e`` is known but for its posterior variance ``w``. What units are expected then exceeds what the mean of ``e`` says by
``exp(w (u + r h(u))^2 / 2)``, the mean over a normal posterior; a fit without it would take the scatter of products for
a curve that bends the other way (variational Poisson regression; Ormerod and Wand, *Journal of Computational and
Graphical Statistics* 21, 2012).
"""

import math
from dataclasses import dataclass

import numpy as np

from pricelake.demand.response.layout import OWN_PAST, RISE
from pricelake.demand.response.pack import NOT_IN_STOCK, Floats, Indices, Pack, Response
from pricelake.demand.response.past import past_demand

STEEPNESS = 5.0
"""``s``: the elasticity is most of its way at prices a third away from the usual one."""
LARGEST_ERROR = 6.0
"""Standard deviations at which a residual stops to grow, so that one bulk order moves nothing by itself (Huber, *Annals
of Mathematical Statistics* 35, 1964)."""
LEVEL_STEPS = 12
BLOCK_PERIODS = 13
"""Periods whose scores may depend on each other; blocks are taken to be independent."""
LEAST_SHARE, TINY = 1e-9, 1e-12
"""What is added to information that is to be inverted: columns that never move have none."""
LOG_MEAN_LIMITS = (-12.0, 12.0)


@dataclass(frozen=True)
class Sums:
    """What a pass over a pack leaves; sums of several packs add up.

    Attributes:
        hessian: in the order of :mod:`pricelake.demand.response.layout`, shape ``(n + 2, n + 2)`` for ``n``
            coefficients; elasticities together and ``r`` are in it so that rounds converge fast.
        gradient: same order.
        rows: number of rows that say something: not those without any stock.
        pairs: number of pairs.
        squared_error: sum of squared residuals over the variance at the present dispersion.
        product: numbers of the products in the pack.
        score: of each product's ``e`` and of its own effect of the surprise, given its level, shape
            ``(n_products, 2)``.
        information: of the two, shape ``(n_products, 2, 2)``.
        clean: information on ``e`` that neither the surprise nor past list prices that no instrument moved share, shape
            ``(n_products,)``.
        block_squares: sum of squared scores of ``e`` over blocks of a pair's periods, each less its share, by
            information, of the pair's whole score: what a pair's own ``e`` and surprise would explain is no dependence.
        shared_squares: the same of what the pairs of a category have together in a block.
        block_information: what both would be if no period depended on another and no pair on another.
        category: numbers of the categories in the pack.
        category_score: of the promotion effects in each of them, shape ``(n_categories, n_promotions)``.
        category_information: of these with all columns of ``hessian``, of which promotions are the first, shape
            ``(n_categories, n_promotions, n + 2)``.
    """

    hessian: Floats
    gradient: Floats
    rows: int
    pairs: int
    squared_error: float
    product: Indices
    score: Floats
    information: Floats
    clean: Floats
    block_squares: float
    shared_squares: float
    block_information: float
    category: Indices
    category_score: Floats
    category_information: Floats


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
    past = past_demand(pack, now, effect)
    promotions = pack.promotions.shape[1]
    of_size, of_bow, of_list = promotions, promotions + 1, promotions + 2
    effects = np.column_stack([pack.promotions, per_size, bow, pack.uninstrumented])
    in_past = past.slopes(effects)
    past_list = in_past[:, :, of_list].T
    beside = np.column_stack([pack.controls, past_list, pack.surprise, past.columns])
    known = past.promoted + beside @ now.coefficients[promotions:]
    fixed = effect + 0.5 * unsure * per_size**2 + pack.log_exposure + known
    mean = np.exp(np.clip(fixed + _levels(pack, fixed, now.dispersion)[pack.pair], *LOG_MEAN_LIMITS))
    weight = mean / (1.0 + now.dispersion * mean)
    error = _bounded_error(pack.units, mean, now.dispersion)
    differenced = effects + np.tensordot(now.coefficients[OWN_PAST], in_past, axes=1)
    in_size, in_bow = differenced[:, of_size], differenced[:, of_bow]
    together = [in_size * now.overall, -size * in_bow]
    slopes = _within(np.column_stack([differenced[:, :promotions], beside, *together]), pack.pair, weight)
    own = _within(np.column_stack([in_size, pack.surprise, past_list]), pack.pair, weight)
    score = own[:, :2] * (weight * error)[:, None]
    gradient = slopes.T @ (weight * error)
    gradient[RISE] += np.sum(weight * unsure * per_size * bow)
    product, place = np.unique(pack.product, return_inverse=True)
    category, category_score, category_information = _by_category(slopes, weight, error, pack, now.category)
    information = _crossed(own, weight, place)
    blocks = _blocks(pack, score[:, 0], weight * own[:, 0] ** 2)
    return Sums(
        hessian=slopes.T @ (weight[:, None] * slopes),
        gradient=gradient,
        rows=int(np.count_nonzero(pack.log_exposure > NOT_IN_STOCK)),
        pairs=int(pack.pair.max()) + 1,
        squared_error=float(np.sum(error**2 * weight)),
        product=product,
        score=np.column_stack([np.bincount(place, part) for part in score.T]),
        information=information[:, :2, :2],
        clean=_left(information),
        block_squares=blocks[0],
        shared_squares=blocks[1],
        block_information=blocks[2],
        category=category,
        category_score=category_score,
        category_information=category_information,
    )


def _blocks(pack: Pack, score: Floats, information: Floats) -> tuple[float, float, float]:
    """``block_squares``, ``shared_squares`` and ``block_information`` of the rows' scores and information."""
    length = int(pack.period.max()) // BLOCK_PERIODS + 1
    shape = (int(pack.pair.max()) + 1, length)
    block = pack.pair * length + pack.period // BLOCK_PERIODS
    scored, known = (
        np.bincount(block, rows, minlength=shape[0] * length).reshape(shape) for rows in (score, information)
    )
    whole = known.sum(axis=1, keepdims=True)
    share = known / np.where(whole > 0.0, whole, 1.0)
    apart = scored - share * scored.sum(axis=1, keepdims=True)
    category = np.zeros(shape[0], dtype=np.int64)
    category[pack.pair] = pack.category
    together = np.zeros((int(category.max()) + 1, length))
    np.add.at(together, category, apart)
    return float(np.sum(apart**2)), float(np.sum(together**2)), float(np.sum(known * (1.0 - share)))


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


def _by_category(
    slopes: Floats, weight: Floats, error: Floats, pack: Pack, category: Indices
) -> tuple[Indices, Floats, Floats]:
    """``category``, ``category_score`` and ``category_information`` of rows that are sorted by category."""
    promotions = pack.promotions.shape[1]
    starts = np.flatnonzero(np.diff(pack.category, prepend=-1))
    numbers, place = np.unique(category[pack.product[starts]], return_inverse=True)
    score = np.zeros((len(numbers), promotions))
    information = np.zeros((len(numbers), promotions, slopes.shape[1]))
    for number, first, last in zip(place, starts, [*starts[1:], len(weight)], strict=True):
        own = slopes[first:last, :promotions] * weight[first:last, None]
        score[number] += own.T @ error[first:last]
        information[number] += own.T @ slopes[first:last]
    return numbers, score, information


def _crossed(columns: Floats, weight: Floats, number: Indices) -> Floats:
    """Sums of weighted products of columns by number, shape ``(n_numbers, n_columns, n_columns)``; symmetric."""
    size = columns.shape[1]
    found = np.empty((int(number.max()) + 1, size, size))
    for row, column in zip(*np.triu_indices(size), strict=True):
        found[:, row, column] = np.bincount(number, weight * columns[:, row] * columns[:, column])
        found[:, column, row] = found[:, row, column]
    return found


def _left(information: Floats) -> Floats:
    """Information on the first of several effects that the others do not share: Schur complements."""
    beside, crossed = information[:, 1:, 1:], information[:, 1:, 0]
    held = LEAST_SHARE * np.trace(beside, axis1=1, axis2=2) + TINY
    explained = np.linalg.solve(beside + held[:, None, None] * np.eye(beside.shape[1]), crossed[:, :, None])[:, :, 0]
    return np.asarray(np.maximum(information[:, 0, 0] - np.sum(crossed * explained, axis=1), 0.0))


def _within(columns: Floats, pair: Indices, weight: Floats) -> Floats:
    """Columns less their weighted means by pair."""
    total = np.bincount(pair, weight)
    means = np.column_stack([np.bincount(pair, weight * column) / total for column in columns.T])
    return np.asarray(columns - means[pair])
