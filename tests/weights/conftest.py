"""Checkpoints as torchvision, timm and Hugging Face write them, with seeded numbers."""

import types

import numpy as np
import pytest
from torch_checkpoints import resnet_state, torch_save

SWIN = {"embedding": 8, "depths": (2, 2), "heads": (2, 4), "window": 4, "stochastic_depth": 0.0}
SWIN_NAMES = {
    "torchvision": {
        "patches": "features.0.0",
        "patches_norm": "features.0.2",
        "block": "features.{odd}.{index}",
        "merging": "features.2",
        "parts": "norm1 attn attn.qkv attn.proj norm2 mlp.0 mlp.3",
        "norm": "norm",
        "head": "head",
    },
    "timm": {
        "patches": "patch_embed.proj",
        "patches_norm": "patch_embed.norm",
        "block": "layers.{stage}.blocks.{index}",
        "merging": "layers.1.downsample",
        "parts": "norm1 attn attn.qkv attn.proj norm2 mlp.fc1 mlp.fc2",
        "norm": "norm",
        "head": "head.fc",
    },
    "Hugging Face": {
        "patches": "embeddings.patch_embeddings.projection",
        "patches_norm": "embeddings.norm",
        "block": "encoder.layers.{stage}.blocks.{index}",
        "merging": "encoder.layers.0.downsample",
        "parts": "layernorm_before attention.self attention.self attention.output.dense "
        "layernorm_after intermediate.dense output.dense",
        "norm": "layernorm",
        "head": "classifier",
    },
}
SWIN_NAMES["timm before 0.9"] = {
    **SWIN_NAMES["timm"],
    "merging": "layers.0.downsample",
    "head": "head",
}


def swin_state(library: str, seed: int = 0, prefix: str = "") -> dict[str, np.ndarray]:
    """A state dictionary of SWIN; the same numbers for the same seed, whatever the names."""
    generator = np.random.default_rng(seed)
    names = SWIN_NAMES[library]
    state = {}

    def put(name, *shape):
        state[prefix + name] = generator.normal(0, 0.3, shape).astype("float32")

    def layer(name, *shape):
        put(f"{name}.weight", *shape)
        put(f"{name}.bias", shape[0])

    width = SWIN["embedding"]
    layer(names["patches"], width, 3, 4, 4)
    layer(names["patches_norm"], width)
    for stage, (depth, heads) in enumerate(zip(SWIN["depths"], SWIN["heads"])):
        if stage:
            layer(f"{names['merging']}.norm", 4 * width)
            put(f"{names['merging']}.reduction.weight", 2 * width, 4 * width)
            width *= 2
        for index in range(depth):
            place = names["block"].format(stage=stage, odd=2 * stage + 1, index=index)
            norm1, table, qkv, proj, norm2, wide, narrow = (
                f"{place}.{part}" for part in names["parts"].split()
            )
            layer(norm1, width)
            put(f"{table}.relative_position_bias_table", 49, heads)
            state[f"{prefix}{table}.relative_position_index"] = np.zeros((16, 16), "int64")
            layer(qkv, 3 * width, width)
            if library == "Hugging Face":
                for kind in ("weight", "bias"):
                    parts = np.split(state.pop(f"{prefix}{qkv}.{kind}"), 3)
                    for name, part in zip(("query", "key", "value"), parts):
                        state[f"{prefix}{qkv}.{name}.{kind}"] = part
            layer(proj, width, width)
            layer(norm2, width)
            layer(wide, 4 * width, width)
            layer(narrow, width, 4 * width)
    layer(names["norm"], width)
    head = "" if library == "Hugging Face" else prefix
    state[f"{head}{names['head']}.weight"] = np.zeros((5, width), "float32")
    state[f"{head}{names['head']}.bias"] = np.zeros(5, "float32")
    return state


@pytest.fixture(scope="session")
def checkpoints():
    """The functions of this file."""
    return types.SimpleNamespace(
        SWIN=SWIN, swin_state=swin_state, resnet_state=resnet_state, torch_save=torch_save
    )
