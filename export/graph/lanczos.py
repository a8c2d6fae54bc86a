"""Lanczos resampling in a graph, bit for bit as OpenCV's `INTER_LANCZOS4`.

`slr_keras.data.video.pixels.resize` is the same operation outside a graph. OpenCV multiplies by
integers, multiples of 1/2048. The graph uses float32, in which these products and their sums are
exact: the sum over rows adds the upper and the lower bits separately.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slr_keras.data.video.pixels import Window

if TYPE_CHECKING:
    import tensorflow as tf

TAPS = 8
_SCALE = 2048.0
_LOWER = 1024.0
# Factors of sin(x) and cos(x) in sin(x - k pi / 4), by k.
_ROOT = math.sqrt(0.5)
_TURNS = np.array(
    [[1, 0], [-1, -1], [0, 1], [1, -1], [-1, 0], [1, 1], [0, -1], [-1, 1]], np.float64
) * np.array([[1], [_ROOT]] * 4)


def resized(
    pictures: "tf.Tensor", size: Sequence[int], crop: Sequence[int] | None = None
) -> "tf.Tensor":
    """Resize pictures and crop their centre.

    Args:
        pictures: `(pictures, height, width, 3)` uint8, of any height and width.
        size: (width, height) after resizing.
        crop: (height, width) of the centre crop; None crops nothing. Only the crop is computed.

    Returns:
        `(pictures, height, width, 3)` uint8.

    >>> import tensorflow as tf
    >>> from export.graph.lanczos import resized
    >>> resized(tf.zeros((2, 30, 40, 3), tf.uint8), (64, 48), (32, 32)).shape
    TensorShape([2, 32, 32, 3])
    """
    import tensorflow as tf

    width, height = size
    window = Window.centre((height, width), tuple(crop or (height, width)))
    bottom, right = window.top + window.height, window.left + window.width

    def cut() -> "tf.Tensor":
        return pictures[:, window.top : bottom, window.left : right]

    def computed() -> "tf.Tensor":
        shape = tf.shape(pictures)
        across = _taps(shape[2], width, window.left, right)
        down = _taps(shape[1], height, window.top, bottom)
        return _weighted(pictures, across, down)

    shape = tf.shape(pictures)
    as_is = tf.reduce_all(tf.equal(shape[1:3], [height, width]))
    result = tf.cond(as_is, cut, computed)
    return tf.ensure_shape(result, (None, window.height, window.width, 3))


def _taps(source: "tf.Tensor", size: int, first: int, last: int) -> tuple[Any, Any]:
    """Indices `(places, 8)` int32 of pixels of a side, and their weights in units of 1/2048."""
    import tensorflow as tf

    # The order of divisions is OpenCV's, since it decides the rounding.
    scale = 1.0 / (size / tf.cast(source, tf.float64))
    place = tf.cast((tf.range(first, last, dtype=tf.float64) + 0.5) * scale - 0.5, tf.float32)
    start = tf.floor(place)
    distance = (place - start)[:, None] + (3.0 - np.arange(TAPS, dtype=np.float32))
    angle = -tf.cast(distance[:, :1], tf.float64) * (math.pi / 4)
    waves = _TURNS[:, 0] * tf.sin(angle) + _TURNS[:, 1] * tf.cos(angle)
    square = tf.square(tf.cast(distance, tf.float64) * (math.pi / 4))
    # A place that coincides with a pixel takes the value of that pixel.
    on_pixel = tf.abs(distance) < 1e-6
    weights = tf.cast(waves / tf.where(on_pixel, tf.ones_like(square), square), tf.float32)
    weights = tf.where(on_pixel, 1e30, weights)
    # The order of summation is OpenCV's.
    total = weights[:, 0]
    for tap in range(1, TAPS):
        total += weights[:, tap]
    shares = tf.round(weights * (1.0 / total)[:, None] * _SCALE)
    indices = tf.cast(start, tf.int32)[:, None] + np.arange(-3, TAPS - 3, dtype=np.int32)
    return tf.clip_by_value(indices, 0, source - 1), shares


def _weighted(pictures: "tf.Tensor", across: tuple, down: tuple) -> "tf.Tensor":
    import tensorflow as tf

    indices, shares = across
    rows = 0.0
    for tap in range(TAPS):
        taken = tf.cast(tf.gather(pictures, indices[:, tap], axis=2), tf.float32)
        rows += taken * shares[:, tap][:, None]
    upper = tf.floor(rows / _LOWER)
    lower = rows - upper * _LOWER
    indices, shares = down
    high = low = 0.0
    for tap in range(TAPS):
        weight = shares[:, tap][:, None, None]
        high += tf.gather(upper, indices[:, tap], axis=1) * weight
        low += tf.gather(lower, indices[:, tap], axis=1) * weight
    # (1024 high + low + half) / 2048², rounded down: 2048² is 1024 times 4096.
    whole = tf.floor((high + tf.floor(low / _LOWER) + 2048.0) / 4096.0)
    return tf.cast(tf.clip_by_value(whole, 0.0, 255.0), tf.uint8)
