"""Fingerprints of the arrays of a data folder, by which readers notice a mixture of two folders.

The first line of a manifest has the key `published`: the fingerprint of each array of many clips
that was written with the manifest. An array under a manifest of another folder would give one
clip's keypoints to another clip. Manifests without the key are read without the check, and labels
may be edited freely.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from slr_keras.utils.errors import UserError

#: Key in the first line of a manifest.
PUBLISHED = "published"
# An array is read in this many places, so that a large one takes no longer than a small one.
_PLACES, _VALUES = 32, 512


def fingerprint(array: np.ndarray) -> str:
    """A digest of an array's shape, type and of values all over it, in 16 hexadecimal digits.

    >>> import numpy as np
    >>> from slr_keras.data.fingerprints import fingerprint
    >>> fingerprint(np.zeros((5, 2))) == fingerprint(np.zeros((5, 2)))
    True
    >>> fingerprint(np.zeros((5, 2))) == fingerprint(np.ones((5, 2)))
    False
    """
    digest = hashlib.sha256(f"{array.shape} {array.dtype.str}".encode())
    values = array.reshape(-1)
    last = max(len(values) - _VALUES, 0)
    for start in sorted({last * place // (_PLACES - 1) for place in range(_PLACES)}):
        digest.update(np.ascontiguousarray(values[start : start + _VALUES]).tobytes())
    return digest.hexdigest()[:16]


def fingerprints_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Fingerprints of the `.npy` files among these names of a folder."""
    arrays = sorted(name for name in names if name.endswith(".npy") and (folder / name).is_file())
    return {name: fingerprint(np.load(folder / name, mmap_mode="r")) for name in arrays}


class OpenArrays(dict[Path, np.ndarray]):
    """Files of many clips, kept mapped between calls, with the fingerprints that they must have.

    Args:
        published: fingerprint by path.
    """

    def __init__(self, published: Mapping[Path, str] = {}):
        super().__init__()
        self.published = dict(published)

    def require_published(self, path: Path, array: np.ndarray) -> None:
        """Refuse an array that is not the one that was published with the manifest.

        Raises:
            UserError: names the file.
        """
        expected = self.published.get(path)
        if expected is not None and fingerprint(array) != expected:
            raise UserError(
                f"{path}: is not the array that was written with the manifest: the folder is a "
                "mixture of two, or was replaced while it was read; run the command again or, if "
                "this remains, write the folder again"
            )

    def __reduce__(self) -> tuple:
        # Another process maps the files itself.
        return OpenArrays, (self.published,)


def published_arrays(path: str | Path, line: str) -> OpenArrays:
    """The arrays that belong to a manifest; those that are there have been checked.

    Args:
        path: of the manifest.
        line: its first line, "" if it has none.

    Raises:
        UserError: an array is not the one that was published with the manifest.
    """
    try:
        published = json.loads(line)[PUBLISHED]
    except (ValueError, TypeError, KeyError, RecursionError):
        # A line that is no sample is reported by whoever reads the samples.
        published = None
    if not isinstance(published, dict):
        return OpenArrays()
    arrays = OpenArrays({Path(path).parent / name: value for name, value in published.items()})
    for name in arrays.published:
        array = _readable(name)
        if array is not None:
            arrays.require_published(name, array)
    return arrays


def _readable(path: Path) -> np.ndarray | None:
    """The array of a file; a missing or damaged one is reported with the clip that needs it."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False) if path.is_file() else None
    except Exception:
        return None
    return array if isinstance(array, np.ndarray) else None
