"""Rounds of the response regression: a pass over the rows, a Newton step, partial pooling of the products.

The products' own estimates take the coefficients as known. Where surprises alone move prices, the two go together: rows
tell their difference, and a fit would wander along that line, to any elasticity. So as much of the elasticity that all
have in common is what is believed of it before as rows leave open, with coefficients as uncertain as they are.

The rounds alternate until coefficients and rise stand still. Elasticities are those of
:mod:`pricelake.demand.response.pooling` at every round, so that a product with little evidence pulls neither the
coefficients nor the others with it. At the end they are a fixed point: the posterior mean under a normal prior whose
variances the products' own estimates give (empirical Bayes by penalised quasi-likelihood; Breslow and Clayton, *Journal
of the American Statistical Association* 88, 1993).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pricelake.demand.response.between import LEAST_INFORMATION, Between, started
from pricelake.demand.response.kernel import Sums
from pricelake.demand.response.layout import COEFFICIENTS, RISE, TOGETHER
from pricelake.demand.response.pack import Floats, Indices, Response
from pricelake.demand.response.pooling import CONSTANT_SD, OwnEstimates, Pooled, pool

MAX_ROUNDS = 40
TOLERANCE = 5e-3
LEAST_RISE, LARGEST_RISE = 0.0, 0.8
LARGEST_STEP = 0.5
VARIANCE_ROUNDS = 10
LEAST_PACE = 0.125
LARGEST_BELIEF = 1.0 - 1e-6
START_DISPERSION = 0.3
SIZES_PER_LOG = 10.0
"""Elasticities that move by 1 (root mean square) count like a coefficient that moves by 0.1: prices move by a tenth."""


@dataclass(frozen=True)
class Prior:
    """What is believed before the rows are seen.

    Attributes:
        elasticity: size to start from, above 0.
        rise: mean of the rise of elasticity along the curve, 0–1.
        rise_sd: its standard deviation, above 0.
        feature_sd: of the coefficients of product features on the relative elasticity, above 0.
        surprise_sd: of the effect of the price surprise in a category around that of all, and of a product's own around
            that of its category, above 0. Not every price is set with the same eye on demand; the wider this is, the
            less an elasticity rests on price moves that nobody can explain.
        smallest: size below which no elasticity is taken to be, above 0.
        largest: size above which none is.
    """

    elasticity: float
    rise: float
    rise_sd: float
    feature_sd: float
    surprise_sd: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class Start:
    """Where rounds begin.

    Attributes:
        response: of the products and categories of the fit.
        pooled: from whose variances pooling goes on; None: from none.
        promotion_variance: of the effect of each promotion between categories, shape ``(n_promotions,)``.
    """

    response: Response
    pooled: Pooled | None
    promotion_variance: Floats


@dataclass(frozen=True)
class Fitted:
    """A finished response regression.

    Attributes:
        response: elasticities after pooling, rise, coefficients, dispersion.
        pooled: the posterior of elasticities.
        own_variance: of each product's own estimate, infinite without price changes, shape ``(n_products,)``.
        common_sd: standard error of all elasticities together, each moved by as much, with coefficients and rise as
            uncertain as the rows leave them.
        promotion_variance: of the effect of each promotion between categories, shape ``(n_promotions,)``.
        promotion_sd: standard error of the effect of each promotion in each category, shape
            ``(n_categories, n_promotions)``.
        other_promotion_sd: standard deviation of the effects in a category that was not seen, shape
            ``(n_promotions,)``.
        inflation: how much wider own estimates are than independent periods would make them, at least 1.
        shared_inflation: the same of what products of a category, or all, have together: it is wider by what moves the
            demand of a whole category, at least ``inflation``.
        rounds: passes over the rows.
        converged: whether the last step was below the tolerance.
    """

    response: Response
    pooled: Pooled
    own_variance: Floats
    common_sd: float
    promotion_variance: Floats
    promotion_sd: Floats
    other_promotion_sd: Floats
    inflation: float
    shared_inflation: float
    rounds: int
    converged: bool


def fit_response(
    one_pass: Callable[[Response], Sums],
    coefficient_sd: Floats,
    features: Floats,
    blocks: Sequence[str],
    groups: Mapping[str, Indices],
    prior: Prior,
    varies: npt.NDArray[np.bool_],
    on_round: Callable[[int, int], None] | None = None,
    start: Start | None = None,
) -> Fitted:
    """Fit the response regression.

    Args:
        one_pass: sums over all rows; see :func:`pricelake.demand.response.kernel.one_pass` and :func:`add_up`.
        coefficient_sd: prior standard deviations of the coefficients around 0, above 0, one for each.
        features: of the products, see :func:`pricelake.demand.response.pooling.pool`.
        blocks: of the features, see there.
        groups: of the products; ``category`` among them.
        prior: what is believed before.
        varies: whether the effect of each promotion differs between categories, shape ``(n_promotions,)``.
        on_round: told the round and the most there can be.
        start: where to begin, the end of a fit of like rows; None: at what is believed before. The end is the same,
            and a near start is sooner there.
    """
    if start is None:
        believed = _believed(prior, groups["category"], len(coefficient_sd), len(varies))
        start = Start(believed, None, started(varies))
    now, before, between_variance = start.response, start.pooled, start.promotion_variance
    pace, rise_before = 1.0, 0.0
    for rounds in range(1, MAX_ROUNDS + 1):
        if on_round is not None:
            on_round(rounds, MAX_ROUNDS)
        sums = one_pass(now)
        inflation, shared = _inflations(sums)
        own = _own_estimates(sums, now, prior.surprise_sd, inflation)
        between = Between(sums, now.apart, between_variance, inflation)
        pooled = pool(own, features, blocks, groups, prior.feature_sd, prior.elasticity, shared / inflation, before)
        relative_sd = _relative_sd(_covariance(between, prior, coefficient_sd, shared))
        belief = min(relative_sd**2 / CONSTANT_SD**2, LARGEST_BELIEF)
        pooled = pooled.scaled(1.0 + belief * (prior.elasticity / pooled.overall - 1.0))
        renewed = np.clip(pooled.mean, prior.smallest, prior.largest)
        moved, moved_apart, between = _steps(sums, now, renewed, belief, prior, coefficient_sd, between)
        between_variance = between.variance
        pace, rise_before = _pace(pace, float(moved[RISE]), rise_before), float(moved[RISE])
        rise = float(np.clip(now.rise + pace * moved[RISE], LEAST_RISE, LARGEST_RISE))
        of_elasticities = float(np.sqrt(np.mean((renewed - now.elasticity) ** 2))) / SIZES_PER_LOG
        of_coefficients = float(np.abs(moved[COEFFICIENTS]).max(initial=0.0))
        of_categories = float(np.sqrt(np.mean(moved_apart**2, axis=0)).max(initial=0.0))
        step = max(of_coefficients, abs(rise - now.rise) / pace, of_elasticities, of_categories)
        now = Response(
            elasticity=renewed,
            variance=pooled.sd**2,
            overall=pooled.overall,
            rise=rise,
            coefficients=now.coefficients + pace * moved[COEFFICIENTS],
            dispersion=_dispersion(sums, now.dispersion),
            category=now.category,
            apart=now.apart + pace * moved_apart,
        )
        before = pooled
        if step <= TOLERANCE:
            break
    # of the last pass, which the last step followed: where the fit stands still the two are the same
    covariance = _covariance(between, prior, coefficient_sd, shared)
    common_sd = now.overall * _relative_sd(covariance)
    seen, unseen = between.effect_sd(covariance[: len(varies), : len(varies)])
    return Fitted(
        response=now,
        pooled=pooled,
        own_variance=own.variance,
        common_sd=common_sd,
        promotion_variance=between_variance,
        promotion_sd=seen,
        other_promotion_sd=unseen,
        inflation=inflation,
        shared_inflation=shared,
        rounds=rounds,
        converged=step <= TOLERANCE,
    )


def _believed(prior: Prior, category: Indices, coefficients: int, promotions: int) -> Response:
    """Where a fit begins that knows no row yet."""
    return Response(
        elasticity=np.full(len(category), prior.elasticity),
        variance=np.zeros(len(category)),
        overall=prior.elasticity,
        rise=prior.rise,
        coefficients=np.zeros(coefficients),
        dispersion=START_DISPERSION,
        category=category,
        apart=np.zeros((int(category.max()) + 1, promotions)),
    )


def _covariance(between: Between, prior: Prior, coefficient_sd: Floats, inflation: float) -> Floats:
    """Of coefficients, all elasticities together and rise, inflated."""
    sums = between.sums
    believed = _precisions(prior, coefficient_sd, inflation)
    reduced, _ = between.reduced(sums.hessian + np.diag(believed), sums.gradient)
    return np.asarray(inflation * np.linalg.inv(reduced))


def _relative_sd(covariance: Floats) -> float:
    """Standard error of all elasticities together over ``overall``, of rows and belief; see :func:`_covariance`."""
    return float((1.0 / covariance[TOGETHER, TOGETHER] + CONSTANT_SD**-2) ** -0.5)


def _pace(pace: float, step: float, step_before: float) -> float:
    """Share of the next steps that is gone: elasticities and rise answer each other, and smaller steps meet.

    Half as much after a step at least half as far back as the one before went forth, twice as much, up to whole steps,
    after one that goes on.
    """
    if step * step_before < -0.5 * step_before**2:
        return max(pace / 2.0, LEAST_PACE)
    return min(2.0 * pace, 1.0) if step * step_before > 0.0 else pace


def add_up(parts: Sequence[Sums], products: int, categories: int) -> Sums:
    """The sums of several packs as one, with a score and information for each of the products and categories."""
    score, information, clean = np.zeros((products, 2)), np.zeros((products, 2, 2)), np.zeros(products)
    category_score = np.zeros((categories, *parts[0].category_score.shape[1:]))
    category_information = np.zeros((categories, *parts[0].category_information.shape[1:]))
    for part in parts:
        np.add.at(score, part.product, part.score)
        np.add.at(information, part.product, part.information)
        np.add.at(clean, part.product, part.clean)
        np.add.at(category_score, part.category, part.category_score)
        np.add.at(category_information, part.category, part.category_information)
    first = parts[0]
    return replace(
        first,
        hessian=sum((part.hessian for part in parts[1:]), first.hessian),
        gradient=sum((part.gradient for part in parts[1:]), first.gradient),
        rows=sum(part.rows for part in parts),
        pairs=sum(part.pairs for part in parts),
        squared_error=sum(part.squared_error for part in parts),
        product=np.arange(products),
        score=score,
        information=information,
        clean=clean,
        block_squares=sum(part.block_squares for part in parts),
        shared_squares=sum(part.shared_squares for part in parts),
        block_information=sum(part.block_information for part in parts),
        category=np.arange(categories),
        category_score=category_score,
        category_information=category_information,
    )


def _steps(
    sums: Sums, now: Response, renewed: Floats, belief: float, prior: Prior, coefficient_sd: Floats, between: Between
) -> tuple[Floats, Floats, Between]:
    """The next step of coefficients, all elasticities alike and rise, that of the categories, and their equations.

    What does not vary stays where it is. Elasticities go where pooling sends them. The gradient of all alike is the one
    that would send them as far on average: coefficients and rise go along with them, and stand still where they fit the
    pooled elasticities. With the gradient of the rows they would stand still where they fit what elasticities would be
    without pooling. The more elasticities are belief, the less coefficients may take for granted that they would go on.
    """
    believed = _precisions(prior, coefficient_sd, between.inflation)
    gradient, hessian = sums.gradient.copy(), sums.hessian + np.diag(believed)
    information = sums.information[:, 0, 0]
    together = information @ (renewed - now.elasticity) / max(float(information.sum()), LEAST_INFORMATION) / now.overall
    hessian[TOGETHER, TOGETHER] /= 1.0 - belief
    gradient[COEFFICIENTS] -= now.coefficients * believed[COEFFICIENTS]
    gradient[TOGETHER] = hessian[TOGETHER, TOGETHER] * together
    gradient[RISE] += (prior.rise - now.rise) * believed[RISE]
    alike = _alike(sums, now, renewed)
    for _ in range(VARIANCE_ROUNDS):
        moved = np.linalg.solve(*between.reduced(hessian, gradient))
        apart = between.step(moved, alike)
        between = replace(between, variance=between.renewed_variance(now.apart + apart))
    return (
        np.clip(moved, -LARGEST_STEP, LARGEST_STEP),
        np.clip(apart, -LARGEST_STEP, LARGEST_STEP),
        between,
    )


def _alike(sums: Sums, now: Response, renewed: Floats) -> Floats:
    """How far the elasticities of each category move relative to ``overall``, by their information."""
    information = sums.information[:, 0, 0]
    size = len(now.apart)
    moved = np.bincount(now.category, information * (renewed - now.elasticity), minlength=size)
    total = np.bincount(now.category, information, minlength=size)
    return np.asarray(moved / np.maximum(total, LEAST_INFORMATION) / now.overall)


def _precisions(prior: Prior, coefficient_sd: Floats, inflation: float) -> Floats:
    """What is believed of coefficients, all elasticities together and rise, counted as rows count.

    All elasticities together have no prior here but that of pooling.
    """
    return np.asarray(inflation * np.concatenate([coefficient_sd**-2, [1e-6, prior.rise_sd**-2]]))


def _inflations(sums: Sums) -> tuple[float, float]:
    """By how much variances are wider than independent rows would make them: of a product's own, of what is shared.

    Scores of a block of a pair's periods, or of a block of a category's, may depend on each other; those of different
    blocks are taken not to (clustered standard errors; Liang and Zeger, *Biometrika* 73, 1986).
    """
    independent = max(sums.block_information, LEAST_INFORMATION)
    own = max(sums.block_squares / independent, 1.0)
    return own, max(sums.shared_squares / independent, own)


def _own_estimates(sums: Sums, now: Response, surprise_sd: float, inflation: float) -> OwnEstimates:
    """One Newton step of each product alone.

    The product's own effect of the surprise is integrated out under its normal prior: a Schur complement. So is what
    the surprise does in a whole category, but for what the category's products share of it.
    """
    believed = inflation * surprise_sd**-2
    crossed = sums.information[:, 0, 1] / (sums.information[:, 1, 1] + believed)
    information = sums.information[:, 0, 0] - crossed * sums.information[:, 0, 1]
    score = sums.score[:, 0] - crossed * sums.score[:, 1]
    known = information > LEAST_INFORMATION
    information = np.where(known, information, 1.0)
    estimate = now.elasticity + np.where(known, score / information, 0.0)
    shared = surprise_sd * np.where(known, crossed * believed / information, 0.0)
    return OwnEstimates(estimate, np.where(known, inflation / information, np.inf), shared)


def _dispersion(sums: Sums, dispersion: float) -> float:
    """Move the dispersion until Pearson's statistic is 1 per degree of freedom."""
    free = max(sums.rows - sums.pairs - len(sums.gradient), 1)
    return float(np.clip(dispersion * (sums.squared_error / free) ** 0.8, 0.005, 5.0))
