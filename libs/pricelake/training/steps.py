"""One training step and one validation step as TensorFlow graphs."""

from collections.abc import Sequence
from typing import Any

import horovod.tensorflow as hvd
import tensorflow as tf

from pricelake.errors import TrainingError
from pricelake.training.feed import Array, Layout
from pricelake.training.task import WEIGHT, TrainingTask

SMALLEST_WEIGHT = 1e-12


class Steps:
    """Model, optimiser and the graphs that use them; sums of the epoch stay in TensorFlow until asked for.

    The objective of a step is the weighted mean loss over the global batch plus the model's penalties. Every rank
    differentiates the weighted sum over its rows; sums of gradients and weights are reduced together and then divided,
    so that ranks with padding rows do not count more than others.
    """

    def __init__(self, task: TrainingTask, learning_rate: float, clip_norm: float) -> None:
        """Build model, optimiser (Adam; Kingma and Ba 2015) and graphs."""
        self.task, self.clip_norm = task, clip_norm
        self.layout = Layout.of(task.columns)
        tf.keras.backend.experimental.enable_tf_random_generator()  # the older kind cannot be started anew
        self.model = task.build_model()
        self._build()
        self.variables = self.model.trainable_variables
        self.optimiser = tf.keras.optimizers.Adam(learning_rate, jit_compile=False)
        self.optimiser.build(self.variables)
        self.sums = tf.Variable(tf.zeros(3, tf.float64), trainable=False)
        kinds = [tf.TensorSpec((len(names), None), kind) for kind, names in self.layout.names.items()]
        self._train = tf.function(self._train_step, input_signature=[kinds])
        self._validate = tf.function(self._validation_step, input_signature=[kinds])

    def train(self, batch: Sequence[Array]) -> None:
        """One optimiser step on a packed batch; every rank must call it."""
        self._train([tf.constant(matrix) for matrix in batch])

    def validate(self, batch: Sequence[Array]) -> None:
        """Add a packed batch to the sums, without dropout."""
        self._validate([tf.constant(matrix) for matrix in batch])

    def reset(self) -> None:
        """Start new sums."""
        self.sums.assign(tf.zeros(3, tf.float64))

    def draw_from(self, seed: int) -> None:
        """Start the random numbers of dropout anew, so that an epoch does not depend on what was drawn before it.

        Keras keeps their state out of weights and checkpoints: a resumed training could not go on with it.
        """
        for place, layer in enumerate(self.model.submodules):
            generator = getattr(getattr(layer, "_random_generator", None), "_generator", None)
            if generator is not None:
                generator.reset_from_seed(seed + place)

    def totals(self) -> tuple[float, float, float]:
        """Since :meth:`reset`: weighted loss, weight, seconds in all-reduce (waiting for other ranks included)."""
        loss, weight, seconds = self.sums.numpy()
        return float(loss), float(weight), float(seconds)

    def _build(self) -> None:
        """Create the variables of a model that was not built yet, with one row of zeros."""
        if not self.model.built:
            zeros = [tf.zeros((len(names), 1), kind) for kind, names in self.layout.names.items()]
            self._call(self._unpack(zeros), training=False)
        if not self.model.trainable_variables:
            raise TrainingError(f"{type(self.task).__name__}.build_model() has nothing to train.")

    def _unpack(self, packed: Sequence[Any]) -> dict[str, Any]:
        pairs = zip(self.layout.names.values(), packed, strict=True)
        return {name: matrix[i] for names, matrix in pairs for i, name in enumerate(names)}

    def _call(self, batch: dict[str, Any], training: bool) -> Any:
        named = getattr(self.model, "input_names", None) or list(batch)
        return self.model({name: batch[name] for name in named}, training=training)

    def _train_step(self, packed: Sequence[Any]) -> None:
        batch = self._unpack(packed)
        weight = batch[WEIGHT]
        with tf.GradientTape() as tape:
            outputs = self._call(batch, training=True)
            loss = tf.reduce_sum(weight * self.task.loss(outputs, batch))
            total = tf.reduce_sum(weight)
            penalty = tf.add_n(self.model.losses) if self.model.losses else 0.0
            objective = loss + total * penalty
        gradients = tape.gradient(objective, self.variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        with tf.control_dependencies([*dense, loss]):
            start = tf.timestamp()
        with tf.control_dependencies([start]):
            *reduced, loss, total = hvd.grouped_allreduce([*dense, loss, total], op=hvd.Sum)
        with tf.control_dependencies([*reduced, loss, total]):
            seconds = tf.timestamp() - start
        mean = [gradient / tf.maximum(total, SMALLEST_WEIGHT) for gradient in reduced]
        clipped, _ = tf.clip_by_global_norm(mean, self.clip_norm)
        self.optimiser.apply_gradients(zip(clipped, self.variables, strict=True), skip_gradients_aggregation=True)
        self.sums.assign_add(tf.stack([tf.cast(loss, tf.float64), tf.cast(total, tf.float64), seconds]))

    def _validation_step(self, packed: Sequence[Any]) -> None:
        batch = self._unpack(packed)
        losses = self.task.loss(self._call(batch, training=False), batch)
        loss, total = tf.reduce_sum(batch[WEIGHT] * losses), tf.reduce_sum(batch[WEIGHT])
        self.sums.assign_add(tf.stack([tf.cast(loss, tf.float64), tf.cast(total, tf.float64), 0.0]))
