"""Strict loading of backbone weights from checkpoints, with a record of their origin."""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.models.backbones import Backbone
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write
from slr_keras.weights.checkpoint import Checkpoint, read_checkpoint
from slr_keras.weights.names import Scheme, schemes_of
from slr_keras.weights.safetensors import write_safetensors

OWN_FORMAT = "slr_keras"
# Key of the record in the metadata of save_backbone_weights.
_RECORD = "slr_keras_record"


@dataclasses.dataclass(frozen=True)
class WeightsRecord:
    """Origin of the weights of a backbone or model.

    Attributes:
        backbone: name of the backbone or model.
        file: name of the file, without its folder.
        sha256: SHA-256 digest of the file.
        library: library whose names the file uses; "slr_keras" for our own format.
        weights: number of loaded weights (tensors).
        numbers: number of loaded parameters.
        sources: names in the file by our weight.
        left_over: names in the file that were not loaded, such as a classifier or counters.
        origin: the record of the file that this one was converted from, or None.
        spread: weights of RGB input in the file whose mean over the three channels was copied to
            every input channel of the backbone, such as those of flow.
        taken: place in the file of the dictionary that was loaded, such as "state_dict_ema"; empty
            for the file itself.
    """

    backbone: str
    file: str
    sha256: str
    library: str
    weights: int
    numbers: int
    sources: Mapping[str, tuple[str, ...]]
    left_over: tuple[str, ...]
    origin: Mapping[str, Any] | None = None
    spread: tuple[str, ...] = ()
    taken: str = ""

    def as_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return dataclasses.asdict(self)


def load_backbone_weights(backbone: Backbone, path: str | Path) -> WeightsRecord:
    """Load all weights of a backbone from a file; after an error no weight has changed.

    The file is one that `save_backbone_weights` wrote, or a checkpoint of torchvision, timm,
    Hugging Face, TSM or the PyTorch I3D (`.pth`, `.safetensors`), possibly with a common prefix
    before its names. A classifier in the file is ignored. Any other missing, extra or reshaped
    weight is an error, except that a flow network can be loaded from RGB weights
    (docs/papers/stepnet.md §3.4).

    Args:
        backbone: a backbone; built here if necessary.
        path: the file.

    Returns:
        the record of the loaded weights.

    Raises:
        UserError: the file cannot be read or does not fit; the message lists the names.

    >>> import pathlib, tempfile
    >>> from slr_keras.models.backbones import make_backbone
    >>> from slr_keras.weights import load_backbone_weights, save_backbone_weights
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "micro.safetensors")
    ...     save_backbone_weights(make_backbone("resnet_micro"), path)
    ...     load_backbone_weights(make_backbone("resnet_micro"), path).weights
    60
    """
    checkpoint = _fitting_choice(backbone, read_checkpoint(path))
    _build(backbone)
    targets = backbone.named_weights()
    origin = None
    if _RECORD in checkpoint.metadata:
        library, names, left_over = OWN_FORMAT, {name: (name,) for name in targets}, ()
        extra = checkpoint.tensors.keys() - targets.keys()
        origin = _origin(checkpoint)
    else:
        scheme, prefix = _recognise(backbone, checkpoint)
        library = scheme.library
        names = {name: tuple(prefix + theirs for theirs in scheme.theirs(name)) for name in targets}
        unused = checkpoint.tensors.keys() - {
            theirs for group in names.values() for theirs in group
        }
        left_over = tuple(sorted(name for name in unused if _may_stay(name, scheme, prefix)))
        extra = unused - set(left_over)
    missing = _flat(names) - checkpoint.tensors.keys()
    _complain(checkpoint, backbone, "lacks", missing)
    _complain(checkpoint, backbone, "has, beyond the weights of that backbone,", extra)
    own = library == OWN_FORMAT
    arrays = {name: _source_value(checkpoint, names[name], own) for name in targets}
    spread = _spread(backbone, arrays)
    values = {
        name: _fitting(checkpoint, names[name], arrays[name], tuple(target.shape))
        for name, target in targets.items()
    }
    for name, target in targets.items():
        target.assign(values[name])
    return WeightsRecord(
        backbone=backbone.name,
        file=checkpoint.path.name,
        sha256=checkpoint.sha256,
        library=library,
        weights=len(values),
        numbers=sum(value.size for value in values.values()),
        sources=names,
        left_over=left_over,
        origin=origin,
        spread=spread,
        taken=checkpoint.key,
    )


def save_backbone_weights(
    backbone: Backbone, path: str | Path, record: WeightsRecord | None = None
) -> None:
    """Write the weights of a backbone under our names, as float32 in the safetensors format.

    Args:
        backbone: a backbone; built here if necessary.
        path: the file to write.
        record: origin of the weights, stored in the file. Defaults to `None`.
    """
    _build(backbone)
    tensors = {
        name: np.asarray(weight, np.float32) for name, weight in backbone.named_weights().items()
    }
    text = json.dumps(record and record.as_json(), ensure_ascii=False)
    with atomic_write(path, "wb") as file:
        file.write(write_safetensors(tensors, {"format": OWN_FORMAT, _RECORD: text}))


