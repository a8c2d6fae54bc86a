"""Find the dictionaries of weights in the value of a checkpoint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slr_keras.data.pickles.inert import Inert

# Checkpoints nest their weights once or twice.
_DEEPEST, _MOST = 5, 10_000
# Components of names that wrappers of torch add: DataParallel, torch.compile.
_WRAPPERS = ("module", "_orig_mod")
_AVERAGES = ("ema", "shadow", "averaged")


@dataclass(frozen=True)
class StateDictionary:
    """Tensors by name.

    Attributes:
        key: place of the dictionary in the file, such as "state_dict"; empty for the file itself.
        tensors: arrays by name.
        refusal: why the dictionary cannot be used; empty if it can.
    """

    key: str
    tensors: Mapping[str, np.ndarray]
    refusal: str = ""

    @property
    def averaged(self) -> bool:
        """Whether the key names a moving average of the weights."""
        return any(word in self.key.lower() for word in _AVERAGES)


def state_dictionaries(value: Any) -> list[StateDictionary]:
    """All dictionaries that hold tensors, those with the most tensors first.

    Of equally many, a moving average comes first, then the one with the most numbers.

    >>> import numpy as np
    >>> from slr_keras.weights.state_dictionaries import state_dictionaries
    >>> weights = {"conv.weight": np.ones(2), "conv.bias": np.ones(1)}
    >>> value = {"best_acc1": np.ones(()), "state_dict": weights, "state_dict_ema": weights}
    >>> [one.key for one in state_dictionaries(value)]
    ['state_dict_ema', 'state_dict', '']
    """

    def order(one: StateDictionary) -> tuple:
        numbers = sum(tensor.size for tensor in one.tensors.values())
        return -len(one.tensors), not one.averaged, -numbers

    return sorted(_search(value, "", set()), key=order)


def _search(value: Any, key: str, seen: set[int], depth: int = 0) -> Iterator[StateDictionary]:
    repeated = id(value) in seen and depth > 1
    if not isinstance(value, dict) or repeated or depth > _DEEPEST or len(seen) > _MOST:
        return
    seen.add(id(value))
    tensors = {
        name: item
        for name, item in value.items()
        if isinstance(name, str) and isinstance(item, np.ndarray)
    }
    if tensors:
        strange = [(n, item.reason) for n, item in value.items() if isinstance(item, Inert)]
        refusal = ""
        if strange:
            name, reason = strange[0]
            refusal = f"{str(name)[:80]!r} beside the weights is not plain data: {reason}"
        yield StateDictionary(key, tensors, refusal)
    for name, item in value.items():
        if isinstance(name, str | int):
            yield from _search(item, f"{key}.{name}" if key else str(name), seen, depth + 1)


def without_wrappers(tensors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Names without the components that wrappers of torch add, where they stay different.

    >>> from slr_keras.weights.state_dictionaries import without_wrappers
    >>> list(without_wrappers({"module.conv2d.module.conv1.weight": None, "fc.weight": None}))
    ['conv2d.conv1.weight', 'fc.weight']
    """
    plain = {
        name: ".".join(part for part in name.split(".") if part not in _WRAPPERS)
        for name in tensors
    }
    if len(set(plain.values())) < len(plain):
        return tensors
    return {plain[name]: tensor for name, tensor in tensors.items()}
