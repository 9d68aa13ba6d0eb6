"""Partial pooling against the exact posterior of the same normal model, and against simulated truth."""

import numpy as np
import pytest

from pricelake.demand.response.pooling import OwnEstimates, pool


def simulated(products: int = 4000, group_sd: float = 0.2, product_sd: float = 0.3) -> dict[str, np.ndarray]:
    """Products in groups, with features, true sizes, and estimates of very different precision."""
    rng = np.random.default_rng(7)
    group = np.arange(products) % 200
    features = rng.standard_normal((products, 2))
    effect = group_sd * rng.standard_normal(200)
    relative = 1.0 + features @ np.array([0.2, -0.1]) + effect[group] + product_sd * rng.standard_normal(products)
    variance = rng.uniform(0.05, 2.0, products)
    return {
        "estimate": 2.5 * relative + np.sqrt(variance) * rng.standard_normal(products),
        "variance": variance,
        "features": features,
        "true": 2.5 * relative,
        "group": group,
    }


def pooled(shop: dict[str, np.ndarray]):
    groups = {"category": shop["group"]}
    return pool(own(shop["estimate"], shop["variance"]), shop["features"], ("sales", "sales"), groups, 0.2, 2.0)


def own(estimate: np.ndarray, variance: np.ndarray, shared: float = 0.0) -> OwnEstimates:
    return OwnEstimates(estimate, variance, np.full(len(estimate), shared))


def test_variances_and_coefficients_are_found() -> None:
    shop = simulated()
    found = pooled(shop)
    assert found.overall == pytest.approx(2.5, abs=0.1)
    assert found.product_sd == pytest.approx(0.3, abs=0.03)
    assert found.group_sd["category"] == pytest.approx(0.2, abs=0.04)
    np.testing.assert_allclose(found.coefficients, [0.2, -0.1], atol=0.03)
    error = found.mean - shop["true"]
    assert abs(error.mean()) < 0.02
    for level, quantile in ((0.5, 0.674), (0.9, 1.645)):
        assert np.mean(np.abs(error) < quantile * found.sd) == pytest.approx(level, abs=0.03)
    alone = shop["estimate"] - shop["true"]
    assert np.abs(error).mean() < 0.75 * np.abs(alone).mean()


def test_a_scatter_far_below_the_errors_of_estimates_is_found() -> None:
    shop = simulated(product_sd=0.6)
    noise = np.random.default_rng(8).standard_normal(len(shop["true"]))
    shop["variance"] = 20.0 * shop["variance"]
    shop["estimate"] = shop["true"] + np.sqrt(shop["variance"]) * noise
    assert pooled(shop).product_sd == pytest.approx(0.6, abs=0.08)


def test_mean_is_the_posterior_of_a_normal_model() -> None:
    shop = simulated(products=400, group_sd=0.0)
    found = pooled(shop)
    prior = (found.overall * found.product_sd) ** 2
    share = prior / (prior + shop["variance"])
    wanted = found.expected + share * (shop["estimate"] - found.expected)
    np.testing.assert_allclose(found.mean, wanted, rtol=1e-3)


def test_features_that_say_nothing_are_held_near_nothing() -> None:
    shop = simulated(products=400)
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((400, 60))
    blocks = ("sales", "sales", *["words"] * 60)
    features = np.column_stack([shop["features"], noise])
    found = pool(own(shop["estimate"], shop["variance"]), features, blocks, {"category": shop["group"]}, 0.1, 2.0)
    assert found.feature_sd["words"] < 0.04 < found.feature_sd["sales"]
    without = np.abs(pooled(shop).mean - shop["true"]).mean()
    assert np.abs(found.mean - shop["true"]).mean() < 1.15 * without
    assert abs((found.mean - shop["true"]).mean()) < 0.1


def test_a_product_that_never_moved_its_price_has_what_its_kind_has() -> None:
    shop = simulated(products=400)
    shop["variance"][:5] = np.inf
    shop["estimate"][:5] = [np.nan, 1e9, -1e9, 0.0, 5.0]
    found = pooled(shop)
    np.testing.assert_allclose(found.mean[:5], found.expected[:5])
    np.testing.assert_allclose(found.sd[:5], found.expected_sd[:5], rtol=1e-6)
    assert np.isfinite(found.mean).all()


