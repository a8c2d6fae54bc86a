"""Checks of the shapes of a request, and the key of the requests that can share a batch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.graph.names import FILES, FRAMES, KEYPOINTS, LENGTHS
from export.serving.model import ServedModel, Signature
from export.serving.wire import refused

Key = tuple[Any, ...]
# Stands for a size that the model does not limit.
_FREE = 2**20


@dataclass(frozen=True)
class Bounds:
    """Largest request that a served version takes.

    Attributes:
        rows: most clips.
        frames: most frames of a clip; None without limit.
        bytes: most bytes of an array; None without limit.
    """

    rows: int
    frames: int | None = None
    bytes: int | None = None

    def largest(self, signature: Signature, name: str) -> tuple[int, ...]:
        """Largest shape of an input; a free size is `_FREE`.

        >>> import numpy as np
        >>> from export.serving.model import Signature, Tensor
        >>> from export.serving.request_shapes import Bounds
        >>> lengths = Tensor(np.dtype("int32"), (None,), "")
        >>> Bounds(8, 64).largest(Signature({"lengths": lengths}, {}), "lengths")
        (8,)
        """
        sizes = list(signature.inputs[name].shape)
        limits = (self.rows, self.frames if name in timed_inputs(signature) else None)
        for axis, limit in enumerate(limits[: len(sizes)]):
            sizes[axis] = limit if sizes[axis] is None else sizes[axis]
        return tuple(_FREE if size is None else size for size in sizes)


def grouped(
    model: ServedModel, name: str, inputs: Mapping[str, np.ndarray], bounds: Bounds
) -> tuple[int, Key, int | None]:
    """Number of clips, batch key and padded length of a request.

    Args:
        model: that receives the request.
        name: of the signature.
        inputs: arrays by name.
        bounds: largest request.

    Returns:
        the number of clips; a key that is equal for requests which can be batched together; and
        the frames that the clips are padded to, None without padding.

    Raises:
        ServingError: an input is missing or has another dtype, shape or length.
    """
    signature = model.signature(name)
    rows = rows_of(signature, inputs, bounds)
    frames = frames_of(signature, inputs)
    if frames is None or not model.buckets:
        # Only requests of the same shape share a batch.
        return rows, (name, *(inputs[key].shape[1:] for key in signature.inputs)), None
    padded = next(size for size in model.buckets if size >= frames)
    return rows, (name, padded, *(inputs[key].shape[2:] for key in signature.inputs)), padded


def timed_inputs(signature: Signature) -> list[str]:
    """Names of the inputs that have frames along their second axis."""
    return [name for name in (KEYPOINTS, FRAMES, FILES) if name in signature.inputs]


def check_shape(
    name: str, shape: Sequence[int], dtype: np.dtype, signature: Signature, bounds: Bounds
) -> None:
    """Refuse an input whose dtype or shape the signature does not take.

    Args:
        name: of the input.
        shape, dtype: of its array, which need not exist.
        signature: of the request.
        bounds: most clips, frames and bytes of a request.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    tensor = signature.inputs[name]
    wanted = tensor.shape
    if dtype != tensor.dtype:
        raise refused(f"input {name!r}: is {_kind(dtype)}, must be {_kind(tensor.dtype)}")
    shape = tuple(shape)
    fits = len(shape) == len(wanted) and all(
        size in (None, own) for size, own in zip(wanted, shape)
    )
    if not fits:
        raise refused(f"input {name!r}: has shape {shape}, must have {_shape(wanted)}")
    if 0 in shape:
        raise refused(f"input {name!r}: has shape {shape}, which is empty")
    if shape and shape[0] > bounds.rows:
        raise refused(
            f"the request has {shape[0]} clips, at most {bounds.rows} at once; send fewer"
        )
    timed = timed_inputs(signature)
    if bounds.frames and [name] == timed and shape[1] > bounds.frames:
        raise refused(
            f"clips have {shape[1]} frames, this model takes up to {bounds.frames}; split them "
            "into overlapping windows, as `slr client` does"
        )
    size = math.prod(shape) * dtype.itemsize
    if bounds.bytes is not None and size > bounds.bytes:
        raise refused(f"input {name!r}: shape {shape} takes more than {bounds.bytes:,} bytes")


def check_names(signature: Signature, names: Iterable[str]) -> None:
    """Refuse a request whose inputs are not those of the signature.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    given = set(names)
    if given != signature.inputs.keys():
        raise refused(
            f"inputs are {', '.join(sorted(given)[:16])[:200] or 'none'}; this signature takes "
            f"{', '.join(sorted(signature.inputs))}"
        )


def rows_of(signature: Signature, inputs: Mapping[str, np.ndarray], bounds: Bounds) -> int:
    """Number of clips of a request.

    Raises:
        ServingError: the inputs do not fit the signature.
    """
    check_names(signature, inputs)
    counts = {}
    for name in signature.inputs:
        array = inputs[name]
        check_shape(name, array.shape, array.dtype, signature, bounds)
        counts[name] = len(array) if array.ndim else 1
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise refused(f"inputs differ in their number of clips: {listed}")
    return next(iter(counts.values()))


def frames_of(signature: Signature, inputs: Mapping[str, np.ndarray]) -> int | None:
    """Frames of the padded clips of a request; None if the signature takes no clips with lengths.

    Raises:
        ServingError: a length is not between 1 and the frames of the clips.
    """
    timed = timed_inputs(signature)
    if LENGTHS not in inputs or len(timed) != 1:
        return None
    frames = inputs[timed[0]].shape[1]
    lengths = inputs[LENGTHS]
    if lengths.min() < 1 or lengths.max() > frames:
        raise refused(
            f"input 'lengths': holds {lengths.min()} to {lengths.max()}; lengths must be from 1 to "
            f"the {frames} frames of {timed[0]!r}"
        )
    return frames


def _kind(dtype: np.dtype) -> str:
    return "string" if dtype.kind == "O" else str(dtype)


def _shape(wanted: Sequence[int | None]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in wanted)})"
