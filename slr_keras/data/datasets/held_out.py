"""Held-out recordings in a file of their own, which become a split that nobody has trained on."""

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from slr_keras.utils.errors import UserError

Clip = Sequence[np.ndarray]


def given_file(source: Path, name: str, option: str) -> Path:
    """The file that an option names: inside the data set's folder, else by its own path.

    Args:
        source: folder of the data set's files.
        name: as the user gave it.
        option: the option's flag, for the message.

    Raises:
        UserError: there is no such file.
    """
    for path in (source / name, Path(name)):
        if path.is_file():
            return path
    raise UserError(f"{option} {name}: no such file, neither in {source} nor by this path")


def require_apart(
    path: Path, theirs: Iterable[str], ours: Collection[str], what: str = "signer"
) -> None:
    """Refuse a held-out file with a signer who is in the other files, too.

    Args:
        path: the held-out file.
        theirs: the signers of its clips.
        ours: the signers of the other files.
        what: "signer" or what else is held out, for the message.

    >>> from pathlib import Path
    >>> from slr_keras.data.datasets.held_out import require_apart
    >>> require_apart(Path("test.npz"), ["S02", "S02"], ["S01", "S03"])

    Raises:
        UserError: names the first one.
    """
    shared = sorted(set(theirs) & set(ours))
    if shared:
        raise UserError(
            f"{path}: {what} {shared[0]!r} is in the other data, too; a held-out file must have "
            f"other {what}s"
        )


def require_new(path: Path, theirs: Iterable[Clip], ours: Iterable[Clip]) -> None:
    """Refuse a held-out file that repeats clips of the other data: its score would be too good.

    Args:
        path: the held-out file.
        theirs: the arrays of its clips.
        ours: the arrays of the other files' clips.

    Raises:
        UserError: says how many clips are the same.
    """
    known = {digest(*clip) for clip in ours}
    same = [digest(*clip) in known for clip in theirs]
    if any(same):
        raise UserError(
            f"{path}: {sum(same)} of its {len(same)} clips, the first at row {same.index(True)}, "
            "are in the other data, too; give a file of other recordings"
        )


def digest(*arrays: np.ndarray) -> bytes:
    """A short name for the content of a clip's arrays: equal clips have equal ones."""
    hashed = blake2b(digest_size=16)
    for array in arrays:
        hashed.update(np.ascontiguousarray(array))
    return hashed.digest()
