"""Decoders: from the outputs of a model to gloss sequences, whatever the model emits."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import (
    ContextCache,
    DecodingConfig,
    Hypothesis,
    NgramLanguageModel,
    context_ctc_beam,
    decode_batch,
    transducer_beam,
)
from slr_keras.decoding.emission import (
    context_ctc_emission,
    ctc_emission,
    transducer_emission,
)
from slr_keras.decoding.hypothesis import BLANK
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

ENSEMBLE = "ensemble"
FIRST_GLOSS = Vocabulary.FIRST_GLOSS_ID


class Decoder(Protocol):
    """How the outputs of a model become hypotheses.

    Attributes:
        names_one_sign: whether a clip has one sign and no sequence of glosses.
        greedy_form: name of the greedy search that gives the same glosses within a graph.
        normalised: whether scores are log-probabilities; else logits, to which contexts are added.
    """

    names_one_sign: ClassVar[bool] = False
    greedy_form: ClassVar[str] = "ctc"
    normalised: ClassVar[bool] = True

    def scores(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Within the graph: what is decoded, by set, each `(batch, steps, classes)`; the set
        `ensemble` is the one that counts."""

    def steps(self, frames: np.ndarray, stride: int) -> np.ndarray:
        """Steps that the scores of clips of so many frames have, for a model of this stride."""
        return frames // stride

    def decode(
        self,
        scores: np.ndarray,
        steps: Sequence[int],
        decoding: DecodingConfig,
        language_model: NgramLanguageModel | None = None,
        name: str = ENSEMBLE,
    ) -> list[Hypothesis]:
        """The best hypothesis of every clip, from one set's scores."""

    def emission(
        self,
        scores: np.ndarray,
        ids: Sequence[int],
        decoding: DecodingConfig,
        name: str = ENSEMBLE,
    ) -> np.ndarray:
        """Of one clip, from its scores `(steps, classes)`: the probability `(steps, glosses)` that
        a step emits each of a sequence's glosses."""


