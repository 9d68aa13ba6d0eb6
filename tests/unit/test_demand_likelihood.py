import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from pricelake.demand.likelihood import negative_log_likelihood


def loss(units, mean, dispersion, kind=tf.float64):
    arguments = (units, np.log(mean), np.log(dispersion))
    return negative_log_likelihood(*(tf.constant(np.asarray(a), kind) for a in arguments)).numpy()


@pytest.mark.parametrize("dispersion", [0.02, 0.3, 1.0, 20.0])
def test_equals_scipy_for_whole_units(dispersion):
    units, mean = np.meshgrid([0.0, 1.0, 3.0, 50.0, 800.0], [0.05, 1.0, 30.0, 500.0])
    size = 1 / dispersion
    expected = -stats.nbinom.logpmf(units, size, size / (size + mean))
    np.testing.assert_allclose(loss(units, mean, np.full_like(mean, dispersion)), expected, rtol=1e-8)


def test_single_precision_is_close_enough_to_train_with():
    units, mean = np.meshgrid([0.0, 1.0, 3.0, 50.0], [0.05, 1.0, 30.0])
    dispersion = np.full_like(mean, 0.02)
    exact = loss(units, mean, dispersion)
    np.testing.assert_allclose(loss(units, mean, dispersion, tf.float32), exact, atol=2e-3)


def test_mean_of_the_data_is_the_best_constant_mean():
    units = np.random.default_rng(1).negative_binomial(2.0, 0.3, 4000).astype(float)
    log_mean = tf.Variable(np.log(units.mean()), dtype=tf.float64)
    with tf.GradientTape() as tape:
        total = tf.reduce_mean(
            negative_log_likelihood(
                tf.constant(units), log_mean * tf.ones(4000, tf.float64), tf.zeros(4000, tf.float64)
            )
        )
    assert tape.gradient(total, log_mean).numpy() == pytest.approx(0.0, abs=1e-12)


def test_fractional_units_lie_between_their_neighbours():
    low, middle, high = loss(np.array([2.0, 2.5, 3.0]), np.full(3, 10.0), np.full(3, 0.5))
    assert low > middle > high
