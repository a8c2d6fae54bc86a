"""Draw clips of keypoints, and write animations and contact sheets with captions.

`slr_keras.data.video.viewer` draws clips of video. The functions that write files accept both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data import keypoints
from slr_keras.data.contract import KeypointContract
from slr_keras.data.drawable import LEAST_WIDTH, MIDDLE, RIGHT, Drawable, side_colour
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path
from slr_keras.utils.limits import BYTES

PAPER, INK, MARK = (255, 255, 255), (30, 30, 30), (20, 130, 60)
_SAMPLING = 2  # supersampling factor for smooth lines
_STRIP = 58  # height of the caption in pixels
_OTHER = (105, 105, 105)  # glosses that are not signed in the frame


@dataclass(frozen=True)
class Figure(Drawable):
    """A clip of keypoints ready to be drawn.

    Attributes:
        points: (frames, points, 2) pixels of the drawing, y down.
        detected: (frames, points) booleans; undetected points are drawn hollow.
        placed: (frames, points) booleans; points without a position are not drawn.
        strength: (frames, points) opacity from the score, 0 to 1.
        edges: pairs of point indices.
        colours: colour of each point, by side of the signer's body.
    """

    points: np.ndarray
    detected: np.ndarray
    placed: np.ndarray
    strength: np.ndarray
    edges: tuple[tuple[int, int], ...]
    colours: tuple[tuple[int, int, int], ...]

    palette = 64

    def __len__(self) -> int:
        return len(self.points)

    def missing(self, frame: int) -> int:
        """Number of undetected points in a frame."""
        return int(np.sum(~self.detected[frame]))

    def drawing(self, frame: int):
        """One frame as a `PIL.Image` of the figure's size."""
        from PIL import Image, ImageDraw

        width, height = self.size
        image = Image.new("RGB", (width * _SAMPLING, height * _SAMPLING), PAPER)
        pen = ImageDraw.Draw(image)
        points, detected = self.points[frame] * _SAMPLING, self.detected[frame]
        strength = self.strength[frame]
        thickness = max(2, round(height / 160)) * _SAMPLING // 2
        for a, b in self.edges:
            if detected[a] and detected[b]:
                colour = self.colours[a] if self.colours[a] == self.colours[b] else MIDDLE
                fading = min(strength[a], strength[b])
                pen.line([*points[a], *points[b]], fill=_fade(colour, fading), width=thickness)
        radius = 0.9 * thickness
        for p in np.flatnonzero(self.placed[frame]):
            box = [*(points[p] - radius), *(points[p] + radius)]
            colour = _fade(self.colours[p], strength[p])
            if detected[p]:
                pen.ellipse(box, fill=colour)
            else:
                pen.ellipse(box, outline=_fade(self.colours[p], 0.5))
        return image.resize((width, height), Image.Resampling.LANCZOS)


def figure(
    raw: np.ndarray,
    contract: KeypointContract,
    prepared: bool = False,
    height: int = 390,
    title: str = "",
    glosses: Sequence[str] = (),
    spans: Sequence[Sequence[int]] = (),
    fps: float | None = None,
) -> Figure:
    """Lay out a clip of keypoints for drawing.

    Args:
        raw: (frames, source points, source channels), as the contract describes.
        contract: contract of `raw`.
        prepared: draw the model's points after selection, gap filling and normalisation instead of
            the raw points.
        height: height of the drawing in pixels.
        title, glosses, spans: content of the caption, see `Drawable`.
        fps: frames per second; None: the rate of the contract.

    Raises:
        UserError: the clip has no frames, the wrong number of points, or no detected point.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.viewer import figure
    >>> clip = np.full((3, 133, 3), 50.0, np.float32)
    >>> figure(clip, contract("coco_wholebody_133")).points.shape
    (3, 133, 2)
    """
    if len(raw) == 0:
        raise UserError(f"{title or 'the clip'}: has no frames, so there is nothing to draw")
    width, frame_height = contract.image_size
    if prepared:
        clip = contract.prepare(raw)
        names, edges = contract.points, contract.edges
        detected = clip[..., -1] > 0
        coordinates, score = clip[..., :2] * [1, -1], clip[..., -1]
        box = np.array([[-1.0, -1.0], [1.0, 1.0]]) if contract.normalisation == "image" else None
    else:
        contract.select(raw)  # checks the shape
        channels = contract.source.channels
        names = contract.source.points
        row = {name: index for index, name in enumerate(names)}
        edges = tuple((row[a], row[b]) for a, b in contract.source.edges)
        coordinates = raw[..., [channels.index("x"), channels.index("y")]].astype(float)
        ones = np.ones(raw.shape[:2], np.float32)
        score = raw[..., channels.index("score")] if "score" in channels else ones
        probe = np.concatenate([coordinates, score[..., None]], axis=-1)
        detected = ~keypoints.missing(probe, contract.score_threshold, contract.zero_is_missing)
        if contract.y_axis == "up":
            coordinates = coordinates * [1, -1]
        in_pixels = width > 1 and frame_height > 1 and contract.y_axis == "down"
        box = np.array([[0.0, 0.0], [width, frame_height]]) if in_pixels else None
    placed = detected | (np.isfinite(coordinates).all(-1) & (coordinates != 0).any(-1))
    if not detected.any():
        raise UserError(f"{title or 'the clip'}: every point of every frame is missing")
    aspect = width / frame_height
    if box is None:
        box, aspect = _bounding_box(coordinates[detected])
    drawn = np.array([height * aspect, height])
    points = (np.nan_to_num(coordinates) - box[0]) / (box[1] - box[0]) * drawn
    # Narrow figures are widened to make room for the caption.
    size = (max(round(height * aspect), LEAST_WIDTH), height)
    points[..., 0] += (size[0] - drawn[0]) / 2
    return Figure(
        points=points,
        detected=detected,
        placed=placed,
        strength=np.clip(0.15 + 0.95 * np.nan_to_num(score), 0.15, 1.0),
        edges=edges,
        colours=tuple(side_colour(name) for name in names),
        size=size,
        title=title,
        fps=fps or contract.fps,
        glosses=tuple(glosses),
        spans=tuple((int(start), int(end)) for start, end in spans),
    )


