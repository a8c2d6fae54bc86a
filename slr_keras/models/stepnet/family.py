"""StepNet's family."""

from collections.abc import Callable, Mapping
from typing import Any

from slr_keras.models.family import ModelFamily
from slr_keras.models.stepnet.model import StepNet

# docs/papers/stepnet.md §0, and with the trunk of §10 over 64 frames.
STEPNET: Mapping[str, Any] = {"clip_frames": 16}
STEPNET_I3D: Mapping[str, Any] = {"backbone": "i3d", "clip_frames": 64, "width": 512}
# Learns small simulated clips on two CPU cores.
STEPNET_TINY: Mapping[str, Any] = {
    "backbone": "tsm_micro",
    "image_size": (64, 64),
    "clip_frames": 16,
    "width": 64,
}


def features(model: StepNet, head: str) -> Callable[[Mapping[str, Any]], Any]:
    """The sequence that a head's classifier reads."""

    def compute(inputs: Mapping[str, Any]) -> Any:
        maps = model.frame_encoder(inputs["video"], None, training=False)
        return model.features(maps, training=False)[model._seen_by(head)]

    return compute


FAMILIES = (
    ModelFamily(
        "stepnet",
        "video",
        "sign",
        StepNet,
        {"stepnet": STEPNET, "stepnet_i3d": STEPNET_I3D, "stepnet_tiny": STEPNET_TINY},
        objective="classification",
        decoder="sign",
        features=features,
        lite_obstacle="its pictures are found, cropped and resized outside the graph, and only "
        "keypoints have a contract that a phone can follow",
    ),
)
