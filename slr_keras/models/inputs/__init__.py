"""Inputs of keypoint models, computed within the graph: see `KeypointInputs`."""

from slr_keras.models.inputs.config import InputConfig, SkeletonOption
from slr_keras.models.inputs.layer import FLOAT_SCOPE, KeypointInputs
from slr_keras.models.inputs.model import ReadsFeatures

__all__ = ["FLOAT_SCOPE", "InputConfig", "KeypointInputs", "ReadsFeatures", "SkeletonOption"]
