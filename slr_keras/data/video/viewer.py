"""Lay out clips of video for drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.drawable import LEAST_WIDTH, Drawable
from slr_keras.utils.errors import UserError
from slr_keras.utils.limits import BYTES


@dataclass(frozen=True)
class PictureFigure(Drawable):
    """A clip of pictures ready to be drawn.

    Attributes:
        pictures: (height, width, 3) uint8, RGB, one per frame.
    """

    pictures: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def missing(self, frame: int) -> int:
        """0, because pictures have no points."""
        return 0

    def drawing(self, frame: int):
        """One picture, centred on a white `PIL.Image` of the clip's `size`."""
        from PIL import Image

        picture = Image.fromarray(self.pictures[frame])
        drawing = Image.new("RGB", self.size, (255, 255, 255))
        drawing.paste(picture, ((self.size[0] - picture.width) // 2, 0))
        return drawing


def picture_figure(
    pictures: Iterable[np.ndarray],
    height: int = 390,
    title: str = "",
    glosses: Sequence[str] = (),
    spans: Sequence[Sequence[int]] = (),
    fps: float = 25.0,
) -> PictureFigure:
    """Lay out a clip of pictures for drawing.

    Args:
        pictures: `(height, width, 3)` uint8, RGB, all of one size.
        height: height of the drawing in pixels; the aspect ratio is kept.
        title, glosses, spans, fps: content of the caption, see `Drawable`.

    Raises:
        UserError: there are no pictures, or more than fit into the limit of bytes.

    >>> import numpy as np
    >>> from slr_keras.data.video.viewer import picture_figure
    >>> picture_figure(np.zeros((3, 64, 96, 3), np.uint8), height=128).size
    (192, 128)
    """
    from PIL import Image

    # Each picture is scaled when it is read, so that a long clip need not fit into memory.
    scaled, latest, total = [], None, 0
    for picture in pictures:
        if picture is latest:
            # A still picture is kept once, however long it is shown.
            scaled.append(scaled[-1])
            continue
        latest = picture
        rows, columns = picture.shape[:2]
        size = (max(round(columns * height / rows), 1), height)
        # Enlarged pixels stay squares, to show the data without interpolation.
        how = Image.Resampling.NEAREST if height > rows else Image.Resampling.LANCZOS
        total += 3 * size[0] * size[1]
        BYTES.require(total, title or "the clip")
        scaled.append(np.asarray(Image.fromarray(picture).resize(size, how)))
    if not scaled:
        raise UserError(f"{title or 'the clip'}: has no frames, so there is nothing to draw")
    width = max(*(picture.shape[1] for picture in scaled), LEAST_WIDTH)
    return PictureFigure(
        pictures=tuple(scaled),
        size=(width, height),
        title=title,
        fps=fps,
        glosses=tuple(glosses),
        spans=tuple((int(start), int(end)) for start, end in spans),
    )
