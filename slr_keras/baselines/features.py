"""Features of the baselines: positions of arms and hands, and shapes of the hands.

All baselines use the same features of the prepared keypoints, so that their results differ by
method only.
"""

import re
from collections.abc import Iterable

import numpy as np

from slr_keras.data.contract import KeypointContract

FINGERS = ("thumb", "index", "middle", "ring", "little")


class Features:
    """Feature vectors of prepared keypoints, with equal weights for position and handshape.

    * Position: arm and hand points relative to the body's root (the clip's median), in units of
      the body's scale; finger points are excluded.
    * Shape: finger points relative to their wrist, in the same units, if the layout has fingers.

    Missing points are interpolated over time. Each group of one side is centred on its training
    mean and scaled to a total variance of 1; a point that is missing in the whole clip is set to
    the mean. `stride` frames are averaged into one.

    Args:
        contract: keypoint contract of the clips.
        stride: frames averaged into one.

    >>> import numpy as np
    >>> from slr_keras.baselines.features import Features
    >>> from slr_keras.data.contract import contract
    >>> rng = np.random.default_rng(0)
    >>> clips = [rng.normal(size=(20, 14, 4)).astype(np.float32) for _ in range(3)]
    >>> features = Features(contract("kinect_20"), stride=2).fit(clips)
    >>> features(clips[0]).shape
    (10, 36)
    """

    def __init__(self, contract: KeypointContract, stride: int = 2):
        self.stride = stride
        self._mirror = contract.mirror
        self._root = [contract.points.index(name) for name in contract.root]
        self._scale = [contract.points.index(name) for name in contract.scale]
        # A scale defined by the hands would depend on the distance of the hands.
        self._fixed_scale = not any(_is_body(name) for name in contract.scale)
        self._groups = _groups(contract)
        self._mean: np.ndarray | None = None
        self._weight: np.ndarray | None = None

    def fit(self, clips: Iterable[np.ndarray]) -> "Features":
        """Estimate means and variances from prepared clips `(frames, points, channels)`."""
        parts = [self._raw(clip) for clip in clips]
        frames = np.concatenate([part for part in parts if len(part)])
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(frames)
            count = np.maximum(seen.sum(axis=0), 1)
            self._mean = np.where(seen, frames, 0).sum(axis=0) / count
            variance = (np.where(seen, frames - self._mean, 0) ** 2).sum(axis=0) / count
        weight, start = np.ones(frames.shape[1]), 0
        for points, _ in self._groups:
            width = len(points) * self._dimensions(frames.shape[1])
            total = variance[start : start + width].sum()
            weight[start : start + width] = 1 / np.sqrt(total) if total > 0 else 0.0
            start += width
        self._weight = weight
        return self

    def __call__(self, prepared: np.ndarray, mirrored: bool = False) -> np.ndarray:
        """Compute features `(frames / stride, features)`, float32 and finite; at least one frame.

        Args:
            prepared: `(frames, points, channels)` from `KeypointContract.prepare`.
            mirrored: mirror the clip, so that left and right hand are exchanged.
        """
        if mirrored:
            from slr_keras.data.keypoints import mirror

            prepared = mirror(prepared, self._mirror)
        scaled = (self._raw(prepared) - self._mean) * self._weight
        return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    def _dimensions(self, width: int) -> int:
        return width // sum(len(points) for points, _ in self._groups)

    def _raw(self, prepared: np.ndarray) -> np.ndarray:
        """Features before centring; NaN for points that are missing in the whole clip."""
        points = np.asarray(prepared, np.float64)
        places = np.where(points[..., -1:] > 0, points[..., :-1], np.nan)
        places = _interpolate(_average(places, self.stride))
        root = _median(places[:, self._root].reshape(-1, places.shape[-1]))
        if self._fixed_scale:
            scale = 1.0
        else:
            apart = np.linalg.norm(places[:, self._scale[0]] - places[:, self._scale[1]], axis=-1)
            scale = float(_median(apart[:, None])[0]) or 1.0
        columns = []
        for rows, anchor in self._groups:
            origin = root if anchor is None else places[:, anchor][:, None]
            columns.append(((places[:, rows] - origin) / scale).reshape(len(places), -1))
        return np.concatenate(columns, axis=1)


def _groups(contract: KeypointContract) -> list[tuple[list[int], int | None]]:
    """Rows of each group, and the row of their origin (None: the root)."""
    names = contract.points
    streams = {side: contract.streams.get(side, ()) for side in ("left", "right")}
    if not any(streams.values()):
        streams = {"body": contract.streams["body"]}
    places, shapes = [], []
    for side, rows in streams.items():
        finger = re.compile(rf"{side}_({'|'.join(FINGERS)})_\d")
        fingers = [row for row in rows if finger.fullmatch(names[row])]
        anchor = f"{side}_hand_wrist"
        if not fingers or anchor not in names:
            fingers = []
        places.append(([row for row in rows if row not in fingers], None))
        if fingers:
            shapes.append((fingers, names.index(anchor)))
    return [group for group in places + shapes if group[0]]


def _is_body(name: str) -> bool:
    return not any(part in name for part in ("hand", "wrist", *FINGERS))


def _average(places: np.ndarray, stride: int) -> np.ndarray:
    """Mean of every `stride` frames over the frames in which the point is present."""
    frames = max(1, -(-len(places) // stride))
    padded = np.full((frames * stride, *places.shape[1:]), np.nan)
    padded[: len(places)] = places
    padded = padded.reshape(frames, stride, *places.shape[1:])
    seen = np.isfinite(padded)
    count = seen.sum(axis=1)
    total = np.where(seen, padded, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _interpolate(places: np.ndarray) -> np.ndarray:
    """Interpolate missing points over time; points missing in the whole clip stay NaN."""
    lost = ~np.isfinite(places[..., 0])
    time = np.arange(len(places))
    for point in np.flatnonzero(lost.any(axis=0) & ~lost.all(axis=0)):
        seen = ~lost[:, point]
        for channel in range(places.shape[-1]):
            places[:, point, channel] = np.interp(time, time[seen], places[seen, point, channel])
    return places


def _median(values: np.ndarray) -> np.ndarray:
    """Median over rows without NaN; 0 if there is no such row."""
    kept = values[np.isfinite(values).all(axis=1)]
    return np.median(kept, axis=0) if len(kept) else np.zeros(values.shape[1])
