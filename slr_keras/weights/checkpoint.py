"""Reading of weight files in the safetensors and torch formats."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json
from slr_keras.weights.safetensors import looks_like_safetensors, read_safetensors
from slr_keras.weights.torch_file import read_torch

INDEX = ".index.json"
_PART = re.compile(r"-\d{5}-of-\d{5}\.")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Contents of a weight file.

    Attributes:
        path: the file.
        sha256: SHA-256 digest of the file, hexadecimal.
        format: "safetensors", "torch" or "several files".
        tensors: arrays by name.
        metadata: strings by name; empty for torch files.
        key: place of the tensors in a torch file, such as "state_dict"; empty for the file itself.
        refusal: why the tensors cannot be used; empty if they can.
        others: the smaller dictionaries of tensors in the file.
    """

    path: Path
    sha256: str
    format: str
    tensors: Mapping[str, np.ndarray]
    metadata: Mapping[str, str]
    key: str = ""
    refusal: str = ""
    others: tuple["Checkpoint", ...] = ()

    def choices(self) -> tuple["Checkpoint", ...]:
        """The dictionaries of tensors in the file, the largest first."""
        return self, *self.others

    def usable(self) -> "Checkpoint":
        """The checkpoint itself.

        Raises:
            UserError: its dictionary of tensors holds more than plain data.
        """
        if self.refusal:
            raise UserError(f"{self.path}: {self.refusal}; save the state dictionary alone")
        return self


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a `.safetensors` or a `torch.save` file; the format is detected from the content.

    Nothing in the file is executed. Of several dictionaries of tensors, the largest is taken. The
    index of a checkpoint in several files (`.index.json`) stands for all of them.

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
    if path.name.endswith(INDEX):
        return _read_parts(path)
    if _PART.search(path.name):
        raise UserError(
            f"{path}: is one of several files of a checkpoint; give its index, a file that ends in "
            f"{INDEX}"
        )
    return _read_file(path)


def _read_file(path: Path) -> Checkpoint:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    digest = hashlib.sha256(data).hexdigest()
    try:
        if looks_like_safetensors(data):
            tensors, metadata = read_safetensors(data)
            return Checkpoint(path, digest, "safetensors", tensors, metadata)
        states = read_torch(data)
    except ValueError as error:
        raise UserError(
            f"{path}: {error}; give a whole .safetensors file or a torch.save of a state dictionary"
        ) from error
    first, *others = (
        Checkpoint(path, digest, "torch", one.tensors, {}, one.key, one.refusal) for one in states
    )
    return dataclasses.replace(first, others=tuple(others))


def _read_parts(path: Path) -> Checkpoint:
    """Read the files that an index names, which lie beside it."""
    index = read_json(path)
    places = index.get("weight_map") if isinstance(index, dict) else None
    named = isinstance(places, dict) and all(isinstance(name, str) for name in places.values())
    if not places or not named:
        raise UserError(f"{path}: no index of a checkpoint; it has no names of files by weight")
    tensors: dict[str, np.ndarray] = {}
    digest = hashlib.sha256()
    for name in sorted(set(places.values())):
        if Path(name).name != name:
            raise UserError(f"{path}: names {name[:80]!r}, which is not a file beside it")
        part = _read_file(path.parent / name).usable()
        tensors |= part.tensors
        digest.update(part.sha256.encode())
    missing = places.keys() - tensors.keys()
    if missing:
        raise UserError(f"{path}: its files lack {sorted(missing)[0]!r}; fetch all of them again")
    return Checkpoint(path, digest.hexdigest(), "several files", tensors, {})
