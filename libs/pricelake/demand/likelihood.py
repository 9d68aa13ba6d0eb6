"""Negative binomial likelihood of units (NB2: variance = mean + dispersion x mean squared).

Source: Cameron and Trivedi, *Regression Analysis of Count Data*, 2nd ed. 2013, section 3.3. Units may be fractional
(winsorised, or sold by weight): the gamma functions carry the probability mass over to non-negative reals.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def negative_log_likelihood(units: "tf.Tensor", log_mean: "tf.Tensor", log_dispersion: "tf.Tensor") -> "tf.Tensor":
    """Negative log likelihood of each row, with all constants.

    Args:
        units: observed units, 0 or more, shape ``(rows,)``.
        log_mean: log of expected units, shape ``(rows,)``.
        log_dispersion: log of the dispersion ``alpha``, shape ``(rows,)``.

    Returns:
        nats per row, shape ``(rows,)``.
    """
    import tensorflow as tf

    size = tf.exp(-log_dispersion)
    log_rate = log_mean + log_dispersion
    log_zero = tf.nn.softplus(log_rate)
    return (
        tf.math.lgamma(size)
        + tf.math.lgamma(units + 1.0)
        - tf.math.lgamma(units + size)
        + size * log_zero
        + units * (log_zero - log_rate)
    )
