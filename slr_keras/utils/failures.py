"""Inputs that fail while the others go on: their reasons, the exit code, and the report at the end.

A command that works on several inputs does not end with the first bad one. It passes the bad one
over, answers for the others, reports every failure by name and reason at the end, and returns
`SOME_FAILED`.
"""

import contextlib
import errno
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from slr_keras.utils.command import USER_MISTAKE
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json

#: File in an output folder that lists the inputs that failed.
ERRORS = "errors.json"
#: Exit code of a command that passed over some of its inputs.
SOME_FAILED = USER_MISTAKE
#: Failures that are printed; files list all of them.
LISTED = 20
# Failures that are kept; later ones of an endless stream are counted alone.
_KEPT = 10_000
# Errors of the machine that the next input has as well.
_EVERYWHERE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Failed(NamedTuple):
    """An input that failed: its name, and the reason, which names the file."""

    name: str
    reason: str


@dataclass
class Failures:
    """The inputs that failed.

    Attributes:
        what: kind of the inputs in the singular, such as "clip".
        failed: the inputs in the order of their failures, the first 10,000 of them.
        count: number of failures.

    >>> from slr_keras.utils.errors import UserError
    >>> from slr_keras.utils.failures import Failures
    >>> failures = Failures("clip")
    >>> for name in ("a.npy", "b.npy"):
    ...     with failures.passing_over(name):
    ...         if name == "a.npy":
    ...             raise UserError("a.npy: truncated")
    >>> [*failures], failures.summary(2)
    ([Failed(name='a.npy', reason='a.npy: truncated')], '1 of 2 clips failed')
    """

    what: str = "clip"
    failed: list[Failed] = field(default_factory=list)
    count: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Failed]:
        return iter(self.failed)

    def add(self, name: str, error: Exception | str) -> None:
        """Note that an input failed.

        Raises:
            OSError: the error is one of the machine that every input has, such as a full disk.
        """
        if isinstance(error, OSError) and error.errno in _EVERYWHERE:
            raise error
        with self._lock:
            self.count += 1
            if self.count <= _KEPT:
                self.failed.append(Failed(name, reason_of(error, name)))

    @contextlib.contextmanager
    def passing_over(self, name: str) -> Iterator[None]:
        """Pass over the input `name` if its block raises anything; Ctrl-C still ends the command.

        Raises:
            OSError: see `add`.
        """
        try:
            yield
        except Exception as error:
            self.add(name, error)

    def summary(self, total: int | None = None) -> str:
        """How many of `total` inputs failed, in words."""
        count = self.count if total is None else total
        of = f"{self.count} of {total}" if total is not None else str(self.count)
        return f"{of} {self.what}{'s' * (count != 1)} failed"

    def unique(self) -> "Failures":
        """Each input once, in the order of the names."""
        by_name = {failed.name: failed for failed in reversed(self.failed)}
        failed = [by_name[name] for name in sorted(by_name)]
        return Failures(self.what, failed, len(failed))

    def lines(self) -> list[str]:
        """One line per failure, as it stands in a text file."""
        return [f"error: {' '.join(reason.split())}" for _, reason in self]

    def as_json(self) -> list[dict[str, str]]:
        """One object per failure, with its name and its error."""
        return [{"name": name, "error": reason} for name, reason in self]

    def write(self, path: Path) -> None:
        """Write the failures to a JSON file; without any, the file of an earlier run is removed."""
        if self.count:
            write_json(path, {"errors": self.as_json()})
        else:
            path.unlink(missing_ok=True)

    def report(self, conclusion: str | None = None, listed: int = LISTED) -> int:
        """Print the first failures to standard error, and how many there are.

        Args:
            conclusion: the last line; None: the summary. "" leaves it out.
            listed: number of failures to print.

        Returns:
            The exit code of the command: `SOME_FAILED`, or 0 if nothing failed.
        """
        if not self.count:
            return 0
        for line in self.lines()[:listed]:
            print(line, file=sys.stderr)
        if self.count > listed:
            print(f"... and {self.count - listed} more", file=sys.stderr)
        if conclusion != "":
            print(f"error: {conclusion or self.summary()}", file=sys.stderr)
        return SOME_FAILED


def as_user_error(error: Exception, name: str) -> UserError:
    """Whatever was raised for an input, as an error that names the input.

    >>> from slr_keras.utils.failures import as_user_error
    >>> as_user_error(KeyError("logits"), "a.npy")
    UserError("a.npy: failed (KeyError: 'logits')")
    """
    return error if isinstance(error, UserError) else UserError(reason_of(error, name))


def reason_of(error: Exception | str, name: str = "") -> str:
    """The message of whatever was raised for an input, with the name of the input.

    >>> from slr_keras.utils.failures import reason_of
    >>> reason_of(MemoryError(), "a.npz")
    'a.npz: failed (MemoryError)'
    """
    if isinstance(error, str):
        return error
    if isinstance(error, UserError):
        return str(error) or f"{name}: failed"
    if isinstance(error, OSError) and error.errno is not None:
        place = error.filename or name
        return f"{place}{': ' * bool(place)}{error.strerror or error}"
    text = " ".join(str(error).split())[:200]
    kind = type(error).__name__
    reason = f"{kind}{': ' * bool(text)}{text}"
    return f"{name}: failed ({reason})" if name else reason