def _flat(names: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {theirs for group in names.values() for theirs in group}


def _build(backbone: Backbone) -> None:
    if not backbone.built:
        backbone.build(backbone.example_shape)


def _origin(checkpoint: Checkpoint) -> Mapping[str, Any] | None:
    try:
        return json.loads(checkpoint.metadata[_RECORD])
    except (ValueError, RecursionError) as error:
        raise UserError(f"{checkpoint.path}: its record is not JSON; convert it again") from error


def _fitting_choice(backbone: Backbone, checkpoint: Checkpoint) -> Checkpoint:
    """The largest dictionary of a checkpoint whose names are those of the backbone."""
    anchors = tuple(scheme.anchor for scheme in schemes_of(backbone))
    for choice in checkpoint.choices():
        names = choice.tensors
        if any(name == a or name.endswith(f".{a}") for a in anchors for name in names):
            return choice.usable()
    return checkpoint.usable()


def _recognise(backbone: Backbone, checkpoint: Checkpoint) -> tuple[Scheme, str]:
    """The naming scheme of a checkpoint, and the prefix of all its names."""
    for scheme in schemes_of(backbone):
        prefixes = [
            name.removesuffix(scheme.anchor)
            for name in checkpoint.tensors
            if name == scheme.anchor or name.endswith("." + scheme.anchor)
        ]
        if len(prefixes) > 1:
            raise UserError(
                f"{checkpoint.path}: holds several backbones, below {_listing(prefixes)}; "
                f"give a file with one of them"
            )
        if prefixes:
            return scheme, prefixes[0]
    known = ", ".join(scheme.library for scheme in schemes_of(backbone))
    raise UserError(
        f"{checkpoint.path}: its names are not those of {backbone.name!r} in {known or 'slr_keras'}"
        f" (it has {_listing(checkpoint.tensors)}); is it a checkpoint of another model?"
    )


def _may_stay(name: str, scheme: Scheme, prefix: str) -> bool:
    """Whether a name may be ignored: a classifier, a buffer, or outside of the backbone."""
    if not name.startswith(prefix):
        return True
    rest = name.removeprefix(prefix)
    return bool(re.fullmatch(f"{scheme.constants}|{scheme.heads}", rest))


def _complain(checkpoint: Checkpoint, backbone: Backbone, what: str, names: set[str]) -> None:
    if names:
        raise UserError(
            f"{checkpoint.path}: {what} {_listing(names)}; it is not a checkpoint of "
            f"{backbone.name!r}: choose the backbone that it was made for"
        )


def _listing(names) -> str:
    names = sorted(names)
    shown = ", ".join(repr(name[:80]) for name in names[:5])
    return shown + f" and {len(names) - 5} more" * (len(names) > 5)


def _source_value(checkpoint: Checkpoint, names: tuple[str, ...], own: bool) -> np.ndarray:
    """Concatenate tensors of the file to one weight, with our order of axes."""
    parts = [checkpoint.tensors[name] for name in names]
    shapes = [part.shape for part in parts]
    # Output channels are the first axis of torch's tensors.
    if any(len(s) != len(shapes[0]) or s[1:] != shapes[0][1:] or not s for s in shapes):
        shown = " + ".join(names)
        raise UserError(f"{checkpoint.path}: {shown}: the shapes {shapes} do not fit each other")
    value = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if own:
        return value
    if value.ndim in (4, 5):
        return value.transpose(*range(2, value.ndim), 1, 0)
    return value.T if value.ndim == 2 and not names[0].endswith("_table") else value


def _spread(backbone: Backbone, arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Copy the channel mean of an RGB kernel to other input channels; names of such weights."""
    name, channels = backbone.input_kernel, backbone.example_shape[-1]
    kernel = arrays.get(name)
    if kernel is None or kernel.ndim < 4 or kernel.shape[-2] != 3 or channels == 3:
        return ()
    arrays[name] = np.repeat(kernel.mean(axis=-2, keepdims=True), channels, axis=-2)
    return (name,)


def _fitting(
    checkpoint: Checkpoint, names: tuple[str, ...], value: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """The value as float32; refuses another shape and numbers that are not finite."""
    shown = " + ".join(names)
    if value.shape != shape:
        theirs = checkpoint.tensors[names[0]].shape
        raise UserError(
            f"{checkpoint.path}: {shown} has shape {theirs}, which does not fit our {shape}; "
            f"choose the backbone that it was made for"
        )
    value = value.astype(np.float32)
    if not np.isfinite(value).all():
        raise UserError(
            f"{checkpoint.path}: {shown} holds numbers that are not finite; the file is damaged"
        )
    return value
