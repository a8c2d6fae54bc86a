"""Pretrain a backbone by regression of the keypoints of single frames.

Glosses supervise a frame weakly, keypoints strongly. Where no ImageNet weights fit (small frames, a
custom backbone), this regression gives initial weights from the recipe's own training clips.
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
class PretrainingSettings:
    """Settings of the pretraining.

    Attributes:
        epochs: passes over the clips; each pass draws `frames` new frames from every clip.
        clips: clips per step.
        frames: frames of each clip per step.
        learning_rate: peak of the schedule: linear warm-up over a twentieth of the steps, then a
            cosine to 0.
        margin: largest random shift of the crop in pixels, see `VideoAugmentationConfig`.
        colour: strength of the colour augmentation, see `VideoAugmentationConfig`.
        pixels: normalisation of pixels; the recogniser's `pixels` must be the same.
        seed: seeds the weights of the head, the order of clips and the augmentation.
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
class KeypointDistance:
    """Mean distance between predicted and true keypoints, in pixels of the crop.

    Attributes:
        overall: mean over all points.
        hands: mean over the points of the hands; NaN if the contract has none.
    """

    overall: float
    hands: float


def pretrain_on_keypoints(
    backbone: Backbone,
    train: Manifest,
    dev: Manifest,
    settings: PretrainingSettings | None = None,
    report: Callable[[int, float, KeypointDistance], None] = lambda *_: None,
) -> KeypointDistance:
    """Train a backbone with a linear head to predict the keypoints of frames; discard the head.

    The loss is the mean absolute error over the points that the detector found inside the crop.
    Coordinates are in -1..1 across the crop.

    Args:
        backbone: trained in place.
        train: clips with keypoints and video.
        dev: clips for measuring the error.
        settings: training settings.
        report: called after each epoch with its number, the mean loss (pixels per coordinate) and
            the error on dev.

    Returns:
        The error on dev after the last epoch.

    Raises:
        UserError: a clip's video or keypoints cannot be read; names the sample.
    """
    import tensorflow as tf

    settings = settings or PretrainingSettings()
    source = _FrameSource(train, settings)
    network = _KeypointRegressor(backbone, settings.pixels, len(train.contract.points))
    network.build((None, *source.shape))
    steps = -(-len(train) // settings.clips)
    total = settings.epochs * steps
    warm_up = max(total // 20, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(total - warm_up, 1), warmup_target=settings.learning_rate, warmup_steps=warm_up
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

    predict = tf.function(
        lambda frames: network(frames, training=False),
        input_signature=[frame_spec],
        autograph=False,
    )
    half = source.shape[1] / 2
    error = KeypointDistance(np.nan, np.nan)
    for epoch in range(settings.epochs):
        data = tf.data.Dataset.from_generator(
            lambda epoch=epoch: source.epoch(epoch),
            output_signature=(frame_spec, point_spec, seen_spec),
        ).prefetch(4)
        losses = [step(*batch) for batch in data]
        error = keypoint_distance(predict, dev, settings)
        report(epoch + 1, half * float(np.mean(losses)), error)
    return error


def keypoint_distance(
    predict: Callable[[np.ndarray], Any], manifest: Manifest, settings: PretrainingSettings
) -> KeypointDistance:
    """The error on evenly spaced, centre-cropped frames of every clip.

    Args:
        predict: maps frames `(frames, height, width, 3)` to points `(frames, points, 2)` in -1..1.
        manifest: the clips.
        settings: `frames` is the number of frames per clip.
    """
    source = _FrameSource(manifest, settings)
    contract = manifest.contract
    hands = sorted({*contract.streams.get("left", ()), *contract.streams.get("right", ())})
    sums = np.zeros((2, len(contract.points)))
    half = np.array(source.shape[1::-1]) / 2
    for row in range(len(manifest)):
        frames, points, seen = source.evenly(row)
        predicted = np.asarray(predict(frames))
        distance = np.linalg.norm((predicted - points) * half, axis=-1)
        sums += (seen * distance).sum(0), seen.sum(0)

    def mean(columns) -> float:
        distance, count = sums[:, columns].sum(-1)
        return float(distance / count) if count else float("nan")

    return KeypointDistance(mean(slice(None)), mean(hands))


class _KeypointRegressor(keras.Model):
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


class _FrameSource:
    """Frames of a manifest and their points."""

    def __init__(self, manifest: Manifest, settings: PretrainingSettings):
        self.manifest = manifest
        self.settings = settings
        self.contract = manifest.frame_contract
        self.shape = self.contract.shape
        self.changes = VideoAugmentationConfig(
            crop_margin=settings.margin, flip=0.0, colour=settings.colour
        )

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Batches of frames, points and visibility, deterministic for a given epoch."""
        rng = np.random.default_rng([self.settings.seed, epoch])
        order = rng.permutation(len(self.manifest))
        for start in range(0, len(order), self.settings.clips):
            drawn = [self._draw(row, rng) for row in order[start : start + self.settings.clips]]
            yield tuple(np.concatenate(parts) for parts in zip(*drawn))

    def evenly(self, row: int) -> tuple[np.ndarray, ...]:
        """Evenly spaced, centre-cropped frames of a clip."""
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
        fractions = np.where(lost[..., None], 0, raw[..., :2]) / np.array(keypoints.image_size)
        if keypoints.y_axis == "up":
            fractions[..., 1] = 1 - fractions[..., 1]
        corner = np.array([window.left, window.top])
        size = np.array([window.width, window.height])
        points = 2 * (fractions * np.array(self.contract.resize) - corner) / size - 1
        seen = ~lost & (np.abs(points) <= 1).all(-1)
        return frames, points.astype(np.float32), seen.astype(np.float32)
