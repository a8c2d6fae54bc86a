"""Checks of the shapes of a request, and the key of the requests that can share a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.graph.names import FILES, FRAMES, KEYPOINTS, LENGTHS
from export.serving.failure import ServingError
from export.serving.model import ServedModel, Signature

Key = tuple[Any, ...]


def grouped(
    model: ServedModel, name: str, inputs: Mapping[str, np.ndarray]
) -> tuple[int, Key, int | None]:
    """Number of clips, batch key and padded length of a request.

    Args:
        model: that receives the request.
        name: of the signature.
        inputs: arrays by name.

    Returns:
        the number of clips; a key that is equal for requests which can be batched together; and
        the frames that the clips are padded to, None without padding.

    Raises:
        ServingError: an input is missing or has another dtype, shape or length.
    """
    signature = model.signature(name)
    rows = rows_of(signature, inputs)
    frames = frames_of(signature, inputs)
    if frames is None or not model.buckets:
        # Only requests of the same shape share a batch.
        return rows, (name, *(inputs[key].shape[1:] for key in signature.inputs)), None
    longest = model.buckets[-1]
    if frames > longest:
        raise refused(
            f"clips have {frames} frames, this model takes up to {longest}; split them into "
            "overlapping windows, as `slr client` does"
        )
    padded = next(size for size in model.buckets if size >= frames)
    return rows, (name, padded, *(inputs[key].shape[2:] for key in signature.inputs)), padded


def rows_of(signature: Signature, inputs: Mapping[str, np.ndarray]) -> int:
    """Number of clips of a request.

    Raises:
        ServingError: the inputs do not fit the signature.
    """
    if inputs.keys() != signature.inputs.keys():
        raise refused(
            f"inputs are {', '.join(sorted(inputs)) or 'none'}; this signature takes "
            f"{', '.join(sorted(signature.inputs))}"
        )
    counts = {}
    for name, tensor in signature.inputs.items():
        array = inputs[name]
        wanted = tensor.shape
        if array.dtype != tensor.dtype:
            raise refused(f"input {name!r}: is {_kind(array.dtype)}, must be {_kind(tensor.dtype)}")
        fits = array.ndim == len(wanted) and all(
            size in (None, own) for size, own in zip(wanted, array.shape)
        )
        if not fits:
            raise refused(f"input {name!r}: has shape {array.shape}, must have {_shape(wanted)}")
        if 0 in array.shape:
            raise refused(f"input {name!r}: has shape {array.shape}, which is empty")
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
    timed = [name for name in (KEYPOINTS, FRAMES, FILES) if name in signature.inputs]
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


def refused(message: str) -> ServingError:
    """The error of a request that does not fit the model."""
    return ServingError("INVALID_ARGUMENT", message)
