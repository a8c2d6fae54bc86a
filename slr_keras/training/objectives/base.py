"""Interface of the training objectives."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf


class Objective(Protocol):
    """The loss of each clip, and its terms.

    Attributes:
        terms: names of the terms that are recorded with the loss.
        controls: names of the scalars that depend on the epoch.
    """

    terms: tuple[str, ...]
    controls: tuple[str, ...]

    def at(self, epoch: int) -> dict[str, float]:
        """Values of the controls in an epoch; epochs count from 0."""

    def __call__(
        self, model: keras.Model, batch: Mapping[str, tf.Tensor], controls: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Run the model and return the loss `(batch,)` and its terms, each `(batch,)`."""


def clip_inputs(model: keras.Model, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a batch that the model reads, named in its `clip_inputs`."""
    return {name: batch[name] for name in model.clip_inputs}
