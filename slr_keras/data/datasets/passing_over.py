"""Clips whose files cannot be read are passed over; the data folder lists them."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from slr_keras.data.missing import MISSING_FILE, Missing
from slr_keras.data.writer import FolderWriter
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
        self._expected: Counter[str] = Counter()
        self._reasons: dict[str, dict[str, str]] = defaultdict(dict)

    @contextlib.contextmanager
    def reading(self, split: str, id: str) -> Iterator[None]:
        """Read the files of a clip in the block; whatever it raises passes the clip over."""
        self._expected[split] += 1
        before = len(self.failures)
        with self.failures.passing_over(id):
            yield
        if len(self.failures) > before:
            self._reasons[split][id] = self.failures.failed[-1].reason

    def write(self, writer: FolderWriter) -> None:
        """Write the clips into the data folder: `missing.json` for scores, and `errors.json`.

        Raises:
            UserError: no clip of train is left, or none at all.
        """
        if not self.failures:
            return
        needed = {"train"} if "train" in self._expected else set(self._expected)
        for split in needed:
            if self._expected[split] == len(self._reasons[split]):
                name, reason = next(iter(self._reasons[split].items()))
                raise UserError(f"no clip of {split} can be read; the first is {name!r}: {reason}")
        clips = {split: reasons for split, reasons in self._reasons.items() if reasons}
        Missing(dict(self._expected), clips).write(writer.path(MISSING_FILE))
        self.failures.write(writer.path(ERRORS))


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
