"""Simple recognisers to measure the models against. NumPy alone."""

from slr_keras.baselines.recognisers import BagBaseline, Baseline, DtwBaseline

__all__ = ["BagBaseline", "Baseline", "DtwBaseline"]
