"""USTM's family."""

from collections.abc import Callable, Mapping
from typing import Any

from slr_keras.models.family import ModelFamily
from slr_keras.models.ustm.model import Ustm

# The three sizes of docs/papers/ustm.md §3.1; which of them the published scores are of is not
# known.
USTM_T: Mapping[str, Any] = {
    "name": "ustm_t",
    "backbone": "swin_t",
    "backbone_options": {"stochastic_depth": 0.2},
}
USTM_S: Mapping[str, Any] = {**USTM_T, "name": "ustm_s", "backbone": "swin_s"}
USTM_B: Mapping[str, Any] = {**USTM_T, "name": "ustm_b", "backbone": "swin_b"}
# Learns small simulated frames on two CPU cores, with a stem that the published sizes do not have.
USTM_TINY: Mapping[str, Any] = {
    "name": "ustm_tiny",
    "backbone": "swin_nano",
    "image_size": (64, 64),
    "adapter_width": 16,
    "width": 128,
    "dropout": 0.1,
    "pixels": "symmetric",
}


def features(model: Ustm, head: str) -> Callable[[Mapping[str, Any]], Any]:
    """The sequence that the last classifier reads, whatever the head."""

    def compute(inputs: Mapping[str, Any]) -> Any:
        frames, valid = model.frame_encoder(inputs["video"], inputs["mask"], training=False)
        if model.streams is not None:
            frames = model.streams(frames, valid)
        local, steps, *_ = model.convolution(frames, valid, training=False)
        return model.recurrent(local, steps, training=False)

    return compute


FAMILIES = (
    ModelFamily(
        "ustm",
        "video",
        "glosses",
        Ustm,
        {"ustm_b": USTM_B, "ustm_s": USTM_S, "ustm_t": USTM_T, "ustm_tiny": USTM_TINY},
        objective="self_distillation",
        features=features,
        lite_obstacle="its encoder joins windows over time in tensors of more than four axes, and "
        "its recurrent layers are no built-in graph",
    ),
)
