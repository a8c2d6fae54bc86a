"""Clips of video ready to be drawn with their captions: as their files hold them, or prepared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

_LEAST_WIDTH = 160


@dataclass(frozen=True)
class PictureFigure:
    """A clip of pictures ready to be drawn; the attributes are those of `Figure`."""

    pictures: tuple[np.ndarray, ...]
    size: tuple[int, int]
    title: str = ""
    fps: float = 25.0
    glosses: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()

    #: Colours of an animation.
    palette = 256

    def __len__(self) -> int:
        return len(self.pictures)

    def missing(self, frame: int) -> int:
        """None: there is no detector."""
        return 0

    def drawing(self, frame: int):
        """One picture as a `PIL.Image` of the figure's size, beside it nothing."""
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
    """Lay a clip of pictures out for drawing.

    Args:
        pictures: `(height, width, 3)` uint8, RGB, all of one size.
        height: of the drawing in pixels; proportions are kept.

    Raises:
        UserError: there are no pictures.

    >>> import numpy as np
    >>> from slr_keras.data.video.viewer import picture_figure
    >>> picture_figure(np.zeros((3, 64, 96, 3), np.uint8), height=128).size
    (192, 128)
    """
    from PIL import Image

    # Each is reduced at once, so that a long clip need not fit into memory as it was.
    scaled = []
    for picture in pictures:
        rows, columns = picture.shape[:2]
        size = (max(round(columns * height / rows), 1), height)
        # Enlarged pixels stay squares: this is what there is to see.
        how = Image.Resampling.NEAREST if height > rows else Image.Resampling.LANCZOS
        scaled.append(np.asarray(Image.fromarray(picture).resize(size, how)))
    if not scaled:
        raise UserError(f"{title or 'the clip'}: has no frames, so there is nothing to draw")
    width = max(*(picture.shape[1] for picture in scaled), _LEAST_WIDTH)
    spans = tuple((int(start), int(end)) for start, end in spans)
    return PictureFigure(tuple(scaled), (width, height), title, fps, tuple(glosses), spans)
