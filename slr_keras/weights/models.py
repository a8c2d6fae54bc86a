"""Weights of whole models in our own format, with the digest of their vocabulary."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write
from slr_keras.weights.checkpoint import read_checkpoint
from slr_keras.weights.loading import OWN_FORMAT, WeightsRecord
from slr_keras.weights.safetensors import write_safetensors

if TYPE_CHECKING:
    from slr_keras.data.vocabulary import Vocabulary

# Keys in the metadata of save_model_weights.
_DIGEST, _RECORD = "vocabulary_digest", "slr_keras_record"
_LISTED = 6


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights of a built model by their name within it, without random generators' state.

    >>> from slr_keras.models.registry import create_model
    >>> from slr_keras.weights.models import named_weights
    >>> tuple(named_weights(create_model("ustm_tiny", 5))["classifier/kernel"].shape)
    (128, 5)
    """
    names = {}
    for layer in model.layers:
        for weight in layer.weights:
            names[layer.name + weight.path.removeprefix(layer.path)] = weight
    return names


def save_model_weights(
    model: keras.Model,
    path: str | Path,
    vocabulary: "Vocabulary",
    record: WeightsRecord | None = None,
) -> None:
    """Write all weights of a model as float32 in the safetensors format.

    Args:
        model: a built model.
        path: the file to write.
        vocabulary: the vocabulary of the model's classes; its digest is stored in the file.
        record: origin of the weights, stored in the file. Defaults to `None`.
    """
    tensors = {name: np.asarray(w, np.float32) for name, w in named_weights(model).items()}
    text = json.dumps(record and record.as_json(), ensure_ascii=False)
    metadata = {"format": OWN_FORMAT, _DIGEST: vocabulary.digest, _RECORD: text}
    with atomic_write(path, "wb") as file:
        file.write(write_safetensors(tensors, metadata))


def load_model_weights(model: keras.Model, path: str | Path, vocabulary: "Vocabulary") -> str:
    """Load all weights of a model that `save_model_weights` wrote.

    After an error no weight has changed.

    Args:
        model: a built model.
        path: the file.
        vocabulary: the vocabulary of the model.

    Returns:
        the SHA-256 digest of the file, hexadecimal.

    Raises:
        UserError: the file cannot be read, has another vocabulary or does not fit the model; the
            message lists missing, extra and reshaped weights.
    """
    checkpoint = read_checkpoint(path)
    if _DIGEST not in checkpoint.metadata:
        raise UserError(
            f"{path}: not the weights of a whole model; `slr convert --model` makes such a file"
        )
    if checkpoint.metadata[_DIGEST] != vocabulary.digest:
        raise UserError(
            f"{path}: its classes are those of the vocabulary {checkpoint.metadata[_DIGEST]}, but "
            f"this vocabulary has {len(vocabulary)} tokens ({vocabulary.digest}); use the "
            "vocabulary that it was converted with"
        )
    targets = named_weights(model)
    tensors = checkpoint.tensors
    complain(
        str(path),
        missing=targets.keys() - tensors.keys(),
        extra=tensors.keys() - targets.keys(),
        reshaped={
            name: (tensors[name].shape, tuple(target.shape))
            for name, target in targets.items()
            if name in tensors and tensors[name].shape != tuple(target.shape)
        },
        model=model.name,
    )
    for name, target in targets.items():
        target.assign(tensors[name])
    return checkpoint.sha256


def complain(where: str, missing, extra, reshaped, model: str) -> None:
    """Refuse a file that does not fit, with one error that lists all differences.

    Args:
        where: the file.
        missing, extra: names of weights.
        reshaped: the file's shape and ours by name.
        model: name of the model.

    Raises:
        UserError: anything is missing, extra or of another shape.
    """
    problems = []
    if missing:
        problems.append(f"it lacks {_listing(sorted(missing))}")
    if extra:
        problems.append(f"it has, beyond that model's weights, {_listing(sorted(extra))}")
    if reshaped:
        shapes = [f"{name} {theirs}, ours {ours}" for name, (theirs, ours) in reshaped.items()]
        problems.append(f"of another shape are {_listing(shapes)}")
    if problems:
        raise UserError(
            f"{where}: not the weights of {model!r}: {'; '.join(problems)}; choose the model and "
            "the vocabulary that it was made for"
        )


def _listing(items: list[str]) -> str:
    more = f" and {len(items) - _LISTED} more" * (len(items) > _LISTED)
    return ", ".join(items[:_LISTED]) + more
