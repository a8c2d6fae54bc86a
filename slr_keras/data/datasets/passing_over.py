"""Clips whose files cannot be read are passed over; the data folder lists them."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from slr_keras.data.missing import MISSING_FILE, Missing
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import ERRORS, Failures

Read = TypeVar("Read")


class PassedOver:
    """The clips of a data set whose files cannot be read.

    >>> from slr_keras.data.datasets.passing_over import PassedOver
    >>> from slr_keras.utils.errors import UserError
    >>> passed = PassedOver()
    >>> for name in ("a", "b"):
    ...     with passed.reading("train", name):
    ...         if name == "a":
    ...             raise UserError("a.npy: truncated")
    >>> passed.failures.summary(2)
    '1 of 2 clips failed'
    """

    def __init__(self) -> None:
        self.failures = Failures("clip")
        self._expected: dict[str, set[str]] = defaultdict(set)
        self._reasons: dict[str, dict[str, str]] = defaultdict(dict)

    @contextlib.contextmanager
    def reading(self, split: str, id: str) -> Iterator[None]:
        """Read the files of a clip in the block; whatever it raises passes the clip over.

        Args:
            split: of the clip.
            id: unique within the split; a clip whose files are read in two places has two blocks.
        """
        self._expected[split].add(id)
        before = len(self.failures)
        with self.failures.passing_over(id):
            yield
        if len(self.failures) > before:
            self._reasons[split][id] = self.failures.failed[-1].reason

    def require_some(self) -> None:
        """Refuse data without a clip to train on.

        Raises:
            UserError: no clip of train is left, or none at all.
        """
        needed = {"train"} if "train" in self._expected else set(self._expected)
        for split in needed:
            reasons = self._reasons.get(split, {})
            if reasons and len(self._expected[split]) == len(reasons):
                name, reason = next(iter(reasons.items()))
                raise UserError(f"no clip of {split} can be read; the first is {name!r}: {reason}")

    def missing(self) -> Missing:
        """The clips by split, for `missing.json`."""
        expected = {split: len(ids) for split, ids in self._expected.items()}
        return Missing(expected, {s: dict(clips) for s, clips in self._reasons.items() if clips})

    def write(self, path: Callable[[str], Path]) -> None:
        """Write the clips into the data folder: `missing.json` for scores, and `errors.json`.

        Args:
            path: the path of a file in the data folder, by its name.

        Raises:
            UserError: see `require_some`.
        """
        if not self.failures:
            return
        self.require_some()
        self.missing().write(path(MISSING_FILE))
        self.failures.write(path(ERRORS))


def first_readable(paths: Iterable[Path], read: Callable[[Path], Read]) -> Read:
    """The result of reading the first of some files that can be read.

    Raises:
        UserError: none of them can be read; says why the first cannot.
    """
    first: UserError | None = None
    for path in paths:
        try:
            return read(path)
        except UserError as error:
            first = first or error
    raise first or UserError("there are no files to read")
