"""Our Swin against a published implementation on the same weights; skips where it is absent.

Run once with transformers 4.44.2 (tokenizers 0.19.1, huggingface_hub 0.24.6, safetensors 0.4.5)
beside the locked environment: the golden numbers of `test_loading.py` come from it.
"""

import numpy as np
import pytest

from slr_keras.models.backbones import Swin
from slr_keras.weights import load_backbone_weights
from slr_keras.weights.safetensors import write_safetensors


@pytest.fixture
def published(checkpoints):
    """Transformers' Swin for frames of a size: frames (n, height, width, 3) to (n, features)."""
    transformers = pytest.importorskip("transformers")
    if not hasattr(transformers, "TFSwinModel"):
        pytest.skip("this release of transformers has no Swin in TensorFlow")
    return lambda size: build(transformers, checkpoints, size)


def build(transformers, checkpoints, image_size):
    state = checkpoints.swin_state("Hugging Face", prefix="swin.")
    size = checkpoints.SWIN
    model = transformers.TFSwinModel(
        transformers.SwinConfig(
            # It decides on shifts by this size, not by that of the frames.
            image_size=image_size,
            patch_size=4,
            embed_dim=size["embedding"],
            depths=list(size["depths"]),
            num_heads=list(size["heads"]),
            window_size=size["window"],
            hidden_act="gelu",
            layer_norm_eps=1e-5,
        )
    )
    model(np.zeros((1, 3, image_size, image_size), "float32"))
    leaves = {"kernel": "weight", "gamma": "weight", "beta": "bias"}
    for weight in model.weights:
        name = weight.name.partition(":")[0]
        *modules, leaf = name[name.index("swin/") :].split("/")
        if leaf == "relative_position_index":
            continue
        theirs = ".".join([*modules, leaves.get(leaf, leaf)])
        value = state[theirs.replace("swin.swin.", "swin.")]
        if value.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
        elif value.ndim == 2 and not leaf.endswith("table"):
            value = value.T
        weight.assign(value)
    return lambda frames: model(frames.transpose(0, 3, 1, 2)).pooler_output.numpy()


# Whole windows; then padded windows and a map with odd sides.
@pytest.mark.parametrize("size", [32, 40])
def test_features_equal_those_of_transformers(checkpoints, published, size, tmp_path):
    path = tmp_path / "swin.safetensors"
    path.write_bytes(write_safetensors(checkpoints.swin_state("Hugging Face", prefix="swin.")))
    backbone = Swin(**checkpoints.SWIN)
    load_backbone_weights(backbone, path)
    frames = np.random.default_rng(1).normal(size=(2, size, size, 3)).astype("float32")
    np.testing.assert_allclose(backbone(frames), published(size)(frames), atol=1e-4)
