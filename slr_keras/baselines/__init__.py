"""Simple recognisers to measure the models against; all but the SVM need NumPy alone."""

from slr_keras.baselines.recognisers import BagBaseline, Baseline, DtwBaseline
from slr_keras.baselines.svm import SvmBaseline

__all__ = ["BagBaseline", "Baseline", "DtwBaseline", "SvmBaseline"]
