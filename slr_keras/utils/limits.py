"""Limits of what one file may expand to; an environment variable raises each of them.

A file of a few kilobytes can state pictures, frames or arrays of many gigabytes. Readers compare
what a file states with these limits before they expand it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import refuse_waiting


@dataclass(frozen=True)
class Limit:
    """A number that a file must not exceed.

    Attributes:
        variable: environment variable that replaces the default.
        default: the number.
        what: what is counted, for messages.

    >>> from slr_keras.utils.limits import Limit
    >>> Limit("SLR_KERAS_MAX_TESTS", 5, "tests").require(6, "a.txt")
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: a.txt: 6 tests are more than the limit of 5; if the file is \
sound, set the environment variable SLR_KERAS_MAX_TESTS to a higher number
    """

    variable: str
    default: int
    what: str

    @property
    def value(self) -> int:
        """The limit in force.

        Raises:
            UserError: the environment variable is not a whole number above 0.
        """
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return self.default
        if not (text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) > 0):
            raise UserError(f"{self.variable} is {text!r}; it must be a whole number above 0")
        return int(text)

    def require(self, number: int, where: str | Path) -> None:
        """Refuse a number above the limit.

        Raises:
            UserError: names `where`, the number, the limit and its environment variable.
        """
        if number > self.value:
            raise self.exceeded(f"{number:,} {self.what} are", where)

    def exceeded(self, statement: str, where: str | Path) -> UserError:
        """The error for a number above the limit.

        Args:
            statement: the number and a verb, such as "90 frames are".
            where: the file.
        """
        return UserError(
            f"{where}: {statement} more than the limit of {self.value:,}; if the file is sound, "
            f"set the environment variable {self.variable} to a higher number"
        )


#: Pixels of one picture. A picture of 8K video has 7680 x 4320, just below.
PIXELS = Limit("SLR_KERAS_MAX_PIXELS", 2**25, "pixels of a picture")
#: Frames of one recording: almost three hours at 25 frames per second.
FRAMES = Limit("SLR_KERAS_MAX_FRAMES", 2**18, "frames of a recording")
#: Bytes of one clip in memory, or of the arrays of one archive.
BYTES = Limit("SLR_KERAS_MAX_BYTES", 2**32, "bytes")


def require_file(path: str | Path) -> None:
    """Refuse a path that is not a regular file: a pipe or a device would block or never end.

    A missing file passes; opening it reports that it is missing.

    Raises:
        UserError: the path is a folder, a pipe, a socket or a device.
    """
    refuse_waiting(path)
    if Path(path).is_dir():
        raise UserError(f"{path}: cannot be read (a folder, not a file)")
