"""C²ST's family."""

from collections.abc import Callable, Mapping
from typing import Any

from slr_keras.models.c2st.model import C2st
from slr_keras.models.family import ModelFamily

# The paper's size with word vectors: the cheapest of its Table 9, and its largest without BERT.
C2ST_R18: Mapping[str, Any] = {"backbone": "resnet18"}
C2ST_SWIN: Mapping[str, Any] = {"backbone": "swin_t"}
# Learns small simulated frames on two CPU cores.
C2ST_TINY: Mapping[str, Any] = {
    "backbone": "resnet_micro",
    "image_size": (64, 64),
    "width": 128,
    "dropout": 0.1,
    "language_model_options": {"width": 64},
}


def features(model: C2st, head: str) -> Callable[[Mapping[str, Any]], Any]:
    """The sequence that the video level's classifier reads, whatever the head."""

    def compute(inputs: Mapping[str, Any]) -> Any:
        pictures = model.frame_encoder(inputs["video"], inputs["mask"], training=False)
        local, steps, *_ = model.convolution(pictures, inputs["mask"], training=False)
        return model.recurrent(local, steps, training=False)

    return compute


FAMILIES = (
    ModelFamily(
        "c2st",
        "video",
        "glosses",
        C2st,
        {"c2st": C2ST_SWIN, "c2st_r18": C2ST_R18, "c2st_tiny": C2ST_TINY},
        objective="transduction",
        decoder="context",
        conditional=True,
        features=features,
        lite_obstacle="its decoder asks for the context of every gloss so far, which is no static "
        "graph",
    ),
)
