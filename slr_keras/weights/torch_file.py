"""Safe reader of state dictionaries in `torch.save` files, without torch."""

import io
from typing import Any

import numpy as np

from slr_keras.data.pickles.pickle_machine import (
    Bounded,
    Machine,
    Names,
    Pending,
    Refused,
)
from slr_keras.data.pickles.pickle_torch import (
    LEGACY_MAGIC,
    TORCH_NAMES,
    read_legacy,
    read_zip,
)

# Keys of the weights in checkpoints of training scripts.
_CONTAINERS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")


class _Parameter(Pending):
    """A parameter in files of early torch versions: made from its tensor, then given flags."""

    def __init__(self, data: Any, *_: Any):
        self.data = data

    def finish(self, state: Any) -> Any:
        return self.data


def _ordered_dict(items: Any = ()) -> dict:
    if not all(isinstance(key, str) for key, _ in items):
        raise Refused("it has an ordered dictionary whose keys are not text")
    return dict(items)


_NAMES: Names = {
    **TORCH_NAMES,
    "torch._utils._rebuild_tensor": TORCH_NAMES["torch._utils._rebuild_tensor_v2"],
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch.nn.parameter.Parameter": _Parameter,
    "collections.OrderedDict": _ordered_dict,
}


def read_torch(data: bytes) -> dict[str, np.ndarray]:
    """Read the tensors of a state dictionary by name.

    Args:
        data: the whole file, in either format of `torch.save`. The dictionary may be nested under a
            usual key ("state_dict", "model", ...).

    Raises:
        ValueError: the bytes are damaged, need more than tensors, or have no state dictionary.

    >>> from slr_keras.weights.torch_file import read_torch
    >>> read_torch(b"cos\\nsystem\\n.")
    Traceback (most recent call last):
    ...
    ValueError: it is not plain data and was not loaded: it asks for 'os.system', ...
    """
    try:
        value = _read(data)
    except Refused as error:
        raise ValueError(f"it is not plain data and was not loaded: {error}") from error
    except Exception as error:
        # Damaged bytes raise nearly anything within the reader.
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ValueError(f"it is not a whole torch file ({reason})") from error
    return _state(value)


def _read(data: bytes) -> Any:
    if data.startswith(b"PK\x03\x04"):
        return read_zip(io.BytesIO(data), len(data), _NAMES)
    stream = Bounded(io.BytesIO(data), len(data))
    value = Machine(_NAMES).run(stream)
    if type(value) is int and value == LEGACY_MAGIC:
        return read_legacy(stream, _NAMES)
    return value


def _state(value: Any) -> dict[str, np.ndarray]:
    for _ in range(3):
        if not isinstance(value, dict):
            break
        tensors = {
            name: tensor
            for name, tensor in value.items()
            if isinstance(name, str) and isinstance(tensor, np.ndarray)
        }
        if tensors:
            return tensors
        inside = [value[name] for name in _CONTAINERS if isinstance(value.get(name), dict)]
        value = inside[0] if inside else None
    raise ValueError("it holds no dictionary of tensors")