class CtcDecoder(Decoder):
    """Every head is a sequence of CTC log-probabilities; the ensemble is their mean.

    Args:
        heads: whose mean is the ensemble; all by default.
    """

    def __init__(self, heads: Sequence[str] = ()):
        self.heads = tuple(heads)

    def scores(self, outputs):
        """See `Decoder`."""
        import tensorflow as tf

        from slr_keras.losses import ensemble_log_probabilities

        logits = {name: value for name, value in outputs.items() if value.shape.rank == 3}
        heads = {name: tf.nn.log_softmax(tf.cast(x, tf.float32)) for name, x in logits.items()}
        return {ENSEMBLE: ensemble_log_probabilities(logits, self.heads), **heads}

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Decoder`."""
        return decode_batch(scores, steps, decoding, language_model)

    def emission(self, scores, ids, decoding, name=ENSEMBLE):
        """See `Decoder`."""
        return ctc_emission(scores, tuple(ids))


class TransducerDecoder(Decoder):
    """Each level gives logits to which the context of the glosses so far is added.

    The last level, of the video, is the one that counts (specs/c2st.md §8), or the one asked for.
    Contexts are kept: a decoder serves as long as the model's weights stay as they are.

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


class SignDecoder(Decoder):
    """Every head gives logits of one sign, `(batch, classes)`; scores are of one step a clip.

    Scores are log-probabilities by token, so that class c stands at c + 2 and the two special
    tokens have none. The softmax takes from all logits of a clip the same number: the order of the
    classes is that of the logits, and so is the order of sums of two models' scores.

    Args:
        heads: whose mean probability is the prediction.
        decoding: of the recipe; what is meant for sequences is refused.

    Raises:
        UserError: the decoding asks for what only sequences of glosses have.

    >>> import numpy as np
    >>> from slr_keras.decoding import DecodingConfig
    >>> from slr_keras.decoding.outputs import SignDecoder
    >>> decoder = SignDecoder(("fuse",))
    >>> scores = decoder.scores({"fuse": np.array([[0.0, 2.0, 1.0]], "float32")})
    >>> scores["ensemble"].shape
    TensorShape([1, 1, 5])
    >>> decoder.decode(scores["ensemble"].numpy(), [1], DecodingConfig())[0].ids
    (3,)
    """

    names_one_sign = True
    greedy_form = "signs"

    def __init__(self, heads: Sequence[str], decoding: DecodingConfig | None = None):
        self.heads = tuple(heads)
        _require_single(decoding or DecodingConfig())

    def scores(self, outputs):
        """See `Decoder`."""
        import tensorflow as tf

        from slr_keras.losses import ensemble_log_probabilities

        logits = {name: tf.cast(value, tf.float32)[:, None] for name, value in outputs.items()}
        heads = {name: tf.nn.log_softmax(value) for name, value in logits.items()}
        scores = {ENSEMBLE: ensemble_log_probabilities(logits, self.heads), **heads}
        special = [[0, 0], [0, 0], [FIRST_GLOSS, 0]]
        return {name: tf.pad(x, special, constant_values=-np.inf) for name, x in scores.items()}

    def steps(self, frames, stride):
        """See `Decoder`."""
        return np.ones_like(frames)

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Decoder`; among equal scores the first class counts.

        Raises:
            UserError: the decoding asks for what only sequences of glosses have.
        """
        _require_single(decoding)
        best = scores[:, 0].argmax(axis=-1).tolist()
        found = []
        for row, token in zip(scores[:, 0].astype(np.float64), best):
            probability = min(1.0, float(np.exp(row[token])))
            found.append(Hypothesis((token,), float(row[token]), ((0, 1),), (probability,)))
        return found

    def emission(self, scores, ids, decoding, name=ENSEMBLE):
        """See `Decoder`."""
        return np.exp(scores[:, list(ids)].astype(np.float64))


# Options of sequences that change nothing where a clip is one sign, by their neutral value.
SEQUENCE_OPTIONS = {
    "language_model_order": 0,
    "insertion_bonus": 0.0,
    "blank_penalty": 0.0,
    "collapse_repeats": False,
}


def _require_single(decoding: DecodingConfig) -> None:
    for option, neutral in SEQUENCE_OPTIONS.items():
        value = getattr(decoding, option)
        if value != neutral:
            raise UserError(
                f"decoding.{option}: {value}: this model names the one sign of a clip, so that "
                f"there is no sequence of glosses for it; leave it at {neutral}"
            )


def with_special_tokens(scores: np.ndarray) -> np.ndarray:
    """Scores of signs `(..., classes)` as scores of tokens: the two special tokens have none.

    >>> import numpy as np
    >>> from slr_keras.decoding.outputs import with_special_tokens
    >>> with_special_tokens(np.zeros((1, 2))).tolist()
    [[-inf, -inf, 0.0, 0.0]]
    """
    return np.pad(scores, ((0, 0), (FIRST_GLOSS, 0)), constant_values=-np.inf)


#: From a model, how to decode, and the loss that it was trained with, to its decoder.
DecoderBuilder = Callable[["keras.Model", DecodingConfig, str], Decoder]


def _ctc(model: "keras.Model", decoding: DecodingConfig, loss: str) -> Decoder:
    return CtcDecoder(decoding.heads or getattr(model, "reported_heads", ()))


def _sign(model: "keras.Model", decoding: DecodingConfig, loss: str) -> Decoder:
    return SignDecoder(decoding.heads or model.reported_heads, decoding)


def _context(model: "keras.Model", decoding: DecodingConfig, loss: str) -> Decoder:
    if loss == "ctc":
        return _ctc(model, decoding, loss)
    kind = ContextCtcDecoder if loss == "ctc_context" else TransducerDecoder
    return kind(model, decoding.heads)


#: What `ModelFamily.decoder` may name. "context" decodes each gloss given those before it, unless
#: the model was trained with plain CTC.
DECODERS: Mapping[str, DecoderBuilder] = {"ctc": _ctc, "sign": _sign, "context": _context}