def _bounding_box(points: np.ndarray) -> tuple[np.ndarray, float]:
    """A box (2, 2) around 99 % of the points, and its aspect ratio, between 1/2 and 2."""
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    centre, extent = (low + high) / 2, np.maximum((high - low) * 1.2, 1e-6)
    extent = np.maximum(extent, extent[::-1] / 2)
    return np.stack([centre - extent / 2, centre + extent / 2]), float(extent[0] / extent[1])


def _fade(colour: tuple[int, int, int], strength: float) -> tuple[int, int, int]:
    return tuple(round(p + (c - p) * strength) for c, p in zip(colour, PAPER))


def draw_frame(clip: Drawable, frame: int):
    """Draw one frame as a `PIL.Image` with the caption below."""
    from PIL import Image, ImageDraw

    width, height = clip.size
    framed = Image.new("RGB", (width, height + _STRIP), PAPER)
    framed.paste(clip.drawing(frame))
    _caption(ImageDraw.Draw(framed), clip, frame)
    return framed


def _caption(pen, clip: Drawable, frame: int) -> None:
    """Draw the caption: title and frame number, the sentence, and a timeline of the signs."""
    from PIL import ImageFont

    # Legible at half the size, as sheets are looked at.
    small, large = ImageFont.load_default(12), ImageFont.load_default(18)
    width, top = clip.size
    missing = clip.missing(frame)
    note = f"   {missing} missing" if missing else ""
    pen.text((4, top), f"{clip.title}   frame {frame}/{len(clip)}{note}", fill=INK, font=small)
    active = [start <= frame < end for start, end in clip.spans[: len(clip.glosses)]]
    lengths = [pen.textlength(gloss + "  ", font=large) for gloss in clip.glosses]
    # The beginning of a long sentence is skipped until the current gloss fits.
    current = active.index(True) if any(active) else 0
    first = 0
    while first < current and sum(lengths[first : current + 1]) > width - 4:
        first += 1
    left = 4.0
    for index in range(first, len(clip.glosses)):
        ink = MARK if index < len(active) and active[index] else _OTHER if clip.spans else INK
        pen.text((left, top + 15), clip.glosses[index], fill=ink, font=large)
        left += lengths[index]
    scale = width / len(clip)
    line = top + 48
    pen.line([0, line, width, line], fill=(200, 200, 200))
    for start, end in clip.spans:
        pen.rectangle(
            [start * scale, line - 3, max(end * scale - 1, start * scale), line + 3], fill=MARK
        )
    pen.line(
        [(frame + 0.5) * scale, line - 6, (frame + 0.5) * scale, line + 6], fill=RIGHT, width=2
    )


def write_gif(clip: Drawable, path: str | Path, step: int = 1) -> int:
    """Write an animated GIF of every `step`-th frame at the clip's speed.

    Returns:
        The number of frames written.

    Raises:
        UserError: the frames do not fit into the limit of bytes.
    """
    frames, (width, height) = range(0, len(clip), step), clip.size
    BYTES.require(len(frames) * width * height, f"{path} (a .png contact sheet has fewer frames)")
    # The GIF writer merges equal successive frames and adds up their durations.
    palette = draw_frame(clip, 0).quantize(clip.palette)
    images = [draw_frame(clip, frame).quantize(palette=palette, dither=0) for frame in frames]
    with atomic_path(path) as temporary:
        images[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=max(20, round(1000 * step / clip.fps / 10) * 10),
            loop=0,
        )
    return len(images)


def write_sheet(clip: Drawable, path: str | Path, frames: int = 24, columns: int = 6) -> int:
    """Write a PNG contact sheet of up to `frames` evenly spaced frames.

    Returns:
        The number of frames on the sheet.
    """
    from PIL import Image

    images = [draw_frame(clip, int(frame)) for frame in evenly_spaced(len(clip), frames)]
    columns = min(columns, len(images))
    width, height = images[0].size
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), PAPER)
    for index, image in enumerate(images):
        sheet.paste(image, (index % columns * width, index // columns * height))
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")
    return len(images)


def evenly_spaced(length: int, most: int) -> np.ndarray:
    """Up to `most` evenly spaced frame numbers, including the first and the last frame.

    >>> from slr_keras.data.viewer import evenly_spaced
    >>> evenly_spaced(9, 3).tolist(), evenly_spaced(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, length - 1, min(most, length)).round().astype(int))
