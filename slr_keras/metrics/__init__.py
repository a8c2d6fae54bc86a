"""Word error rate as sclite counts it, transcripts, clean-up rules, accuracy."""

from slr_keras.metrics.accuracy import label_ranks, per_class_top_k_accuracy, top_k_accuracy
from slr_keras.metrics.alignment import LEVENSHTEIN, SCLITE, Alignment, Pair, align
from slr_keras.metrics.bootstrap import PairedBootstrap, bootstrap_ratio, paired_bootstrap
from slr_keras.metrics.matched_pairs import MatchedPairs, matched_pairs
from slr_keras.metrics.phoenix import (
    clean_phoenix2014,
    clean_phoenix2014t,
    clean_phoenix_hypothesis,
    clean_phoenix_word,
)
from slr_keras.metrics.scoring import (
    CLEAN,
    COSTS,
    Score,
    SentenceScore,
    score_transcripts,
    signer_table,
)
from slr_keras.metrics.transcript import Transcript
from slr_keras.metrics.transcripts import (
    FORMATS,
    detect_format,
    read_transcripts,
    write_transcripts,
)
from slr_keras.metrics.wer import (
    ErrorCounts,
    bootstrap_interval,
    count_errors,
    jiwer_counts,
    sentence_counts,
    word_error_rate,
)

__all__ = [
    "CLEAN",
    "COSTS",
    "FORMATS",
    "LEVENSHTEIN",
    "SCLITE",
    "Alignment",
    "ErrorCounts",
    "MatchedPairs",
    "Pair",
    "PairedBootstrap",
    "Score",
    "SentenceScore",
    "Transcript",
    "align",
    "bootstrap_interval",
    "bootstrap_ratio",
    "clean_phoenix2014",
    "clean_phoenix2014t",
    "clean_phoenix_hypothesis",
    "clean_phoenix_word",
    "count_errors",
    "detect_format",
    "jiwer_counts",
    "label_ranks",
    "matched_pairs",
    "paired_bootstrap",
    "per_class_top_k_accuracy",
    "read_transcripts",
    "score_transcripts",
    "sentence_counts",
    "signer_table",
    "top_k_accuracy",
    "word_error_rate",
    "write_transcripts",
]
