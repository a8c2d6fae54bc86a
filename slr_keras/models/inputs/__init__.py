"""Inputs of keypoint models, computed within the graph: see `KeypointInputs`."""

from slr_keras.models.inputs.config import InputConfig, SkeletonOption
from slr_keras.models.inputs.layer import FLOAT_SCOPE, KeypointInputs

__all__ = ["FLOAT_SCOPE", "InputConfig", "KeypointInputs", "SkeletonOption"]
