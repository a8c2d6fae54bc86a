"""The keypoint contract: the format of keypoint files and how they become the model's input.

Python, the exporter and the phone read `keypoints.json`, which is one JSON object:

| key | value |
| --- | --- |
| `version` | 1 |
| `source` | the layout of the files: `name`, `points`, `channels`, `mirror`, `edges`, `streams` |
| `points` | names of the points that the model reads, in model order |
| `indices` | their rows in `source.points` |
| `streams` | stream → indices into `points`; always `body`, then `left`, `right`, `face` if any |
| `channels` | `["x", "y", "score"]` or `["x", "y", "z", "score"]` |
| `image_size` | `[width, height]` in the units of x and y; `[1, 1]` for fractions |
| `y_axis` | `"down"` or `"up"`: where y grows in the files |
| `normalisation` | `"image"` or `"body"`, see `slr_keras.data.keypoints` |
| `root`, `scale` | names of the points of `"body"` normalisation |
| `score_threshold` | points with a lower score are missing |
| `zero_is_missing` | whether points with x = y = 0 are missing |
| `max_gap`, `interpolated_score` | gap filling, see `slr_keras.data.keypoints.fill_gaps` |
| `fps` | frames per second |
| `mirror` | permutation over `points` that swaps left and right |
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slr_keras.data import keypoints
from slr_keras.data.contract_base import Contract
from slr_keras.data.contract_fields import checked_fields, default_fields
from slr_keras.data.layout import KeypointLayout, layout, layout_from_json
from slr_keras.data.modality import KEYPOINTS
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class KeypointContract(Contract):
    """How raw keypoints become the model's input; the module docstring explains every field.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> whole_body = contract("coco_wholebody_133")
    >>> whole_body.prepare(np.ones((8, 133, 3), np.float32)).shape
    (8, 79, 3)
    """

    modality = KEYPOINTS
    title = "keypoint contract"
    file = "keypoints.json"

    source: KeypointLayout
    points: tuple[str, ...]
    indices: tuple[int, ...]
    streams: Mapping[str, tuple[int, ...]]
    channels: tuple[str, ...]
    image_size: tuple[float, float]
    y_axis: str
    normalisation: str
    root: tuple[str, ...]
    scale: tuple[str, str]
    score_threshold: float
    max_gap: int
    fps: float
    mirror: tuple[int, ...]
    interpolated_score: float = 0.1
    zero_is_missing: bool = True

    def __post_init__(self) -> None:
        # Plain types, so that equal contracts have equal digests.
        for name, value in checked_fields(self.source, vars(self)).items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple:
        return KeypointContract.from_json, (self.to_json(),)

    @functools.cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """The layout's edges between points that the model reads, as indices into `points`."""
        row = {point: index for index, point in enumerate(self.points)}
        return tuple(
            (row[start], row[end]) for start, end in self.source.edges if {start, end} <= row.keys()
        )

    def require_compatible(
        self, other: Contract, this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract that gives the model other points, channels or units.

        File layout, image size, thresholds and frame rate may differ, because each contract
        converts its own files to the same input. A model trained on COCO-WholeBody can thus read
        MediaPipe keypoints.

        Raises:
            UserError: the contracts are not compatible; names both and the fields that differ.
        """
        seen = ["points", "streams", "channels", "normalisation", "mirror"]
        if self.normalisation == "body":
            seen += ["root", "scale"]
        self._require(other, seen, this, that)

    def _identity(self) -> str:
        return f"{self.source.name} ({self.digest})"

    @classmethod
    def _parsed_fields(cls, value: dict[str, Any], where: str) -> dict[str, Any]:
        return value | {"source": layout_from_json(value["source"], f"{where}: source")}

    def select(self, raw: np.ndarray) -> np.ndarray:
        """Select the model's points and channels of a raw clip.

        If the files have no score, the score is 1 for present points and 0 for missing points.

        Args:
            raw: (frames, source points, source channels).

        Returns:
            (frames, points, channels) float32, a copy, in the files' coordinates.

        Raises:
            UserError: the number of points or channels differs from the layout.
        """
        expected = (len(self.source.points), len(self.source.channels))
        if raw.ndim != 3 or raw.shape[1:] != expected:
            raise UserError(
                f"keypoints have shape {raw.shape}, but layout {self.source.name!r} has "
                f"(frames, {expected[0]} points, {expected[1]} channels)"
            )
        available = self.source.channels
        chosen = raw[:, self._rows]
        selected = np.ones((*chosen.shape[:2], len(self.channels)), np.float32)
        # Values that overflow become infinite and thus missing.
        with np.errstate(over="ignore"):
            for channel, name in enumerate(self.channels):
                if name in available:
                    selected[..., channel] = chosen[..., available.index(name)]
        if "score" not in available:
            selected[keypoints.missing(selected, 0.0, self.zero_is_missing), -1] = 0
        return selected

    def missing(self, points: np.ndarray) -> np.ndarray:
        """(frames, points) booleans: which of the selected raw points are missing."""
        return keypoints.missing(points, self.score_threshold, self.zero_is_missing)

    def fill_gaps(self, points: np.ndarray) -> np.ndarray:
        """Fill the gaps of selected raw points; the result has the same shape and is finite."""
        return keypoints.fill_gaps(
            points,
            self.max_gap,
            self.score_threshold,
            self.interpolated_score,
            self.zero_is_missing,
        )

    def normalise(self, points: np.ndarray) -> np.ndarray:
        """Convert selected, gap-filled points to the model's coordinates (y up); same shape."""
        if self.normalisation == "image":
            return keypoints.normalise_image(points, *self.image_size, self.y_axis)
        rows = {point: index for index, point in enumerate(self.points)}
        root = tuple(rows[point] for point in self.root)
        first, second = (rows[point] for point in self.scale)
        return keypoints.normalise_body(points, root, (first, second), self.y_axis)

    def prepare(self, raw: np.ndarray) -> np.ndarray:
        """Convert a raw clip to the model's input: select, fill gaps, normalise.

        Args:
            raw: (frames, source points, source channels); NaN and infinite values count as missing.

        Returns:
            (frames, points, channels) float32, finite.

        Raises:
            UserError: the number of points or channels differs from the layout.
        """
        return self.normalise(self.fill_gaps(self.select(raw)))

    @functools.cached_property
    def _rows(self) -> np.ndarray:
        return np.array(self.indices, np.intp)


def contract(name: str | KeypointLayout, **overrides: Any) -> KeypointContract:
    """Create the default contract of a layout.

    General defaults: image normalisation of fractions (image size 1 × 1, y down), gaps of up to 12
    frames are filled, points with a score below 0.1 are missing, 25 frames per second. Some layouts
    have defaults of their own.

    Args:
        name: name of a layout, path of a layout file, or a layout.
        overrides: fields of `KeypointContract` that replace the defaults.

    >>> from slr_keras.data.contract import contract
    >>> camera = contract("mediapipe_75", image_size=(1280, 720), normalisation="body")
    >>> camera.source.name, len(camera.points), camera.streams["left"][:3]
    ('mediapipe_75', 55, (0, 1, 2))

    Raises:
        UserError: the layout does not exist, or a field does not fit the layout.
    """
    source = name if isinstance(name, KeypointLayout) else layout(name)
    fields = default_fields(source, name if isinstance(name, str) else "", overrides)
    unknown = set(fields) - {field.name for field in dataclasses.fields(KeypointContract)}
    if unknown:
        raise UserError(f"a keypoint contract has no field {sorted(unknown)[0]!r}")
    return KeypointContract(source=source, **fields)
