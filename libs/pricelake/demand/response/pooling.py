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
Association* 72, 1977). Group effects are updated one grouping after the other with the others held (backfitting), their
posterior variances taken given the others. The cost of a round is linear in products and groups.

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
START_GROUP_VARIANCE, START_PRODUCT_VARIANCE = 0.02, 0.06


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
    estimate: Floats,
    variance: Floats,
    features: Floats,
    blocks: Sequence[str],
    groups: Mapping[str, Indices],
    feature_sd: float,
    start: float,
    before: Pooled | None = None,
) -> Pooled:
    """Posterior of every product's elasticity.

    Args:
        estimate: own estimates of the sizes, shape ``(n_products,)``; any number where the variance is infinite.
        variance: of the estimates, above 0; infinite: the product never changed its price.
        features: ``z``, centred and scaled, shape ``(n_products, n_features)``.
        blocks: block of each feature.
        groups: grouping → number of each product's group, 0 …, shape ``(n_products,)``.
        feature_sd: standard deviation of ``b`` that is believed of every block before anything is seen, above 0; it
            counts like one more feature of the block.
        start: size of an elasticity that is believed before anything is seen, above 0; ``m`` scatters
            around it with a relative standard deviation of ``CONSTANT_SD``.
        before: posterior of like estimates, from whose variances to go on; None: the first.

    Returns:
        the posterior; products without an estimate of their own have what is expected of their kind.
    """
    precision = np.where(np.isfinite(variance), 1.0 / np.maximum(variance, 1e-12), 0.0)
    own = np.where(precision > 0, estimate, start)
    places = {name: np.flatnonzero(np.array(blocks) == name) for name in dict.fromkeys(blocks)}
    mean, block_variance, product_variance = start, dict.fromkeys(places, feature_sd**2), START_PRODUCT_VARIANCE
    group_variance = dict.fromkeys(groups, START_GROUP_VARIANCE)
    if before is not None:
        mean, product_variance = before.overall, before.product_sd**2
        block_variance = {name: before.feature_sd[name] ** 2 for name in places}
        group_variance = {name: before.group_sd[name] ** 2 for name in groups}
    effects = _GroupEffects(groups, group_variance, len(own))
    for _ in range(ROUNDS):
        known = precision * mean**2
        weight = known / (1.0 + known * product_variance)
        prior = np.array([1.0 / block_variance[name] for name in blocks])
        covariance = np.linalg.inv(features.T @ (weight[:, None] * features) + np.diag(prior))
        coefficients = covariance @ (features.T @ (weight * (own / mean - 1.0 - effects.by_product())))
        for name, columns in places.items():
            squares = coefficients[columns] ** 2 + np.diag(covariance)[columns]
            block_variance[name] = float((squares.sum() + feature_sd**2) / (len(columns) + 1))
        left = own / mean - 1.0 - features @ coefficients
        grouped = effects.renew(left, weight)
        unsure = effects.unsure(np.sum((features @ covariance) * features, axis=1))
        product_variance = _likelier(product_variance, weight, weight**2 * ((left - grouped) ** 2 + unsure))
        # the constant: what is left over on average, drawn to what was believed
        believed = (start / mean - 1.0) / CONSTANT_SD**2
        shift = (np.sum(weight * (left - grouped)) + believed) / (weight.sum() + CONSTANT_SD**-2)
        mean = mean * (1.0 + float(np.clip(shift, -LARGEST_STEP, LARGEST_STEP)))
    expected = features @ coefficients + grouped
    share = product_variance * precision * mean**2 / (1.0 + product_variance * precision * mean**2)
    return Pooled(
        mean=mean * (1.0 + expected + share * (own / mean - 1.0 - expected)),
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

    def renew(self, left: Floats, weight: Floats) -> Floats:
        """Renew effects and variances, one grouping after the other; returns the sum by product."""
        grouped = self.by_product()
        for name, number in self.groups.items():
            before, size = self.effects[name], len(self.effects[name])
            total = np.bincount(number, weight, minlength=size)
            summed = np.bincount(number, weight * (left - (grouped - before[number])), minlength=size)
            shrunk = 1.0 + self.variance[name] * total
            self.spread[name] = self.variance[name] / shrunk
            self.effects[name] = np.asarray(self.spread[name] * summed, dtype=np.float64)
            grouped = grouped + (self.effects[name] - before)[number]
            self.variance[name] = _likelier(self.variance[name], total / shrunk, np.square(summed / shrunk))
        return grouped


def _likelier(variance: float, weight: Floats, squares: Floats) -> float:
    """A variance between products or groups after one step of Fisher scoring.

    Expectation maximisation ends in the same place, but takes hundreds of rounds where the variance is small beside
    those of the estimates.

    Args:
        variance: so far.
        weight: 1 / (variance + that of the estimate), shape ``(n,)``.
        squares: weighted residuals, squared, same shape; their mean is that of the weights where the variance is right.
    """
    step = float(squares.sum() - weight.sum()) / max(float(np.sum(weight**2)), 1e-12)
    return max(variance + step, LEAST_VARIANCE)
