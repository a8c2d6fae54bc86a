"""Render a scene: shaded limbs, hands with fingers and a face in front of a wall.

Drawn with Pillow at several times the size and averaged, back to front, one clip at a time.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from slr_keras.data.simulator.appearance import Appearance
from slr_keras.data.simulator.render_body import body_parts
from slr_keras.data.simulator.render_hand import hand_parts
from slr_keras.data.simulator.render_head import head_parts
from slr_keras.data.simulator.render_shapes import Part, View
from slr_keras.data.simulator.scene import Scene

_FULL = 192  # least height in pixels at which things are drawn before averaging


def render(scene: Scene, view: View, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """RGB frames (height, width, 3) uint8 of a scene; `rng` is the only source of randomness.

    >>> from slr_keras.data.simulator import Simulator
    >>> simulator = Simulator("demo")
    >>> scene = simulator.scene("train-00000", "train")
    >>> simulator.video(scene, "train-00000", "train", (32, 32)).shape[1:]
    (32, 32, 3)
    """
    size = round(view.camera.width), round(view.camera.height)
    finer = max(2, -(-_FULL // size[1]))
    wall = _wall(view.look, (size[0] * finer, size[1] * finer), rng)
    grain = _grain(view.look.noise, size, rng)
    drawings = _drawings(_parts(scene, view), view.look.exposure, finer)
    for frame in drawings:
        image = wall.copy()
        pen = ImageDraw.Draw(image)
        for outline, ink in frame:
            pen.polygon(outline, fill=ink)
        picture = np.asarray(image.reduce(finer))
        down, right = rng.integers(0, size[1]), rng.integers(0, size[0])
        noise = grain[down : down + size[1], right : right + size[0]]
        yield np.clip(picture + noise, 0, 255).astype(np.uint8)


def _parts(scene: Scene, view: View) -> list[Part]:
    points = view.enter(scene.points)
    body = scene.signer.body
    return [
        *body_parts(view, points, scene.signer),
        *head_parts(view, points, scene.signer),
        *hand_parts(view, points[:, 91:112], -1.0, body.hand),
        *hand_parts(view, points[:, 112:133], 1.0, body.hand),
    ]


def _drawings(
    parts: list[Part], exposure: np.ndarray, finer: int
) -> Iterator[list[tuple[list[int], int]]]:
    """Of each frame the polygons from back to front: corners x, y, x, y, ... and ink."""
    depth = np.stack([part.depth for part in parts], axis=1)
    order = np.argsort(depth, axis=1, kind="stable").tolist()
    frames = len(depth)
    ready = []
    for part in parts:
        strokes = []
        for stroke in part.strokes:
            corners = np.floor(stroke.outline * finer).astype(int).reshape(frames, -1).tolist()
            colour = np.clip(stroke.colour * exposure, 0, 255).astype(int)
            ink = np.broadcast_to(colour @ [1, 256, 65536], frames).tolist()
            seen = [True] * frames if stroke.seen is None else stroke.seen.tolist()
            strokes.append((corners, ink, seen))
        ready.append(strokes)
    for frame in range(frames):
        yield [
            (corners[frame], ink[frame])
            for index in order[frame]
            for corners, ink, seen in ready[index]
            if seen[frame]
        ]


def _wall(look: Appearance, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """The background, the same in all frames of a clip."""
    one, two = look.wall_colours
    if look.wall == "gradient":
        weight = np.linspace(0, 1, 16)[:, None] * np.ones((1, 2))
    elif look.wall == "cloudy":
        weight = rng.random((7, 7))
    elif look.wall == "panels":
        weight = np.repeat(np.arange(9) % 2, 4)[None] * np.ones((2, 1))
    else:
        weight = np.zeros((2, 2))
    colours = one + weight[..., None] * (two - one)
    level = look.ambient + 0.3
    small = np.clip(colours * level * look.exposure, 0, 255).astype(np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def _grain(noise: float, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Sensor noise of twice the picture's size, of which each frame gets a window."""
    shape = (2 * size[1], 2 * size[0], 3)
    return np.rint(noise * rng.standard_normal(shape, np.float32)).astype(np.int16)
