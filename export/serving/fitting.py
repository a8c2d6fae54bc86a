"""Whether a request fits a signature, and which others it can be joined with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.graph.names import (
    FILES,
    FRAMES,
    KEYPOINTS,
    LENGTHS,
)
from export.serving.failure import ServingError
from export.serving.model import ServedModel, Signature

Key = tuple[Any, ...]


def grouped(
    model: ServedModel, name: str, inputs: Mapping[str, np.ndarray]
) -> tuple[int, Key, int | None]:
    """Clips of a request, what it can be joined with, and the frames it is padded to.

    Raises:
        ServingError: an input is missing, of another dtype, shape or length; says which.
    """
    signature = model.signature(name)
    rows = rows_of(signature, inputs)
    frames = frames_of(signature, inputs)
    if frames is None or not model.buckets:
        # Joined with requests of the very same shape alone.
        return rows, (name, *(inputs[key].shape[1:] for key in signature.inputs)), None
    longest = model.buckets[-1]
    if frames > longest:
        raise refused(
            f"clips have {frames} frames, this model takes up to {longest}; cut them into "
            "overlapping windows, as python -m export.client does"
        )
    padded = next(size for size in model.buckets if size >= frames)
    return rows, (name, padded, *(inputs[key].shape[2:] for key in signature.inputs)), padded


def rows_of(signature: Signature, inputs: Mapping[str, np.ndarray]) -> int:
    """Clips of a request whose inputs fit the signature."""
    if inputs.keys() != signature.inputs.keys():
        raise refused(
            f"inputs are {', '.join(sorted(inputs)) or 'none'}; this signature takes "
            f"{', '.join(sorted(signature.inputs))}"
        )
    counts = {}
    for name, tensor in signature.inputs.items():
        found = inputs[name]
        wanted = tensor.shape
        if found.dtype != tensor.dtype:
            raise refused(f"input {name!r}: is {_kind(found.dtype)}, wants {_kind(tensor.dtype)}")
        fits = found.ndim == len(wanted) and all(
            size in (None, own) for size, own in zip(wanted, found.shape)
        )
        if not fits:
            raise refused(f"input {name!r}: has shape {found.shape}, wants {_shape(wanted)}")
        if 0 in found.shape:
            raise refused(f"input {name!r}: has shape {found.shape}, in which nothing is")
        counts[name] = len(found) if found.ndim else 1
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise refused(f"inputs differ in their number of clips: {told}")
    return next(iter(counts.values()))


def frames_of(signature: Signature, inputs: Mapping[str, np.ndarray]) -> int | None:
    """Frames of clips that bring their lengths; None of a signature of another kind."""
    timed = [name for name in (KEYPOINTS, FRAMES, FILES) if name in signature.inputs]
    if LENGTHS not in inputs or len(timed) != 1:
        return None
    frames = inputs[timed[0]].shape[1]
    lengths = inputs[LENGTHS]
    if lengths.min() < 1 or lengths.max() > frames:
        raise refused(
            f"input 'lengths': holds {lengths.min()} to {lengths.max()}; {timed[0]!r} has {frames} "
            "frames, of which 1 to all are real"
        )
    return frames


def _kind(dtype: np.dtype) -> str:
    return "string" if dtype.kind == "O" else str(dtype)


def _shape(wanted: Sequence[int | None]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in wanted)})"


def refused(message: str) -> ServingError:
    return ServingError("INVALID_ARGUMENT", message)
