"""Checkpoints as torch writes them, without torch."""

import collections
import io
import pickle
import sys
import types
import zipfile

import numpy as np


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
        state: arrays by name; uint16 stands for the bits of bfloat16.
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
    kinds["<u2"] = "BFloat16Storage"
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
