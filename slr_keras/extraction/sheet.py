"""Contact sheets: the keypoints of a model drawn over the pictures of a clip."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.drawable import LEAST_WIDTH, Drawable, side_colour
from slr_keras.data.rates import Shown, at_rate, steady
from slr_keras.data.sample import Sample
from slr_keras.data.video.reading import frames_of
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.viewer import evenly_spaced, write_sheet
from slr_keras.extraction.sources import Source

_MIDDLE = (255, 255, 255)
_OUTLINE = (20, 20, 20)
# Margin as a fraction of the signer's extent; pixels below which the picture is not cropped.
_MARGIN, _LEAST_CUT = 0.15, 32


@dataclass(frozen=True)
class Overlay(Drawable):
    """A clip some frames of which can be drawn: their pictures with the points over them.

    Attributes:
        pictures: frame number → its cropped picture, (height, width, 3) uint8.
        points: (frames, points, 2) pixels of the crops; found: (frames, points) booleans.
        colours: one per point; edges: pairs of points.
    """

    pictures: Mapping[int, np.ndarray]
    points: np.ndarray
    found: np.ndarray
    colours: Sequence[tuple[int, int, int]]
    edges: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.points)

    def missing(self, frame: int) -> int:
        """The number of points that were not found in a frame."""
        return int(np.sum(~self.found[frame]))

    def drawing(self, frame: int):
        """One picture with its points as a `PIL.Image` of the overlay's size."""
        from PIL import Image, ImageDraw

        picture, found = self.pictures[frame], self.found[frame]
        image = Image.fromarray(picture).resize(self.size, Image.Resampling.LANCZOS)
        points = self.points[frame] * np.divide(self.size, picture.shape[1::-1])
        pen = ImageDraw.Draw(image)
        for a, b in self.edges:
            if found[a] and found[b]:
                pen.line([*points[a], *points[b]], fill=self.colours[a], width=2)
        radius = self.size[1] / 200
        for point in np.flatnonzero(found):
            box = [*(points[point] - radius), *(points[point] + radius)]
            pen.ellipse(box, fill=self.colours[point], outline=_OUTLINE)
        return image


def draw_sheet(
    source: Source,
    raw: np.ndarray,
    contract: KeypointContract,
    path: Path,
    frames: int = 12,
    height: int = 390,
) -> None:
    """Write a PNG of evenly spaced frames of a clip with the keypoints of the model.

    The signer's left is blue, the right red, the middle white. Missing points are not drawn.

    Args:
        source: of the pictures, which are read again and cropped to the signer.
        raw: (frames, 543, 4) in pixels of these pictures, at the contract's frame rate.
        contract: selects the points of the model and says which are missing.
        path: to write.
        frames: how many; height: of each frame, in pixels.

    Raises:
        UserError: the recording cannot be read.
    """
    wanted = set(evenly_spaced(len(raw), frames).tolist())
    selected = contract.select(raw)
    found = ~contract.missing(selected)
    shown = enumerate(at_rate(recorded(source, contract.fps), contract.fps))
    pictures = {number: picture for number, picture in shown if number in wanted}
    rows, columns = next(iter(pictures.values())).shape[:2]
    left, top, right, bottom = _around(selected[found][:, :2], columns, rows)
    overlay = Overlay(
        pictures={n: np.ascontiguousarray(p[top:bottom, left:right]) for n, p in pictures.items()},
        points=selected[..., :2] - [left, top],
        found=found,
        colours=[side_colour(name, _MIDDLE) for name in contract.points],
        edges=contract.edges,
        size=(max(round((right - left) * height / (bottom - top)), LEAST_WIDTH), height),
        title=source.id,
        fps=contract.fps,
        glosses=source.glosses,
    )
    write_sheet(overlay, path, frames, columns=4)


def _around(points: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the crop that holds the points, with a margin."""
    if not len(points):
        return 0, 0, width, height
    low, high = np.percentile(points, [1, 99], axis=0)
    margin = _MARGIN * (high - low).max()
    left, top = np.maximum(low - margin, 0).astype(int)
    right, bottom = np.minimum(high + margin, [width, height]).astype(int)
    if right - left < _LEAST_CUT or bottom - top < _LEAST_CUT:
        return 0, 0, width, height
    return left, top, right, bottom


def recorded(source: Source, fps: float) -> Iterator[Shown]:
    """The pictures of a source with their times, as the worker reads them."""
    rate = source.fps or fps
    if source.window is None:
        return shown_in(source.path, rate)
    window = Sample(
        source.id,
        (),
        source.window.frames,
        video=str(source.path.absolute()),
        video_start=source.window.first,
    )
    frames, times = frames_of(window, source.path.parent, None, {}), source.window.times
    return steady(frames, rate) if times is None else times.shown(frames)
