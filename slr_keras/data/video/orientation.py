"""Turn and mirror pictures as a video file states.

A file may store its pictures turned by quarter turns and mirrored, with a display matrix that tells
players how to show them: phones turn, front cameras mirror. The matrix maps the column p and the
row q of a stored picture to the column a p + c q and the row b p + d q of the shown picture.
"""

import struct
from typing import NamedTuple

import numpy as np

from slr_keras.data.video.pixels import library


class Orientation(NamedTuple):
    """How a stored picture becomes the shown one: transposed first, then mirrored.

    Attributes:
        transposed: rows and columns are exchanged.
        columns: the order of the columns is reversed (left becomes right).
        rows: the order of the rows is reversed (top becomes bottom).
    """

    transposed: bool = False
    columns: bool = False
    rows: bool = False

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """The picture `(height, width, 3)` as players show it; a view."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        if self.columns:
            picture = picture[:, ::-1]
        return picture[::-1] if self.rows else picture


def orientation(matrix: tuple[int, int, int, int]) -> Orientation:
    """The orientation that is closest to a display matrix (a, b, c, d), see the module docstring.

    >>> import numpy as np
    >>> from slr_keras.data.video.orientation import orientation
    >>> orientation((-1, 0, 0, 1))
    Orientation(transposed=False, columns=True, rows=False)
    >>> clockwise = orientation((0, 1, -1, 0))
    >>> clockwise.shown(np.array([[[0], [1], [2]], [[3], [4], [5]]]))[..., 0].tolist()
    [[3, 0], [4, 1], [5, 2]]
    """
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, c < 0, b < 0)
    return Orientation(False, a < 0, d < 0)


def orientation_of(frame) -> Orientation:
    """The orientation that a decoded PyAV frame states."""
    try:
        data = _side_data(frame).get("DISPLAYMATRIX")
    except ValueError:
        # The angle, in degrees and counter-clockwise, does not tell a reflection.
        turns = round(frame.rotation / 90) % 4
        return orientation([(1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0)][turns])
    if data is None:
        return Orientation()
    a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
    return orientation((a, b, c, d))


def _side_data(frame):
    try:
        return frame.side_data
    except ValueError:
        # PyAV 18 refuses all data of a picture where FFmpeg attaches data of a kind that PyAV does
        # not list, such as the EXIF data of JPEG pictures. No kind below is read.
        kinds = library("av.sidedata.sidedata", "reading video files").Type
        kinds._missing_ = classmethod(lambda cls, _: cls.SEI_UNREGISTERED)
        return frame.side_data
