"""A limit of the scans of a JPEG file: a decoder goes over the whole picture once for each.

A scan of a progressive JPEG takes 16 bytes. A file of 1.6 MB can hold 100,000, which take hours.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from slr_keras.utils.limits import Limit

#: Scans of one JPEG picture; encoders write about ten.
SCANS = Limit("SLR_KERAS_MAX_SCANS", 100, "scans of a JPEG picture")
_START_OF_SCAN = re.compile(rb"\xff\xda")
# Inside of a scan, 0xFF is followed by 0 or is a restart marker.
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
_SCAN, _END = 0xDA, 0xD9


def require_few_scans(data: "bytes | memoryview", where: str | Path) -> None:
    """Refuse a JPEG picture of too many scans; nothing is decoded.

    Args:
        data: the file, or anything that `re` searches, such as an `mmap`.
        where: the file, for the message.

    >>> from slr_keras.data.video.scans import require_few_scans
    >>> require_few_scans(bytes.fromhex("ffd8ffda0003010203ffd9"), "a.jpg")
    >>> require_few_scans(b"\\xff\\xd8" + 101 * bytes.fromhex("ffda0003010203"), "a.jpg")
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: a.jpg: its scans are more than the limit of 100; if the file \
is sound, set the environment variable SLR_KERAS_MAX_SCANS to a higher number

    Raises:
        UserError: names `where` and the limit.
    """
    most = SCANS.value
    # Other segments, and what follows the picture, hold the two bytes by chance.
    if _more(_START_OF_SCAN.finditer(data), most) and _more(_scans(data), most):
        raise SCANS.exceeded("its scans are", where)


def _more(found: Iterator, most: int) -> bool:
    return any(number > most for number, _ in enumerate(found, start=1))


def _scans(data: "bytes | memoryview") -> Iterator[int]:
    """Where the scans of the picture begin."""
    place = 0
    while marker := _MARKER.search(data, place):
        place = marker.end()
        kind = marker[1][0]
        if kind == _END:
            return
        if kind == _SCAN:
            yield marker.start()
        place += int.from_bytes(data[place : place + 2], "big")
