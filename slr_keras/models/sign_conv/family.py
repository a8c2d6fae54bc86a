"""SignConv's families: sentences, and single signs."""

from collections.abc import Mapping
from typing import Any

from slr_keras.models.family import ModelFamily
from slr_keras.models.inputs import FLOAT_SCOPE
from slr_keras.models.sign_conv.model import GLOSSES, SIGN, SignConv, SignConvIsolated

# Inputs of the recipes for real signing (docs/papers/sign_conv.md §1).
INPUTS: Mapping[str, Any] = {"motion": (2, 4), "hands": "wrist", "standardise": True}
STEPS = 16
# About 50 thousand, 500 thousand and 3 million parameters.
ISOLATED_SMALL = {"width": 64, "blocks": 3, "inputs": {**INPUTS, "steps": STEPS}}
ISOLATED_BASE = {"width": 160, "blocks": 6, "inputs": {**INPUTS, "steps": STEPS}}
ISOLATED_LARGE = {
    "width": 336,
    "blocks": 6,
    "attention_blocks": 1,
    "attention_heads": 6,
    "inputs": {**INPUTS, "steps": STEPS},
}
SMALL = {"width": 56, "blocks": 4, "kernel_size": 3, "inputs": INPUTS}
BASE = {"width": 144, "blocks": 5, "inputs": INPUTS}
LARGE = {"width": 320, "blocks": 6, "inputs": INPUTS}

FAMILIES = (
    ModelFamily(
        "sign_conv",
        "keypoints",
        "glosses",
        SignConv,
        {"sign_conv": BASE, "sign_conv_small": SMALL, "sign_conv_large": LARGE},
        feature_head=GLOSSES,
        float_scopes=(FLOAT_SCOPE,),
        streaming="sign_conv",
    ),
    ModelFamily(
        "sign_conv_isolated",
        "keypoints",
        "sign",
        SignConvIsolated,
        {
            "sign_conv_isolated": ISOLATED_BASE,
            "sign_conv_isolated_small": ISOLATED_SMALL,
            "sign_conv_isolated_large": ISOLATED_LARGE,
        },
        objective="classification",
        decoder="sign",
        feature_head=SIGN,
        float_scopes=(FLOAT_SCOPE,),
    ),
)
