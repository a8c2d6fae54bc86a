"""The pictures of an annotated video: a recording with its points, or the points alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.drawable import side_colour
from slr_keras.data.rates import at_rate
from slr_keras.data.video.opening import stated
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.viewer import figure
from slr_keras.recognition.clip import Clip, Pictures, Points, Prediction
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput

#: Height of a drawing without video, and least width of every picture, in pixels.
HEIGHT, LEAST_WIDTH = 540, 480
_WHITE, _OUTLINE = (255, 255, 255), (20, 20, 20)


@dataclass(frozen=True)
class Scene:
    """The pictures of a clip.

    Attributes:
        pictures: `PIL.Image` one after another, upright.
        fps: frames per second.
    """

    pictures: Iterator
    fps: Fraction


def scene_of_video(pictures: Pictures, prediction: Prediction, given: float | None) -> Scene:
    """The pictures that a run of video read."""
    shown = at_rate(pictures.shown(given), prediction.fps)
    return Scene(map(_enlarged, shown), Fraction(prediction.fps))


def scene_of_points(
    clip: Clip,
    points: Points,
    prediction: Prediction,
    contract: KeypointContract,
    overrides: Overrides,
) -> Scene:
    """The recording with the points that the model reads, or a drawing of all points.

    Args:
        clip: whose `video` is shown, if it has one.
        points: of the clip, as they were read for recognition.
        prediction: of the clip.
        contract, overrides: of the recognition.

    Raises:
        UserError: the video cannot be read, or no point was found in the whole clip.
    """
    modality = KeypointInput(contract, overrides)
    values, fps, _ = modality.raw(replace(clip, read=lambda: points))
    size = overrides.image_size or points.image_size
    if size is not None and contract.normalisation != "image":
        # With body normalisation, the points keep the units of their file.
        contract = replace(contract, image_size=size)
    if clip.video is None:
        drawing = figure(values, contract, height=HEIGHT, title=clip.id, fps=fps)
        images = (drawing.drawing(frame) for frame in range(len(drawing)))
        return Scene(map(_wide, images), Fraction(fps))
    rate = Fraction(overrides.fps or stated(clip.video).fps or contract.fps)
    shown = at_rate(shown_in(clip.video, contract.fps, overrides.fps), rate)
    return Scene(_overlaid(shown, values, contract, fps / rate), rate)


def _overlaid(
    pictures: Iterator[np.ndarray], values: np.ndarray, contract: KeypointContract, ratio: float
) -> Iterator:
    """Pictures with the points of the same moment; `ratio` rows of points pass with a picture."""
    selected = contract.select(values)
    found = ~contract.missing(selected)
    places = selected[..., :2] / np.array(contract.image_size)
    if contract.y_axis == "up":
        places = places * [1, -1] + [0, 1]
    colours = [side_colour(name, _WHITE) for name in contract.points]
    for number, picture in enumerate(pictures):
        image = _enlarged(picture)
        row = min(int((number + 0.5) * ratio), len(values) - 1)
        drawn = places[row] * image.size
        _draw_points(image, drawn, found[row], contract.edges, colours)
        yield image


def _draw_points(
    image,
    places: np.ndarray,
    found: np.ndarray,
    edges: Sequence[tuple[int, int]],
    colours: Sequence[tuple[int, int, int]],
) -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(image)
    thickness = max(2, round(image.height / 240))
    for width, coloured in ((thickness + 2, False), (thickness, True)):
        for a, b in edges:
            if found[a] and found[b]:
                colour = colours[a] if coloured else _OUTLINE
                pen.line([*places[a], *places[b]], fill=colour, width=width)
    radius = 1.4 * thickness
    for point in np.flatnonzero(found):
        box = [*(places[point] - radius), *(places[point] + radius)]
        pen.ellipse(box, fill=colours[point], outline=_OUTLINE)


def _enlarged(picture: np.ndarray):
    """A picture as a `PIL.Image`, small ones enlarged so that the caption has room."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    if image.width >= LEAST_WIDTH:
        return image
    size = (LEAST_WIDTH, max(round(image.height * LEAST_WIDTH / image.width), 1))
    return image.resize(size, Image.Resampling.BICUBIC)


def _wide(image):
    """A drawing with white at both sides, so that the caption has room."""
    from PIL import Image

    if image.width >= LEAST_WIDTH:
        return image
    wide = Image.new("RGB", (LEAST_WIDTH, image.height), _WHITE)
    wide.paste(image, ((LEAST_WIDTH - image.width) // 2, 0))
    return wide
