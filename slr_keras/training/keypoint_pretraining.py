"""Teach a backbone where the points of the body are, before it is taught to read glosses.

A sentence of glosses says little about a frame; a frame's keypoints say much. Where no ImageNet
weights fit (small frames, an own backbone), regression of the points gives first weights from the
recipe's own training clips.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from slr_keras.data.manifest import Manifest
from slr_keras.data.video.augmentation import (
    VideoAugmentationConfig,
    draw_colours,
    draw_window,
    recolour,
)
from slr_keras.data.video.pixels import Window, resize
from slr_keras.models.backbones import Backbone, PixelNormalization


@dataclass(frozen=True)
class PointingSettings:
    """How a backbone learns points.

    Attributes:
        epochs: passes over the clips; of each, `frames` frames drawn anew are seen.
        clips: clips in a step.
        frames: frames of each clip in a step.
        learning_rate: peak; it rises for a twentieth of the steps and falls to 0 as a cosine.
        margin: pixels by which the cut is shifted at random, see `VideoAugmentationConfig`.
        colour: how far colours change at random, see `VideoAugmentationConfig`.
        pixels: how pixels are normalised; the recogniser's `pixels` must be the same.
        seed: of the head's weights, the order of clips and the draws.
    """

    epochs: int = 24
    clips: int = 8
    frames: int = 16
    learning_rate: float = 2e-3
    margin: int = 4
    colour: float = 0.2
    pixels: str = "symmetric"
    seed: int = 0


@dataclass(frozen=True)
class PointingError:
    """Mean distance of found points from where they are, in pixels of the cut.

    Attributes:
        overall: over all points.
        hands: over the points of the hands; NaN where the contract has none.
    """

    overall: float
    hands: float


def learn_points(
    backbone: Backbone,
    train: Manifest,
    dev: Manifest,
    settings: PointingSettings | None = None,
    report: Callable[[int, float, PointingError], None] = lambda *_: None,
) -> PointingError:
    """Train a backbone, and a linear head that is then forgotten, to give the keypoints of frames.

    The loss is the mean absolute error of the points that the detector found and the cut holds;
    coordinates are in -1..1 across the cut.

    Args:
        backbone: is changed.
        train: clips with keypoints and video.
        dev: clips that the error is measured on, no step is taken on them.
        settings: how to train.
        report: is told epoch, mean loss (pixels per coordinate) and error on dev.

    Returns:
        the error on dev at the end.

    Raises:
        UserError: a clip's video or keypoints cannot be read; names the sample.
    """
    import tensorflow as tf

    settings = settings or PointingSettings()
    source = _Source(train, settings)
    network = _Pointer(backbone, settings.pixels, len(train.contract.points))
    network.build((None, *source.shape))
    steps = -(-len(train) // settings.clips)
    total = settings.epochs * steps
    rise = max(total // 20, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(total - rise, 1), warmup_target=settings.learning_rate, warmup_steps=rise
    )
    optimiser = keras.optimizers.Adam(rate, clipnorm=5.0)
    optimiser.build(network.trainable_variables)
    frame_spec = tf.TensorSpec((None, *source.shape), tf.uint8)
    point_spec = tf.TensorSpec((None, len(train.contract.points), 2), tf.float32)
    seen_spec = tf.TensorSpec((None, len(train.contract.points)), tf.float32)

    @tf.function(input_signature=[frame_spec, point_spec, seen_spec], autograph=False)
    def step(frames, points, seen):
        with tf.GradientTape() as tape:
            distance = tf.reduce_sum(tf.abs(network(frames, training=True) - points), -1) / 2
            loss = tf.reduce_sum(seen * distance) / tf.maximum(tf.reduce_sum(seen), 1.0)
        variables = network.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    find = tf.function(
        lambda frames: network(frames, training=False),
        input_signature=[frame_spec],
        autograph=False,
    )
    half = source.shape[1] / 2
    error = PointingError(np.nan, np.nan)
    for epoch in range(settings.epochs):
        data = tf.data.Dataset.from_generator(
            lambda epoch=epoch: source.epoch(epoch),
            output_signature=(frame_spec, point_spec, seen_spec),
        ).prefetch(4)
        losses = [step(*batch) for batch in data]
        error = pointing_error(find, dev, settings)
        report(epoch + 1, half * float(np.mean(losses)), error)
    return error


def pointing_error(
    find: Callable[[np.ndarray], Any], manifest: Manifest, settings: PointingSettings
) -> PointingError:
    """The error on evenly spaced frames of every clip, cut at the centre.

    Args:
        find: gives points `(frames, points, 2)` in -1..1 of frames `(frames, height, width, 3)`.
        manifest: the clips.
        settings: frames taken of each.
    """
    source = _Source(manifest, settings)
    contract = manifest.contract
    hands = sorted({*contract.streams.get("left", ()), *contract.streams.get("right", ())})
    sums = np.zeros((2, len(contract.points)))
    half = np.array(source.shape[1::-1]) / 2
    for row in range(len(manifest)):
        frames, points, seen = source.evenly(row)
        found = np.asarray(find(frames))
        distance = np.linalg.norm((found - points) * half, axis=-1)
        sums += (seen * distance).sum(0), seen.sum(0)

    def mean(columns) -> float:
        distance, count = sums[:, columns].sum(-1)
        return float(distance / count) if count else float("nan")

    return PointingError(mean(slice(None)), mean(hands))


class _Pointer(keras.Model):
    """Frames `(frames, height, width, 3)` uint8 to points `(frames, points, 2)` in -1..1."""

    def __init__(self, backbone: Backbone, pixels: str, points: int):
        super().__init__(name="pointer")
        self.backbone = backbone
        self.normalization = PixelNormalization(pixels)
        self.points = points
        self.head = keras.layers.Dense(2 * points, name="head")

    def build(self, input_shape):
        if not self.backbone.built:
            self.backbone.build(input_shape)
        self.head.build((None, self.backbone.width))
        self.built = True

    def call(self, frames, training=False):
        features = self.backbone(self.normalization(frames), training=training)
        return keras.ops.reshape(self.head(features), (-1, self.points, 2))


class _Source:
    """Frames of a manifest and their points."""

    def __init__(self, manifest: Manifest, settings: PointingSettings):
        self.manifest = manifest
        self.settings = settings
        self.contract = manifest.frame_contract
        self.shape = self.contract.shape
        self.changes = VideoAugmentationConfig(
            crop_margin=settings.margin, flip=0.0, colour=settings.colour
        )

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Batches of frames, points and which of them were found, the same for the same epoch."""
        rng = np.random.default_rng([self.settings.seed, epoch])
        order = rng.permutation(len(self.manifest))
        for start in range(0, len(order), self.settings.clips):
            drawn = [self._draw(row, rng) for row in order[start : start + self.settings.clips]]
            yield tuple(np.concatenate(parts) for parts in zip(*drawn))

    def evenly(self, row: int) -> tuple[np.ndarray, ...]:
        """Evenly spaced frames of a clip, cut at the centre."""
        length = self.manifest[row].frames
        count = min(length, self.settings.frames)
        numbers = np.unique(np.linspace(0, length - 1, count).round().astype(int))
        centre = Window.centre(self.contract.resize[::-1], self.contract.crop)
        return self._read(row, numbers, centre)

    def _draw(self, row: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        length = self.manifest[row].frames
        count = min(length, self.settings.frames)
        numbers = np.sort(rng.choice(length, count, replace=False))
        picture = self.contract.resize[::-1]
        window = draw_window(rng, picture, self.contract.crop, self.changes)
        frames, *points = self._read(row, numbers, window)
        return recolour(frames, draw_colours(rng, self.changes)), *points

    def _read(self, row: int, numbers: np.ndarray, window: Window) -> tuple[np.ndarray, ...]:
        row = int(row)
        pictures = self.manifest.video_frames(row, numbers.tolist())
        frames = np.stack([window.cut(resize(frame, self.contract.resize)) for frame in pictures])
        keypoints = self.manifest.contract
        raw = keypoints.select(np.asarray(self.manifest.load(row))[numbers])
        lost = keypoints.missing(raw)
        share = np.where(lost[..., None], 0, raw[..., :2]) / np.array(keypoints.image_size)
        if keypoints.y_axis == "up":
            share[..., 1] = 1 - share[..., 1]
        corner = np.array([window.left, window.top])
        size = np.array([window.width, window.height])
        points = 2 * (share * np.array(self.contract.resize) - corner) / size - 1
        seen = ~lost & (np.abs(points) <= 1).all(-1)
        return frames, points.astype(np.float32), seen.astype(np.float32)