def test_nothing_known_of_any_product() -> None:
    unknown, nothing = np.full(3, np.inf), np.zeros((3, 0))
    found = pool(own(np.zeros(3), unknown), nothing, (), {"category": np.zeros(3, dtype=np.int64)}, 0.1, 2.0)
    np.testing.assert_allclose(found.mean, 2.0)


@pytest.mark.parametrize("product_sd", [0.1, 0.25, 0.4])
def test_intervals_hold_where_little_is_known_of_any_product(product_sd: float) -> None:
    """Variances as most likely would often be 0, and intervals hold less than half of the time."""
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(20):
        true = 2.5 * (1.0 + product_sd * rng.standard_normal(200))
        error = rng.uniform(0.8, 3.0, 200)
        estimates = own(true + error * rng.standard_normal(200), error**2)
        found = pool(estimates, np.zeros((200, 0)), (), {"category": np.arange(200) // 10}, 0.2, 2.0)
        hits.append(np.abs(found.mean - true) < 1.645 * found.sd)
    assert 0.8 < np.mean(hits) <= 1.0


def test_what_moves_a_whole_group_is_not_its_elasticity() -> None:
    rng = np.random.default_rng(12)
    group = np.arange(2000) // 20
    true = 2.5 * (1.0 + 0.25 * rng.standard_normal(2000))
    error = rng.uniform(0.3, 0.6, 2000)
    off = 0.5 * rng.standard_normal(100)[group]
    estimate = true + off + error * rng.standard_normal(2000)
    kinds = [
        pool(own(estimate, error**2, shared), np.zeros((2000, 0)), (), {"category": group}, 0.2, 2.0)
        for shared in (0.0, 0.5)
    ]
    naive, aware = (np.mean(np.abs(found.mean - true) < 1.645 * found.sd) for found in kinds)
    assert naive < 0.75
    assert 0.87 < aware < 0.96
    of_groups = [np.abs(found.expected - 2.5).mean() for found in kinds]
    assert of_groups[1] < 0.6 * of_groups[0]
    # dependent estimates: the mean of twenty is no surer than that of two
    found = pool(own(estimate, error**2), np.zeros((2000, 0)), (), {"category": group}, 0.2, 2.0, together=10.0)
    assert found.expected_kind_sd.mean() > 1.5 * kinds[0].expected_kind_sd.mean()


def test_gains_of_picked_prices_are_kept_after_pooling_and_not_before() -> None:
    """The optimiser's curse: whoever picks the best of noisy promises is promised too much."""
    rng = np.random.default_rng(0)
    products, each = 6000, 30
    category = np.arange(products) // each
    kinds = 0.12 * rng.standard_normal(products // each)[category]
    true = np.clip(2.5 * (1.0 + kinds + 0.22 * rng.standard_normal(products)), 0.3, 10.0)
    error = rng.uniform(0.3, 1.6, products)
    estimate = true + error * rng.standard_normal(products)
    found = pool(own(estimate, error**2), np.zeros((products, 0)), (), {"category": category}, 0.2, 2.0)
    ladder, cost = np.log(np.linspace(0.8, 1.2, 21)), 0.62

    def profit(size: np.ndarray, log_price: np.ndarray) -> np.ndarray:
        return (np.exp(log_price) - cost) * np.exp(-size * log_price)

    def kept(believed: np.ndarray) -> tuple[float, float]:
        """Gain realised over gain promised, and the slope of the one on the other."""
        picked = ladder[profit(believed[:, None], ladder[None, :]).argmax(axis=1)]
        now = np.zeros(products)
        promised = profit(believed, picked) - profit(believed, now)
        realised = profit(true, picked) - profit(true, now)
        moved = picked != 0.0
        return realised.sum() / promised.sum(), float(np.polyfit(promised[moved], realised[moved], 1)[0])

    assert kept(true) == pytest.approx((1.0, 1.0))
    assert kept(np.clip(found.mean, 0.3, 10.0)) == pytest.approx((1.0, 1.0), abs=0.1)
    assert max(kept(np.clip(estimate, 0.3, 10.0))) < 0.2
