"""Baseline recognisers for comparison with the models, in NumPy (the SVM needs scikit-learn)."""

from slr_keras.baselines.base import Baseline
from slr_keras.baselines.recognisers import BagBaseline, DtwBaseline
from slr_keras.baselines.svm import SvmBaseline

__all__ = ["BagBaseline", "Baseline", "DtwBaseline", "SvmBaseline"]
