"""Evaluation of isolated sign recognition: accuracy, confusions, calibration, reports."""

from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.metrics.isolated.score import Confusion, SignScore

__all__ = ["Confusion", "SignScore", "read_groups"]
