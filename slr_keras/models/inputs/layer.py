"""Features of keypoint models: motion, hands about their wrist, dominant hand, standardisation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.inputs.config import (
    InputConfig,
    SkeletonOption,
    checked_skeleton,
    rest_of,
)
from slr_keras.models.inputs.operations import (
    difference,
    mirrored,
    present,
    resample,
    select_points,
)
from slr_keras.models.layers import PACKAGE

# Added to a hand's size, in normalised units; and to a variance.
LEAST_SIZE, LEAST_VARIANCE = 1e-3, 1e-8
FORMS = ("frames", "points")
STANDARDISED = "standardised"
#: Regular expression of what int8 files compute in float32: eight bits do not hold fractions of a
#: pixel, nor features before they are standardised. Its layer is named "inputs".
FLOAT_SCOPE = rf"/inputs(_\d+)?/(?!{STANDARDISED}(_\d+)?/)"


@keras.saving.register_keras_serializable(PACKAGE)
class KeypointInputs(keras.layers.Layer):
    """Features of prepared keypoints, inside the graph of the model.

    Exported models, streams and devices thus compute the same features as training. The groups of
    features, in this order: positions of all points but fingers; positions of the fingers; then for
    each interval of `motion` the differences of the positions. In the form "frames" fingers have no
    differences, and scores are left out.

    Args:
        config: `InputConfig`, or its options as a mapping.
        skeleton: hands and mirror map, see `slr_keras.data.skeleton.Skeleton.for_model`. Defaults
            to no hands.
        form: `"frames"`, one vector for each frame, or `"points"`, one vector for each point.
            Defaults to `"frames"`.

    Call arguments:
        keypoints: `(batch, time, points, channels)`, normalised; the score is the last channel.
        mask: `(batch, time)`, 1 on the frames of the clip.

    Returns:
        features `(batch, steps, features)` or `(batch, steps, points, features)`, 0 after the end
        of a clip; and the mask `(batch, steps)`.

    Raises:
        OptionError: the skeleton or an option does not fit.

    >>> import numpy as np
    >>> from slr_keras.models.inputs import KeypointInputs
    >>> layer = KeypointInputs({"steps": 16, "motion": [2, 4]})
    >>> features, mask = layer(np.ones((2, 9, 5, 3), "float32"), np.ones((2, 9), "float32"))
    >>> features.shape, mask.shape
    (TensorShape([2, 16, 30]), TensorShape([2, 16]))
    """

    def __init__(
        self,
        config: InputConfig | Mapping[str, Any] | None = None,
        skeleton: SkeletonOption | None = None,
        form: str = "frames",
        **kwargs,
    ):
        # Differences of positions need more digits than 16-bit floats have.
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if form not in FORMS:
            raise OptionError(f"form must be one of {FORMS}; got {form!r}")
        self.config = InputConfig.of(config)
        self.skeleton = skeleton
        self.form = form

    def build(self, keypoints_shape, mask_shape=None):
        points = keypoints_shape[2]
        skeleton = checked_skeleton(self.skeleton, points)
        self.hands, self.mirror = skeleton["hands"], skeleton["mirror"]
        if self.config.dominant_hand and set(self.hands) != {"left", "right"}:
            raise OptionError("inputs.dominant_hand needs a layout with two hands")
        self.fingers = sorted({point for hand in self.hands.values() for point in hand[1:]})
        self.others = rest_of(points, self.fingers)
        self.coordinates = keypoints_shape[3] - 1
        shape = self._features_shape(points)
        if self.config.standardise:
            statistics = {"shape": shape, "trainable": False, "dtype": "float32"}
            self.mean = self.add_weight(name="mean", initializer="zeros", **statistics)
            self.scale = self.add_weight(name="scale", initializer="ones", **statistics)

    def call(self, keypoints, mask):
        features, mask = self.features(keypoints, mask)
        return self.standardised(features, mask), mask

    def standardised(self, features, mask):
        """Centred and scaled features, 0 where the mask is 0."""
        real = ops.reshape(mask, (*ops.shape(mask), *(1,) * (len(features.shape) - 2)))
        if not self.config.standardise:
            return features * real
        limit = self.config.clip
        features = ops.minimum((features - self.mean) * self.scale, limit)
        # The first result with a known range: int8 files begin here.
        with keras.name_scope(STANDARDISED):
            return ops.maximum(features, -limit) * real

    def features(self, keypoints, mask):
        """The features before standardisation, and the mask of the steps; see `call`."""
        config = self.config
        keypoints = ops.cast(keypoints, "float32")
        mask = ops.cast(mask, "float32")
        seen = present(keypoints, mask)
        if config.steps:
            keypoints, seen = resample(keypoints, seen, mask, config.steps)
            mask = ops.ones_like(keypoints[:, :, 0, 0])
        if config.dominant_hand:
            keypoints, seen = self._dominant_on_the_right(keypoints, seen)
        positions = keypoints[..., :-1] * seen
        motion = [difference(positions, seen, *config.ends(k)) for k in config.motion]
        return self.joined(positions, seen, motion, keypoints[..., -1:]), mask

    def joined(self, positions, seen, motion: Sequence[Any], score):
        """The features of frames whose differences are known, as those of a stream are.

        Args:
            positions: `(batch, time, points, coordinates)`, 0 for missing points.
            seen: `(batch, time, points, 1)`.
            motion: differences for each interval, with the shape of the positions.
            score: `(batch, time, points, 1)`; for the form "points".
        """
        shapes = self._hand_shapes(positions, seen)
        if self.form == "points":
            return self._by_point(positions, shapes, motion, score)
        groups = [select_points(positions, self.others), *shapes.values()]
        groups += [select_points(change, self.others) for change in motion]
        time = ops.shape(positions)[1]
        flat = [ops.reshape(g, (-1, time, g.shape[2] * g.shape[3])) for g in groups]
        return ops.concatenate(flat, axis=-1)

    def groups(self) -> list[np.ndarray]:
        """Indices of the features that share a scale, flattened over the axes of a frame."""
        d, others, fingers = self.coordinates, len(self.others), len(self.fingers)
        if self.form == "frames":
            sizes = [others * d, fingers * d, *[others * d] * len(self.config.motion)]
            ends = np.cumsum(sizes)
            return [np.arange(end - size, end) for size, end in zip(sizes, ends) if size]
        shape = self._features_shape(others + fingers)
        index = np.arange(np.prod(shape)).reshape(shape)
        groups = []
        for first in range(0, d * (1 + len(self.config.motion)), d):
            for points in (self.others, self.fingers):
                if points:
                    groups.append(index[points, first : first + d].ravel())
        return groups

    def adapt(self, batches: Iterable[Mapping[str, Any]]) -> None:
        """Learn mean and scales from batches with "keypoints" and "mask", such as the train split.

        Each feature gets its own mean; each group of `groups` one scale, the inverse of the root of
        its mean variance.
        """
        if not self.config.standardise:
            return
        count, total, squares = 0.0, 0.0, 0.0
        for batch in batches:
            if not self.built:
                self.build(batch["keypoints"].shape)
            features, mask = self.features(batch["keypoints"], batch["mask"])
            rows = np.asarray(features, np.float64)[np.asarray(mask) > 0]
            count += len(rows)
            total += rows.sum(axis=0)
            squares += (rows**2).sum(axis=0)
        mean = total / max(count, 1.0)
        variance = np.maximum(squares / max(count, 1.0) - mean**2, 0).ravel()
        scale = np.ones_like(variance)
        keep = np.zeros(variance.size, bool)
        for group in self.groups():
            scale[group] = 1 / np.sqrt(variance[group].mean() + LEAST_VARIANCE)
            keep[group] = True
        # Features outside the groups, the scores, stay as they are.
        self.mean.assign(mean * keep.reshape(mean.shape))
        self.scale.assign(scale.reshape(mean.shape))

    def _features_shape(self, points: int) -> tuple[int, ...]:
        d, intervals = self.coordinates, len(self.config.motion)
        if self.form == "points":
            return (points, d * (1 + intervals) + 1)
        return (points * d + len(self.others) * d * intervals,)

    def _hand_shapes(self, positions, seen) -> dict[str, Any]:
        """Positions of each hand's fingers, `(batch, time, fingers, coordinates)`, by side."""
        shapes = {}
        for side, (wrist, *fingers) in self.hands.items():
            if not fingers:
                continue
            shape = select_points(positions, fingers)
            if self.config.hands == "wrist":
                present = select_points(seen, fingers) * seen[:, :, wrist : wrist + 1]
                shape = (shape - positions[:, :, wrist : wrist + 1]) * present
                length = ops.sqrt(ops.sum(ops.square(shape), axis=-1, keepdims=True) + 1e-12)
                shape = shape / (ops.mean(length, axis=2, keepdims=True) + LEAST_SIZE)
            shapes[side] = shape
        return shapes

    def _by_point(self, positions, shapes: dict[str, Any], motion: Sequence[Any], score):
        """Features of each point: position or hand shape, differences, score."""
        if shapes and self.config.hands == "wrist":
            rows = [*self.others]
            parts = [select_points(positions, self.others)]
            for side, shape in shapes.items():
                rows += self.hands[side][1:]
                parts.append(shape)
            positions = select_points(ops.concatenate(parts, axis=2), np.argsort(rows))
        return ops.concatenate([positions, *motion, score], axis=-1)

    def _dominant_on_the_right(self, keypoints, seen):
        """Mirror the clips in which the left wrist travels further than the right one."""

        def travel(side: str):
            wrist = self.hands[side][0]
            rows = slice(wrist, wrist + 1)
            step = difference(keypoints[:, :, rows, :-1], seen[:, :, rows], before=1, after=0)
            length = ops.sqrt(ops.sum(ops.square(step), axis=-1) + 1e-12)
            return ops.sum(length, axis=(1, 2))

        left_handed = ops.cast(travel("left") > travel("right"), "float32")
        left_handed = ops.reshape(left_handed, (-1, 1, 1, 1))
        other = mirrored(keypoints, self.mirror)
        other_seen = select_points(seen, self.mirror)
        keypoints = keypoints + left_handed * (other - keypoints)
        return keypoints, seen + left_handed * (other_seen - seen)

    def compute_output_shape(self, keypoints_shape, mask_shape=None):
        batch, time, points, _channels = keypoints_shape
        time = self.config.steps or time
        if not self.built:
            self.build(keypoints_shape)
        return (batch, time, *self._features_shape(points)), (batch, time)

    def get_config(self):
        return {
            **super().get_config(),
            "config": self.config.to_json(),
            "skeleton": self.skeleton,
            "form": self.form,
        }
