"""Partial pooling of the products' own elasticities, by empirical Bayes.

Every product has an estimate of its own with a standard error, most of them too wide to price on. Sizes of elasticities
(above 0) are taken to scatter around what products of the same kind have::

    e_i = m (1 + z_i' b + g_i + d_i)
    g_i = sum over groups of an effect of i's group        group effects ~ N(0, s_g^2)        d_i ~ N(0, t^2)
    estimate_i | e_i ~ N(e_i, v_i)

``z`` are features of the product in blocks; the ``b`` of a block are N(0, s_b^2). This is a linear mixed model in the
estimates relative to ``m``. Its variances come from the estimates themselves (empirical Bayes; Gelman and others,
*Bayesian Data Analysis*, 3rd ed. 2013, ch. 5 and 15): those of features by expectation maximisation (Dempster, Laird
and Rubin 1977), those of groups and products by Fisher scoring (Harville, *Journal of the American Statistical
Association* 72, 1977), with a prior that keeps them off 0 (Chung and others, *Psychometrika* 78, 2013).
Group effects are updated one grouping after the other with the others held (backfitting), their posterior variances
taken given the others. The cost of a round is linear in products and groups.

Estimates of a group's products may be off together: by what moves the demand of the whole group, and by how far its
prices followed demand otherwise than elsewhere. The mean of many is then not as sure as their number says: a group
whose estimates agree for such a reason has what groups have elsewhere.

The scatter is relative to one number, and not in logs: units are log-linear in ``e_i``, so that its estimate is
unbiased in ``e_i`` and would be biased upwards in ``log e_i``; and a spread that grew with the product's own mean would
give the more weight to an estimate the larger it came out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

ROUNDS = 30
LEAST_VARIANCE = 1e-4
CONSTANT_SD = 1.0
LARGEST_STEP = 0.5
GROUP_VARIANCE, PRODUCT_VARIANCE = 0.02, 0.06
"""What is believed of the relative variances between groups and between products before anything is seen."""
LIKE_GROUPS, LIKE_PRODUCTS = 1.0, 5.0
"""How many more groups and products of known elasticity this belief counts like. Estimates of small variances scatter
to 0, where every product would have exactly what its kind has."""


@dataclass(frozen=True)
class OwnEstimates:
    """What the rows of each product alone say of its elasticity; arrays of shape ``(n_products,)``.

    Attributes:
        estimate: of the size; any number where the variance is infinite.
        variance: of the estimate, above 0; infinite: the product never changed its price.
        shared: by how much the estimate is off beside that where something that moves all products of a group is off by
            one standard deviation.
    """

    estimate: Floats
    variance: Floats
    shared: Floats


@dataclass(frozen=True)
class Pooled:
    """Elasticities after pooling, in sizes (above 0).

    Attributes:
        mean: posterior mean, shape ``(n_products,)``.
        sd: posterior standard deviation, same shape.
        kind_sd: part of ``sd`` that comes from what the product's kind has, which products of the kind share.
        expected: what products of the kind have, before the product's own estimate, same shape.
        expected_sd: how far a product may lie from it.
        expected_kind_sd: part of ``expected_sd`` that products of the kind share.
        overall: ``m``.
        coefficients: ``b``, shape ``(n_features,)``.
        feature_sd: block → standard deviation of its coefficients.
        group_sd: grouping → ``s_g``, relative.
        product_sd: ``t``, relative.
    """

    mean: Floats
    sd: Floats
    kind_sd: Floats
    expected: Floats
    expected_sd: Floats
    expected_kind_sd: Floats
    overall: float
    coefficients: Floats
    feature_sd: Mapping[str, float]
    group_sd: Mapping[str, float]
    product_sd: float

    def scaled(self, factor: float) -> "Pooled":
        """The same with all elasticities multiplied."""
        sizes = ("mean", "sd", "kind_sd", "expected", "expected_sd", "expected_kind_sd", "overall")
        return replace(self, **{name: factor * getattr(self, name) for name in sizes})


def pool(
    own: OwnEstimates,
    features: Floats,
    blocks: Sequence[str],
    groups: Mapping[str, Indices],
    feature_sd: float,
    start: float,
    together: float = 1.0,
    before: Pooled | None = None,
) -> Pooled:
    """Posterior of every product's elasticity.

    Args:
        own: estimates of the products' own.
        features: ``z``, centred and scaled, shape ``(n_products, n_features)``.
        blocks: block of each feature.
        groups: grouping → number of each product's group, 0 …, shape ``(n_products,)``.
        feature_sd: standard deviation of ``b`` that is believed of every block before anything is seen, above 0; it
            counts like one more feature of the block.
        start: size of an elasticity that is believed before anything is seen, above 0; ``m`` scatters
            around it with a relative standard deviation of ``CONSTANT_SD``.
        together: how much wider the mean of a group's estimates is than independent ones of their variances would make
            it, at least 1.
        before: posterior of like estimates, from whose variances to go on; None: the first.

    Returns:
        the posterior; products without an estimate of their own have what is expected of their kind.
    """
    is_known = np.isfinite(own.variance)
    precision = np.where(is_known, 1.0 / np.maximum(own.variance + own.shared**2, 1e-12), 0.0)
    estimate = np.where(is_known, own.estimate, start)
    places = {name: np.flatnonzero(np.array(blocks) == name) for name in dict.fromkeys(blocks)}
    mean, block_variance, product_variance = start, dict.fromkeys(places, feature_sd**2), PRODUCT_VARIANCE
    group_variance = dict.fromkeys(groups, GROUP_VARIANCE)
    if before is not None:
        mean, product_variance = before.overall, before.product_sd**2
        block_variance = {name: before.feature_sd.get(name, feature_sd) ** 2 for name in places}
        group_variance = {name: before.group_sd[name] ** 2 for name in groups}
    effects = _GroupEffects(groups, group_variance, len(estimate))
    for _ in range(ROUNDS):
        known = precision * mean**2
        weight = known / (1.0 + known * product_variance)
        prior = np.array([1.0 / block_variance[name] for name in blocks])
        covariance = np.linalg.inv(features.T @ (weight[:, None] * features) + np.diag(prior))
        coefficients = covariance @ (features.T @ (weight * (estimate / mean - 1.0 - effects.by_product())))
        for name, columns in places.items():
            squares = coefficients[columns] ** 2 + np.diag(covariance)[columns]
            block_variance[name] = float((squares.sum() + feature_sd**2) / (len(columns) + 1))
        left = estimate / mean - 1.0 - features @ coefficients
        wider = _Wider((together - 1.0) * weight / (1.0 + known * product_variance), weight * own.shared / mean)
        grouped = effects.renew(left, weight, wider)
        unsure = effects.unsure(np.sum((features @ covariance) * features, axis=1))
        residuals = weight**2 * ((left - grouped) ** 2 + unsure)
        product_variance = _likelier(product_variance, weight, residuals, PRODUCT_VARIANCE, LIKE_PRODUCTS)
        # the constant: what is left over on average, drawn to what was believed
        believed = (start / mean - 1.0) / CONSTANT_SD**2
        shift = (np.sum(weight * (left - grouped)) + believed) / (weight.sum() + CONSTANT_SD**-2)
        mean = mean * (1.0 + float(np.clip(shift, -LARGEST_STEP, LARGEST_STEP)))
    expected = features @ coefficients + grouped
    share = product_variance * precision * mean**2 / (1.0 + product_variance * precision * mean**2)
    return Pooled(
        mean=mean * (1.0 + expected + share * (estimate / mean - 1.0 - expected)),
        sd=mean * np.sqrt(product_variance * (1.0 - share) + (1.0 - share) ** 2 * unsure),
        kind_sd=mean * (1.0 - share) * np.sqrt(unsure),
        expected=mean * (1.0 + expected),
        expected_sd=mean * np.sqrt(product_variance + unsure),
        expected_kind_sd=mean * np.sqrt(unsure),
        overall=mean,
        coefficients=coefficients,
        feature_sd={name: float(np.sqrt(value)) for name, value in block_variance.items()},
        group_sd={name: float(np.sqrt(value)) for name, value in effects.variance.items()},
        product_sd=float(np.sqrt(product_variance)),
    )


@dataclass(frozen=True)
class _Wider:
    """What makes the mean of a group's products less sure than their number says; shape ``(n_products,)``.

    Attributes:
        dependent: variance of the weighted sum beyond that of independent products.
        shared: what an error that all have together adds to it.
    """

    dependent: Floats
    shared: Floats

    def counted(self, number: Indices, whole: Floats) -> Floats:
        """Share of the information of each group that is left, where ``whole`` is the sum of the products' weights."""
        dependent, shared = (np.bincount(number, one, minlength=len(whole)) for one in (self.dependent, self.shared))
        variance = whole + dependent + shared**2
        return np.asarray(whole / np.where(whole > 0.0, variance, 1.0))


