"""The keypoint contract: what the files hold and what the model sees of it.

`keypoints.json`, read by Python, the exporter and the phone alike, is one JSON object:

| key | value |
| --- | --- |
| `version` | 1 |
| `source` | the layout of the files: `name`, `points`, `channels`, `mirror`, `edges`, `streams` |
| `points` | names of the points that the model sees, in model order |
| `indices` | their rows in `source.points` |
| `streams` | stream → indices into `points`; always `body`, then `left`, `right`, `face` if any |
| `channels` | `["x", "y", "score"]` or `["x", "y", "z", "score"]` |
| `image_size` | `[width, height]` in the units of x and y; `[1, 1]` for fractions |
| `y_axis` | `"down"` or `"up"`: where y grows in the files |
| `normalisation` | `"image"` or `"body"`, see `slr_keras.data.keypoints` |
| `root`, `scale` | names of the points of `"body"` normalisation |
| `score_threshold` | a score below it means missing |
| `zero_is_missing` | whether x = y = 0 means missing |
| `max_gap`, `interpolated_score` | gap filling, see `slr_keras.data.keypoints.fill_gaps` |
| `fps` | frames a second |
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
    """How raw keypoints become the model's input; the module's page explains every field.

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
        # Plain types whatever the caller gave, so that equal contracts have equal digests.
        for name, value in checked_fields(self.source, vars(self)).items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple:
        return KeypointContract.from_json, (self.to_json(),)

    @functools.cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """The layout's edges between points that the model sees, as indices into `points`."""
        row = {point: index for index, point in enumerate(self.points)}
        pairs = ((row.get(start), row.get(end)) for start, end in self.source.edges)
        return tuple(pair for pair in pairs if None not in pair)

    def require_compatible(
        self, other: Contract, this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract under which a model would see other points, channels or units.

        Files, image size, thresholds and frame rate may differ: each contract brings its own
        files to the same input. A model trained on COCO-WholeBody can so be given MediaPipe.

        Raises:
            UserError: names both and the fields that differ.
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
        """Take the model's points and channels out of a raw clip.

        A score that the files do not have is 1 for points that are there and 0 for missing ones.

        Args:
            raw: (frames, source points, source channels).

        Returns:
            (frames, points, channels) float32, a copy, in the files' coordinates.

        Raises:
            UserError: the clip has another number of points or channels than the layout.
        """
        expected = (len(self.source.points), len(self.source.channels))
        if raw.ndim != 3 or raw.shape[1:] != expected:
            raise UserError(
                f"keypoints have shape {raw.shape}, but layout {self.source.name!r} means "
                f"(frames, {expected[0]} points, {expected[1]} channels)"
            )
        available = self.source.channels
        chosen = raw[:, self._rows]
        selected = np.ones((*chosen.shape[:2], len(self.channels)), np.float32)
        # What overflows becomes infinite, hence missing.
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
        """Fill the gaps of selected raw points as this contract says; same shape, finite."""
        return keypoints.fill_gaps(
            points,
            self.max_gap,
            self.score_threshold,
            self.interpolated_score,
            self.zero_is_missing,
        )

    def normalise(self, points: np.ndarray) -> np.ndarray:
        """Selected, gap-filled points in the model's coordinates; same shape, y up."""
        if self.normalisation == "image":
            return keypoints.normalise_image(points, *self.image_size, self.y_axis)
        rows = {point: index for index, point in enumerate(self.points)}
        root = tuple(rows[point] for point in self.root)
        first, second = (rows[point] for point in self.scale)
        return keypoints.normalise_body(points, root, (first, second), self.y_axis)

    def prepare(self, raw: np.ndarray) -> np.ndarray:
        """What the model sees of a raw clip: select, fill gaps, normalise; deterministic.

        Args:
            raw: (frames, source points, source channels); may hold NaN and infinities, which
                count as missing.

        Returns:
            (frames, points, channels) float32, finite.

        Raises:
            UserError: wrong number of points or channels.
        """
        return self.normalise(self.fill_gaps(self.select(raw)))

    @functools.cached_property
    def _rows(self) -> np.ndarray:
        return np.array(self.indices, np.intp)


def contract(name: str | KeypointLayout, **overrides: Any) -> KeypointContract:
    """A ready-made contract for a layout.

    Without a better default: image normalisation of fractions (image size 1 × 1, y down), gaps
    of up to 12 frames filled, a score below 0.1 means missing, 25 frames a second.

    Args:
        name: a layout's name, a path to a user's layout, or a layout.
        overrides: fields of `KeypointContract` to set instead of the defaults.

    >>> from slr_keras.data.contract import contract
    >>> camera = contract("mediapipe_75", image_size=(1280, 720), normalisation="body")
    >>> camera.source.name, len(camera.points), camera.streams["left"][:3]
    ('mediapipe_75', 55, (0, 1, 2))

    Raises:
        UserError: no such layout, or a field that does not fit it.
    """
    source = name if isinstance(name, KeypointLayout) else layout(name)
    fields = default_fields(source, name if isinstance(name, str) else "", overrides)
    unknown = set(fields) - {field.name for field in dataclasses.fields(KeypointContract)}
    if unknown:
        raise UserError(f"a keypoint contract has no field {sorted(unknown)[0]!r}")
    return KeypointContract(source=source, **fields)
