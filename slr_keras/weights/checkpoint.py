"""Reading of weight files in the safetensors and torch formats."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.weights.safetensors import looks_like_safetensors, read_safetensors
from slr_keras.weights.torch_file import read_torch


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Contents of a weight file.

    Attributes:
        path: the file.
        sha256: SHA-256 digest of the file, hexadecimal.
        format: "safetensors" or "torch".
        tensors: arrays by name.
        metadata: strings by name; empty for torch files.
    """

    path: Path
    sha256: str
    format: str
    tensors: Mapping[str, np.ndarray]
    metadata: Mapping[str, str]


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a `.safetensors` or a `torch.save` file; the format is detected from the content.

    Nothing in the file is executed.

    Raises:
        UserError: the file cannot be read, is damaged, or has more than tensors.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from slr_keras.weights import read_checkpoint
    >>> from slr_keras.weights.safetensors import write_safetensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.safetensors")
    ...     _ = path.write_bytes(write_safetensors({"scale": np.ones(1, "float32")}))
    ...     list(read_checkpoint(path).tensors)
    ['scale']
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        if looks_like_safetensors(data):
            kind = "safetensors"
            tensors, metadata = read_safetensors(data)
        else:
            kind = "torch"
            tensors, metadata = read_torch(data), {}
    except ValueError as error:
        raise UserError(
            f"{path}: {error}; give a whole .safetensors file or a torch.save of a state dictionary"
        ) from error
    return Checkpoint(path, hashlib.sha256(data).hexdigest(), kind, tensors, metadata)
