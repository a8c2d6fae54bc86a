"""Interface of the training objectives."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf


class Objective(Protocol):
    """The loss of each clip, and its terms.

    Attributes:
        terms: names of the parts that are recorded beside the loss.
        controls: names of the numbers that change from epoch to epoch.
    """

    terms: tuple[str, ...]
    controls: tuple[str, ...]

    def at(self, epoch: int) -> dict[str, float]:
        """The controls' values in an epoch, from 0."""

    def __call__(
        self, model: keras.Model, batch: Mapping[str, tf.Tensor], controls: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Run the model and return the loss `(batch,)` and its terms, each `(batch,)`."""


def clip_inputs(model: keras.Model, batch: Mapping[str, Any]) -> dict[str, Any]:
    """What the model reads of a batch: its `clip_inputs`."""
    return {name: batch[name] for name in model.clip_inputs}
