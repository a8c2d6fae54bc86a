"""Metrics: word error rate as in sclite, accuracy, calibration, significance; transcripts."""

from slr_keras.metrics.accuracy import MISS, label_ranks, per_class_top_k_accuracy, top_k_accuracy
from slr_keras.metrics.alignment import LEVENSHTEIN, SCLITE, Alignment, Pair, align
from slr_keras.metrics.bootstrap import PairedBootstrap, bootstrap_ratio, paired_bootstrap
from slr_keras.metrics.calibration import Calibration, calibration
from slr_keras.metrics.matched_pairs import MatchedPairs, matched_pairs
from slr_keras.metrics.scoring import COSTS, Score, score_transcripts
from slr_keras.metrics.sentence import CLEAN, SentenceScore
from slr_keras.metrics.sign_accuracy import KS, Estimate, SignAccuracy, sign_accuracy
from slr_keras.metrics.signer_table import signer_table
from slr_keras.metrics.wer import (
    ErrorCounts,
    bootstrap_interval,
    count_errors,
    jiwer_counts,
    sentence_counts,
    word_error_rate,
)
from slr_keras.text.phoenix import (
    clean_phoenix2014,
    clean_phoenix2014t,
    clean_phoenix_hypothesis,
    clean_phoenix_word,
)
from slr_keras.text.transcript import Transcript
from slr_keras.text.transcripts import (
    FORMATS,
    detect_format,
    read_transcripts,
    write_transcripts,
)

__all__ = [
    "CLEAN",
    "COSTS",
    "FORMATS",
    "KS",
    "LEVENSHTEIN",
    "MISS",
    "SCLITE",
    "Alignment",
    "Calibration",
    "ErrorCounts",
    "Estimate",
    "MatchedPairs",
    "Pair",
    "PairedBootstrap",
    "Score",
    "SentenceScore",
    "SignAccuracy",
    "Transcript",
    "align",
    "bootstrap_interval",
    "bootstrap_ratio",
    "calibration",
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
    "sign_accuracy",
    "signer_table",
    "top_k_accuracy",
    "word_error_rate",
    "write_transcripts",
]