class _GroupEffects:
    """Effects of the groups of every grouping as they stand, and how sure they are."""

    def __init__(self, groups: Mapping[str, Indices], variance: dict[str, float], products: int) -> None:
        self.groups, self.variance, self.products = groups, variance, products
        self.effects = {name: np.zeros(int(number.max()) + 1) for name, number in groups.items()}
        self.spread = {name: np.zeros(len(effect)) for name, effect in self.effects.items()}

    def by_product(self) -> Floats:
        """Sum of each product's effects."""
        each = (self.effects[name][number] for name, number in self.groups.items())
        return np.asarray(sum(each, np.zeros(self.products)))

    def unsure(self, beside: Floats) -> Floats:
        """Posterior variance of each product's sum, and what is uncertain beside it."""
        return np.asarray(sum((self.spread[name][number] for name, number in self.groups.items()), beside))

    def renew(self, left: Floats, weight: Floats, wider: _Wider) -> Floats:
        """Renew effects and variances, one grouping after the other; returns the sum by product."""
        grouped = self.by_product()
        for name, number in self.groups.items():
            before, size = self.effects[name], len(self.effects[name])
            whole = np.bincount(number, weight, minlength=size)
            summed = np.bincount(number, weight * (left - (grouped - before[number])), minlength=size)
            counted = wider.counted(number, np.asarray(whole, dtype=np.float64))
            total, summed = counted * whole, np.asarray(counted * summed, dtype=np.float64)
            shrunk = 1.0 + self.variance[name] * total
            self.spread[name] = self.variance[name] / shrunk
            self.effects[name] = np.asarray(self.spread[name] * summed, dtype=np.float64)
            grouped = grouped + (self.effects[name] - before)[number]
            residuals = np.square(summed / shrunk)
            self.variance[name] = _likelier(self.variance[name], total / shrunk, residuals, GROUP_VARIANCE, LIKE_GROUPS)
        return grouped


def _likelier(variance: float, weight: Floats, squares: Floats, believed: float, counts: float) -> float:
    """A variance between products or groups after one step of Fisher scoring.

    Expectation maximisation ends in the same place, but takes hundreds of rounds where the variance is small beside
    those of the estimates.

    Args:
        variance: so far.
        weight: 1 / (variance + that of the estimate), shape ``(n,)``.
        squares: weighted residuals, squared, same shape; their mean is that of the weights where the variance is right.
        believed: what the variance is taken to be before anything is seen, above 0.
        counts: how many more effects, known without error, that counts like: a scaled inverse chi-squared prior (Gelman
            and others, *Bayesian Data Analysis*, 3rd ed. 2013, section 2.6), whose mode is found.
    """
    like_more = counts / variance
    step = float(squares.sum() - weight.sum() + like_more * (believed / variance - 1.0))
    step /= float(np.sum(weight**2)) + like_more / variance
    return max(variance + step, variance / 2.0, LEAST_VARIANCE)
