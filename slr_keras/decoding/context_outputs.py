"""Decoders of models that emit each gloss given those before it."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.decoding import (
    ContextCache,
    context_ctc_beam,
    transducer_beam,
)
from slr_keras.decoding.emission import (
    context_ctc_emission,
    transducer_emission,
)
from slr_keras.decoding.hypothesis import BLANK
from slr_keras.decoding.outputs import ENSEMBLE, Decoder
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras


class TransducerDecoder(Decoder):
    """Each level gives logits to which the context of the glosses so far is added.

    The last level, of the video, is the one that counts (docs/papers/c2st.md §8), or the one asked
    for. Contexts are kept: a decoder serves as long as the model's weights stay as they are.

    Args:
        model: has `levels` and `context_logits(level, prefixes)`.
        heads: the level that counts, alone; none takes the last.
        cached: prefixes whose contexts are kept, per level.

    Raises:
        UserError: several levels, or one that the model does not have.
    """

    greedy_form = "transducer"
    normalised = False
    search = staticmethod(transducer_beam)
    emitted = staticmethod(transducer_emission)

    def __init__(self, model: "keras.Model", heads: Sequence[str] = (), cached: int = 20_000):
        self.levels = tuple(model.levels)
        self.counting = self._counting(tuple(heads))
        self._contexts = {
            level: ContextCache(partial(model.context_logits, level), cached)
            for level in self.levels
        }

    def scores(self, outputs):
        """See `Decoder`."""
        import tensorflow as tf

        found = {level: tf.cast(outputs[level], tf.float32) for level in self.levels}
        return {ENSEMBLE: found[self.counting], **found}

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Decoder`.

        Raises:
            UserError: the decoding asks for what such a model does not do.
        """
        if decoding.method == "single" or language_model is not None:
            asked = "method: single" if decoding.method == "single" else "language_model_order"
            raise UserError(
                f"decoding.{asked}: this model emits glosses given those before it and has its "
                "language model inside; use method greedy or beam and order 0"
            )
        level = self.counting if name == ENSEMBLE else name
        found = self.search(
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

    def _counting(self, heads: tuple[str, ...]) -> str:
        named = heads or self.levels[-1:]
        if len(named) > 1:
            raise UserError(
                f"decoding.heads: {', '.join(named)}: each level of this model has contexts of its "
                f"own, so that only one can be decoded; choose one of {', '.join(self.levels)}"
            )
        if named[0] not in self.levels:
            raise UserError(
                f"decoding.heads: the model has no head {named[0]!r}; it has "
                f"{', '.join(self.levels)}"
            )
        return named[0]

    def emission(self, scores, ids, decoding, name=ENSEMBLE):
        """See `Decoder`."""
        level = self.counting if name == ENSEMBLE else name
        logits = np.array(scores, np.float64)
        logits[:, BLANK] -= decoding.blank_penalty
        contexts = self._contexts[level]([tuple(ids[:count]) for count in range(len(ids) + 1)])
        return self.emitted(logits, decoding.context_scale * contexts, tuple(ids))


class ContextCtcDecoder(TransducerDecoder):
    """The same of a model that learnt CTC with context, whose equal neighbours are one gloss."""

    greedy_form = "ctc_context"
    search = staticmethod(context_ctc_beam)
    emitted = staticmethod(context_ctc_emission)
