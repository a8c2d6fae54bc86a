"""From a model's outputs to gloss sequences, whatever the model was trained to emit."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slr_keras.decoding import (
    ContextCache,
    DecodingConfig,
    Hypothesis,
    NgramLanguageModel,
    decode_batch,
    transducer_beam,
)
from slr_keras.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.config import Config

ENSEMBLE = "ensemble"


class Readout(Protocol):
    """How the outputs of a model are read."""

    def scores(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Within the graph: what is decoded, by set, each `(batch, steps, classes)`; the set
        `ensemble` is the one that counts."""

    def decode(
        self,
        scores: np.ndarray,
        steps: Sequence[int],
        decoding: DecodingConfig,
        language_model: NgramLanguageModel | None = None,
        name: str = ENSEMBLE,
    ) -> list[Hypothesis]:
        """The best hypothesis of every clip, from one set's scores."""


class CtcReadout:
    """Every head is a sequence of CTC log-probabilities; the ensemble is their mean.

    Args:
        heads: whose mean is the ensemble; all by default.
    """

    def __init__(self, heads: Sequence[str] = ()):
        self.heads = tuple(heads)

    def scores(self, outputs):
        """See `Readout`."""
        import tensorflow as tf

        from slr_keras.losses import ensemble_log_probabilities

        logits = {name: value for name, value in outputs.items() if value.shape.rank == 3}
        heads = {name: tf.nn.log_softmax(tf.cast(x, tf.float32)) for name, x in logits.items()}
        return {ENSEMBLE: ensemble_log_probabilities(logits, self.heads), **heads}

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Readout`."""
        return decode_batch(scores, steps, decoding, language_model)


class TransducerReadout:
    """Each level gives logits to which the context of the glosses so far is added.

    The video level is the one that counts (specs/c2st.md §8).

    Args:
        model: has `levels` and `context_logits(level, prefixes)`.
        cached: prefixes whose contexts are kept, per level.
    """

    def __init__(self, model: "keras.Model", cached: int = 20_000):
        self.levels = tuple(model.levels)
        self._contexts = {
            level: ContextCache(partial(model.context_logits, level), cached)
            for level in self.levels
        }

    def scores(self, outputs):
        """See `Readout`."""
        import tensorflow as tf

        found = {level: tf.cast(outputs[level], tf.float32) for level in self.levels}
        return {ENSEMBLE: found[self.levels[-1]], **found}

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Readout`.

        Raises:
            UserError: the decoding asks for what a transducer does not do.
        """
        if decoding.method == "single" or language_model is not None:
            asked = "method: single" if decoding.method == "single" else "language_model_order"
            raise UserError(
                f"decoding.{asked}: this model emits glosses given those before it and has its "
                "language model inside; use method greedy or beam and order 0"
            )
        level = self.levels[-1] if name == ENSEMBLE else name
        found = transducer_beam(
            scores,
            steps,
            self._contexts[level],
            beam=1 if decoding.method == "greedy" else decoding.beam,
            candidates_per_step=decoding.candidates_per_step,
            blank_penalty=decoding.blank_penalty,
            insertion_bonus=decoding.insertion_bonus,
            context_scale=decoding.context_scale,
            merge_equal_neighbours=decoding.collapse_repeats,
        )
        return [hypotheses[0] for hypotheses in found]


def make_readout(model: "keras.Model", config: "Config") -> Readout:
    """The readout that goes with a model and what it was trained for."""
    from slr_keras.models import C2st

    if isinstance(model, C2st) and config.transduction.loss != "ctc":
        return TransducerReadout(model)
    return CtcReadout(config.decoding.heads or getattr(model, "reported_heads", ()))
