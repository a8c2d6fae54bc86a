"""Decoding of log-probabilities to glosses in NumPy: greedy, beam search, language model."""

from slr_keras.decoding.batch import decode_batch, single_gloss
from slr_keras.decoding.config import DecodingConfig
from slr_keras.decoding.context import ContextCache
from slr_keras.decoding.context_ctc import context_ctc_beam
from slr_keras.decoding.ctc import CtcAlignment, align_ctc, log_likelihood
from slr_keras.decoding.greedy import greedy, single_gloss_scores
from slr_keras.decoding.hypothesis import (
    Hypothesis,
    collapse_repeats,
    log_softmax,
    merge_repeats,
)
from slr_keras.decoding.language_model import NgramLanguageModel
from slr_keras.decoding.prefix_beam import prefix_beam
from slr_keras.decoding.transducer import (
    TransducerAlignment,
    align_transducer,
    transducer_beam,
)

__all__ = [
    "ContextCache",
    "CtcAlignment",
    "DecodingConfig",
    "Hypothesis",
    "NgramLanguageModel",
    "TransducerAlignment",
    "align_ctc",
    "align_transducer",
    "collapse_repeats",
    "context_ctc_beam",
    "decode_batch",
    "greedy",
    "log_likelihood",
    "log_softmax",
    "merge_repeats",
    "prefix_beam",
    "single_gloss",
    "single_gloss_scores",
    "transducer_beam",
]
