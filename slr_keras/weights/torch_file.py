"""Safe reader of state dictionaries in `torch.save` files, without torch."""

import io
from typing import Any

from slr_keras.data.pickles.inert import InertMachine
from slr_keras.data.pickles.pickle_machine import (
    Bounded,
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
from slr_keras.weights.state_dictionaries import StateDictionary, state_dictionaries


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
    "torch._utils._rebuild_parameter_with_state": lambda data, *_: data,
    "torch.nn.parameter.Parameter": _Parameter,
    "collections.OrderedDict": _ordered_dict,
}


def read_torch(data: bytes) -> list[StateDictionary]:
    """Read the state dictionaries of a checkpoint, the largest first.

    Options, counters and objects beside the weights are passed over; nothing of them is made.

    Args:
        data: the whole file, in either format of `torch.save`.

    Raises:
        ValueError: the bytes are damaged, or have no dictionary of tensors.

    >>> from slr_keras.weights.torch_file import read_torch
    >>> read_torch(b"cos\\nsystem\\n.")
    Traceback (most recent call last):
    ...
    ValueError: it is not plain data and was not loaded: it asks for 'os.system', ...
    """
    try:
        value, passed = _read(data)
    except Refused as error:
        raise ValueError(f"it is not plain data and was not loaded: {error}") from error
    except Exception as error:
        # Damaged bytes raise nearly anything within the reader.
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ValueError(f"it is not a whole torch file ({reason})") from error
    dictionaries = state_dictionaries(value)
    if not dictionaries and passed:
        raise ValueError(f"it is not plain data and was not loaded: {passed}")
    if not dictionaries:
        raise ValueError("it holds no dictionary of tensors")
    return dictionaries


def _read(data: bytes) -> tuple[Any, str]:
    """The value of a file, and why a part of it was passed over."""
    machines: list[InertMachine] = []

    class Machine(InertMachine):
        def run(self, stream: Bounded) -> Any:
            machines.append(self)
            return super().run(stream)

    if data.startswith(b"PK\x03\x04"):
        value = read_zip(io.BytesIO(data), len(data), _NAMES, Machine)
    else:
        stream = Bounded(io.BytesIO(data), len(data))
        value = Machine(_NAMES).run(stream)
        if type(value) is int and value == LEGACY_MAGIC:
            value = read_legacy(stream, _NAMES, Machine)
    return value, next((one.passed for one in machines if one.passed), "")
