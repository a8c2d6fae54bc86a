"""Decoding of a batch of padded clips with a `DecodingConfig`."""

from collections.abc import Sequence

import numpy as np

from slr_keras.decoding.config import DecodingConfig
from slr_keras.decoding.ctc import best_paths
from slr_keras.decoding.greedy import greedy, single_gloss_scores
from slr_keras.decoding.hypothesis import Hypothesis, checked, confidences_of, merge_repeats
from slr_keras.decoding.language_model import NgramLanguageModel
from slr_keras.decoding.prefix_beam import prefix_beam
from slr_keras.utils.errors import UserError


def decode_batch(
    log_probs: np.ndarray,
    lengths: Sequence[int],
    config: DecodingConfig | None = None,
    language_model: NgramLanguageModel | None = None,
) -> list[Hypothesis]:
    """Find the best hypothesis of every clip; it depends on the clip's own steps only.

    Args:
        log_probs: `(batch, time, classes)` log-probabilities or logits, blank = class 0.
        lengths: `(batch,)` real steps of each clip; padding is never read.
        config: options; None means the defaults.
        language_model: used if `config.language_model_order` is above 0.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite values (names the clip), or no
            language model although the configuration asks for one.

    >>> import numpy as np
    >>> from slr_keras.decoding import DecodingConfig, decode_batch
    >>> steps = np.log([[[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]]])
    >>> [best.ids for best in decode_batch(steps, [2], DecodingConfig(method="greedy"))]
    [(1, 2)]
    """
    config = config or DecodingConfig()
    log_probs = np.asarray(log_probs)
    steps = np.asarray(lengths)
    if log_probs.ndim != 3 or steps.shape != log_probs.shape[:1]:
        raise UserError(
            f"decoding: log-probabilities {log_probs.shape} and lengths {steps.shape} must be "
            "(batch, time, classes) and (batch,)"
        )
    if config.language_model_order and language_model is None:
        raise UserError(
            "decoding.language_model_order: the configuration needs a language model and none was "
            "given; train one on the training sentences or set the order to 0"
        )
    hypotheses = []
    for row, length in enumerate(steps.tolist()):
        try:
            hypotheses.append(_decode(log_probs[row], length, config, language_model))
        except UserError as error:
            raise UserError(f"clip {row} of the batch: {error}") from error
    return hypotheses


def _decode(
    log_probs: np.ndarray,
    length: int,
    config: DecodingConfig,
    language_model: NgramLanguageModel | None,
) -> Hypothesis:
    if config.method == "single":
        return single_gloss(log_probs, length)
    if config.method == "greedy":
        hypothesis = greedy(log_probs, length)
        return merge_repeats(hypothesis) if config.collapse_repeats else hypothesis
    return prefix_beam(
        log_probs,
        beam=config.beam,
        language_model=language_model if config.language_model_order else None,
        weight=config.language_model_weight,
        insertion_bonus=config.insertion_bonus,
        merge_repeats=config.collapse_repeats,
        length=length,
        candidates_per_step=config.candidates_per_step,
    )[0]


def single_gloss(log_probs: np.ndarray, length: int | None = None) -> Hypothesis:
    """Find the most probable single gloss of a clip; a clip without steps has no gloss.

    The confidence is P(gloss | the clip holds exactly one gloss).

    >>> import numpy as np
    >>> from slr_keras.decoding import single_gloss
    >>> single_gloss(np.log([[0.5, 0.3, 0.2], [0.5, 0.1, 0.4]])).ids
    (2,)
    """
    scores = single_gloss_scores(log_probs, length)
    log_probs = checked(log_probs, length)
    if len(log_probs) == 0:
        return Hypothesis((), 0.0)
    best = int(scores.argmax())
    spans = best_paths(log_probs, [(best,)])[0].spans
    if scores[best] == -np.inf:
        return Hypothesis((best,), -np.inf, spans, confidences_of(log_probs, (best,), spans))
    confidence = 1.0 / np.exp(scores - scores[best]).sum()
    return Hypothesis((best,), float(scores[best]), spans, (min(1.0, float(confidence)),))
