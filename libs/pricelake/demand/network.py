"""The demand network: context → log units of one product, market and period at the reference price.

The own price of the period does not reach the network. What it does to units is the closed form of
:mod:`pricelake.demand.curve` with the elasticities of :mod:`pricelake.demand.response`, added to the log of the mean;
so one pass of the network prices a whole ladder, and it cannot take demand that prices followed for a response.

``log_units`` is the log of a weighted mean of recent *usual* units (at the usual price, without promotion, in stock for
the whole period; weights by softmax from the context: a learnt exponential smoothing) plus a residual of the context
body plus effects of department, category, subcategory, brand, product and market, plus the row's offset. The effects
have a normal prior that counts once against all rows, so a product with little evidence stays at its category: the
maximum a posteriori form of partial pooling (Gelman and Hill, *Data Analysis Using Regression and Multilevel Models*,
2007).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pricelake.demand.likelihood import negative_log_likelihood

if TYPE_CHECKING:
    import tensorflow as tf
    from tensorflow import keras

OUTPUTS = ("log_units", "log_dispersion")
EMBEDDING_SIZE = {"department": 3, "category": 8, "subcategory": 8, "brand": 6, "product": 8, "market": 4}
MIN_LOG_DISPERSION, MAX_LOG_DISPERSION = math.log(0.02), math.log(20.0)
UNITS_FLOOR = 0.02


@dataclass(frozen=True)
class NetworkSpec:
    """What the network is made of; everything it needs besides its weights.

    Attributes:
        context: names of the context columns (float32), none of which depends on the period's own price.
        means: of each context column over the training rows.
        deviations: standard deviations, above 0.
        recent: names among ``context`` that are log1p of recent usual units; they carry the level.
        vocabulary_sizes: (level, ids in use + 1 for id 0 = unknown), coarse to fine.
        factors: names of the ALS columns, () without a recommender.
        hidden_units: widths of the context body.
        effect_deviations: (effect, prior standard deviation) of the hierarchy's effects.
        rows: that the loss stands for: training rows, each by its weight over that of a typical row. The prior counts
            once against all of them.
    """

    context: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    recent: tuple[str, ...]
    vocabulary_sizes: tuple[tuple[str, int], ...]
    factors: tuple[str, ...]
    hidden_units: tuple[int, ...]
    effect_deviations: tuple[tuple[str, float], ...]
    rows: int

    @property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        """(name, dtype) of every column the network reads, in order."""
        floats = [*self.context, *self.factors, "log_offset"]
        return tuple((name, "float32") for name in floats) + tuple(
            (f"{level}_index", "int32") for level, _ in self.vocabulary_sizes
        )


def build_network(spec: NetworkSpec) -> "keras.Model":
    """A Keras model from a dict of columns, each ``(rows,)``, to a dict of ``OUTPUTS``, each ``(rows,)``."""
    from tensorflow import keras

    inputs = {name: keras.Input(shape=(), dtype=dtype, name=name) for name, dtype in spec.inputs}
    parts = _Parts(spec, inputs)
    body = parts.body()
    outputs = {"log_units": parts.level(body), "log_dispersion": parts.dispersion(body)}
    return keras.Model(inputs, outputs, name="demand")


def row_loss(outputs: Mapping[str, "tf.Tensor"], batch: Mapping[str, "tf.Tensor"]) -> "tf.Tensor":
    """Negative binomial loss of each row, shape ``(rows,)``; ``batch`` holds ``units`` and ``log_price_effect``."""
    log_mean = outputs["log_units"] + batch["log_price_effect"]
    return negative_log_likelihood(batch["units"], log_mean, outputs["log_dispersion"])


class _Parts:
    """The branches of the network over one set of inputs."""

    def __init__(self, spec: NetworkSpec, inputs: dict[str, Any]) -> None:
        import tensorflow as tf
        from tensorflow import keras

        self.tf, self.keras, self.spec, self.inputs = tf, keras, spec, inputs
        means, deviations = tf.constant(spec.means, tf.float32), tf.constant(spec.deviations, tf.float32)
        raw = tf.stack([inputs[name] for name in spec.context], axis=1)
        self.raw = raw
        self.context = tf.clip_by_value((raw - means) / deviations, -10.0, 10.0)
        self.factors = tf.stack([inputs[name] for name in spec.factors], axis=1) if spec.factors else None

    def _columns(self, matrix: Any, names: tuple[str, ...]) -> Any:
        return self.tf.gather(matrix, [self.spec.context.index(name) for name in names], axis=1)

    def _table(self, effect: str, level: str, size: int, width: int, start: Any = "zeros") -> Any:
        """Rows of one table of effects; its penalty is that of a normal prior around 0."""
        deviation = dict(self.spec.effect_deviations)[effect]
        prior = self.keras.regularizers.L2(0.5 / (deviation**2 * self.spec.rows))
        table = self.keras.layers.Embedding(
            size, width, embeddings_initializer=start, embeddings_regularizer=prior, name=f"{effect}_{level}"
        )
        return table(self.inputs[f"{level}_index"])

    def _effect(self, effect: str, width: int) -> Any:
        """Sum over the hierarchy of an effect of ``width`` numbers per id, each starting at 0."""
        rows = [self._table(effect, level, size, width) for level, size in self.spec.vocabulary_sizes]
        return self.tf.add_n(rows)

    def _from_zero(self, width: int, name: str) -> Any:
        return self.keras.layers.Dense(width, kernel_initializer="zeros", name=name)

    def body(self) -> Any:
        layers = self.keras.layers
        parts = [self.context]
        for level, size in self.spec.vocabulary_sizes:
            start = self.keras.initializers.RandomNormal(stddev=0.05)
            parts.append(self._table("body", level, size, EMBEDDING_SIZE[level], start))
        if self.factors is not None:
            parts.append(layers.Dense(16, activation="tanh", name="factors_body")(self.factors))
        hidden = self.tf.concat(parts, axis=1)
        for number, width in enumerate(self.spec.hidden_units):
            hidden = layers.Dense(width, activation="swish", name=f"hidden_{number}")(hidden)
        return hidden

    def level(self, body: Any) -> Any:
        tf = self.tf
        recent = tf.math.expm1(self._columns(self.raw, self.spec.recent))
        # an even mean at first: random weights would let the last period's luck in
        weights = tf.nn.softmax(self._from_zero(len(self.spec.recent), "recent_weights")(body))
        smooth = tf.math.log(tf.reduce_sum(weights * recent, axis=1) + UNITS_FLOOR)
        residual = self._from_zero(1, "residual")(body)[:, 0]
        effect = self._effect("level", 1)[:, 0]
        return tf.clip_by_value(smooth + residual + effect, -12.0, 15.0) + self.inputs["log_offset"]

    def dispersion(self, body: Any) -> Any:
        logit = self._from_zero(1, "dispersion")(body)[:, 0]
        logit += self._effect("dispersion", 1)[:, 0]
        return self.tf.clip_by_value(logit, MIN_LOG_DISPERSION, MAX_LOG_DISPERSION)
