"""Checkpoints as torchvision, timm and Hugging Face write them, with seeded numbers."""

import collections
import io
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

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


def resnet_state(seed: int = 0, prefix: str = "") -> dict[str, np.ndarray]:
    """A state dictionary of `resnet_micro` in torchvision's names."""
    generator = np.random.default_rng(seed)
    state = {}

    def unit(convolution, norm, out, inside, kernel):
        shape = (out, inside, kernel, kernel)
        state[f"{prefix}{convolution}.weight"] = generator.normal(0, 0.3, shape).astype("float32")
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{prefix}{norm}.{name}"] = generator.uniform(0.5, 1.5, out).astype("float32")
        state[f"{prefix}{norm}.num_batches_tracked"] = np.array(7)

    unit("conv1", "bn1", 16, 3, 3)
    inside = 16
    for stage, width in enumerate((16, 32, 64, 128), 1):
        unit(f"layer{stage}.0.conv1", f"layer{stage}.0.bn1", width, inside, 3)
        unit(f"layer{stage}.0.conv2", f"layer{stage}.0.bn2", width, width, 3)
        if stage > 1:
            place = f"layer{stage}.0.downsample"
            unit(f"{place}.0", f"{place}.1", width, inside, 1)
        inside = width
    state[f"{prefix}fc.weight"] = np.zeros((5, 128), "float32")
    state[f"{prefix}fc.bias"] = np.zeros(5, "float32")
    return state


class _Tensor:
    """Pickles itself as torch's tensors do."""

    def __init__(self, array, rebuild, storage):
        self.array, self.rebuild, self.storage = array, rebuild, storage

    def __reduce__(self):
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        arguments = (self.storage, 0, self.array.shape, strides, False, collections.OrderedDict())
        return self.rebuild, arguments


class _Storage:
    def __init__(self, key, kind, array):
        self.key, self.kind, self.array = key, kind, array


class _Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, _Storage):
            return ("storage", value.kind, value.key, "cpu", value.array.size)
        return None


def torch_save(state, metadata=True, around=None) -> bytes:
    """What `torch.save(state)` writes in its zip format, `_metadata` of modules included.

    Args:
        state: arrays by name.
        metadata: whether the dictionary carries the attribute that `module.state_dict()` sets.
        around: puts the dictionary into another value.
    """
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils

    def named(name, module):
        value = type(name, (), {"__module__": module.__name__, "__qualname__": name})
        setattr(module, name, value)
        return value

    rebuild = named("_rebuild_tensor_v2", utils)
    kinds = {"<f4": "FloatStorage", "<f8": "DoubleStorage", "<i8": "LongStorage"}
    kinds = {code: named(name, torch) for code, name in kinds.items()}
    tensors, storages = collections.OrderedDict(), []
    for name, array in state.items():
        array = np.ascontiguousarray(array).reshape(array.shape)
        storage = _Storage(str(len(storages)), kinds[array.dtype.str], array)
        storages.append(storage)
        tensors[name] = _Tensor(array, rebuild, storage)
    if metadata:
        tensors._metadata = collections.OrderedDict({"": {"version": 1}})
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        stream = io.BytesIO()
        _Pickler(stream, protocol=2).dump(around(tensors) if around else tensors)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", stream.getvalue())
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.array.tobytes())
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


@pytest.fixture(scope="session")
def checkpoints():
    """The functions of this file."""
    return types.SimpleNamespace(
        SWIN=SWIN, swin_state=swin_state, resnet_state=resnet_state, torch_save=torch_save
    )
