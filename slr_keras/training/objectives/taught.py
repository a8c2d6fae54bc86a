"""Distillation of trained models, the teachers, into the model that is trained."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from slr_keras.losses import ensemble_log_probabilities
from slr_keras.training.objectives.base import Objective, clip_inputs


class TaughtObjective:
    """Another objective, mixed with the divergence from the mean probability of teachers.

        loss = (1 - w) L + w T² KL(teachers || model)

    The divergence is that of the reported heads' mean, at temperature T, from the mean of the
    teachers; for sentences it is the mean over steps times the number of glosses, so that its size
    is that of CTC.

    Args:
        objective: loss from the labels.
        teachers: trained models with the inputs and classes of the trained one.
        weight: w, 0 to 1.
        temperature: T.
    """

    def __init__(
        self,
        objective: Objective,
        teachers: Sequence[keras.Model],
        weight: float,
        temperature: float = 1.0,
    ):
        self.objective = objective
        self.teachers = tuple(teachers)
        self.weight = weight
        self.temperature = temperature
        self.terms = (*objective.terms, "teachers")
        self.controls = objective.controls

    def at(self, epoch: int) -> dict[str, float]:
        """See `Objective`."""
        return self.objective.at(epoch)

    def __call__(self, model, batch, controls):
        """See `Objective`."""
        captured = _Captured(model)
        loss, terms = self.objective(captured, batch, controls)
        teachers = [
            _mean(teacher, teacher(clip_inputs(teacher, batch), training=False), self.temperature)
            for teacher in self.teachers
        ]
        target = tf.stop_gradient(
            tf.reduce_logsumexp(tf.stack(teachers), 0) - tf.math.log(float(len(teachers)))
        )
        own = _mean(model, captured.outputs, self.temperature)
        divergence = tf.reduce_sum(tf.exp(target) * (target - own), axis=-1)
        if divergence.shape.rank == 2:
            divergence = _per_clip(divergence, batch, model.stride)
        terms["teachers"] = self.temperature**2 * divergence
        return (1 - self.weight) * loss + self.weight * terms["teachers"], terms


class _Captured:
    """A model that keeps the outputs of its last call, so that the model runs once."""

    def __init__(self, model: keras.Model):
        self._model = model
        self.outputs: Mapping[str, tf.Tensor] = {}

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def __call__(self, inputs, training=False):
        self.outputs = self._model(inputs, training=training)
        return self.outputs


def _mean(model: keras.Model, outputs: Mapping[str, tf.Tensor], temperature: float) -> tf.Tensor:
    """Logarithm of the mean probability of a model's reported heads at a temperature."""
    names = getattr(model, "reported_heads", ()) or tuple(outputs)
    logits = {name: tf.cast(outputs[name], tf.float32) / temperature for name in names}
    return ensemble_log_probabilities(logits)


def _per_clip(divergence: tf.Tensor, batch: Mapping[str, tf.Tensor], stride: int) -> tf.Tensor:
    """The mean over a clip's steps, times its glosses."""
    steps = batch["frames"] // stride
    mask = tf.sequence_mask(steps, tf.shape(divergence)[1], dtype=tf.float32)
    mean = tf.reduce_sum(divergence * mask, 1) / tf.cast(tf.maximum(steps, 1), tf.float32)
    return mean * tf.cast(tf.maximum(batch["label_lengths"], 1), tf.float32)
