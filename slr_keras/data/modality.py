"""Types for the input and the output of a model."""

from typing import Literal

Modality = Literal["keypoints", "video"]
KEYPOINTS: Modality = "keypoints"
VIDEO: Modality = "video"

#: A sequence of glosses, or the one sign of an isolated clip.
Output = Literal["glosses", "sign"]
