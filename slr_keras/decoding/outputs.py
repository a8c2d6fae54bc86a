"""Decoders: from the outputs of a model to gloss sequences, whatever the model emits."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import (
    DecodingConfig,
    Hypothesis,
    NgramLanguageModel,
    decode_batch,
)
from slr_keras.decoding.emission import ctc_emission
from slr_keras.utils.errors import UserError

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
        auxiliary: outputs that only training reads.
    """

    def __init__(self, heads: Sequence[str] = (), auxiliary: Sequence[str] = ()):
        self.heads = tuple(heads)
        self.auxiliary = tuple(auxiliary)

    def scores(self, outputs):
        """See `Decoder`."""
        import tensorflow as tf

        from slr_keras.losses import ensemble_log_probabilities

        logits = {
            name: value
            for name, value in outputs.items()
            if value.shape.rank == 3 and name not in self.auxiliary
        }
        heads = {name: tf.nn.log_softmax(tf.cast(x, tf.float32)) for name, x in logits.items()}
        return {ENSEMBLE: ensemble_log_probabilities(logits, self.heads), **heads}

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Decoder`."""
        return decode_batch(scores, steps, decoding, language_model)

    def emission(self, scores, ids, decoding, name=ENSEMBLE):
        """See `Decoder`."""
        return ctc_emission(scores, tuple(ids))


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
