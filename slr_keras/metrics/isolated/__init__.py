"""Isolated signs: how well clips of one sign are named, by one run or by two together."""

from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.metrics.isolated.score import Confusion, SignScore

__all__ = ["Confusion", "SignScore", "read_groups"]
