"""What the baselines look at: where the arms are, and what shape the fingers make.

Both baselines get the same view of the prepared keypoints, so that their results differ by
method alone.
"""

import re
from collections.abc import Iterable

import numpy as np

from slr_keras.data.contract import KeypointContract

FINGERS = ("thumb", "index", "middle", "ring", "little")


class Features:
    """Prepared keypoints to feature vectors of equal weight for place and handshape.

    * place: arm and hand points relative to the body's root (the clip's median), in units of the
      body's scale; fingers are left to the next group.
    * shape: finger points relative to their own wrist, in the same units; only where the layout
      has fingers.

    Frames in which a point is missing get it by interpolation over time. Each group of one side
    is centred on its training mean and scaled to a total variance of 1; a point that a clip
    never shows sits at the mean. `stride` frames are averaged into one.

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
        # Hands that define the scale would make their own distance the unit.
        self._fixed_scale = not any(_is_body(name) for name in contract.scale)
        self._groups = _groups(contract)
        self._mean: np.ndarray | None = None
        self._weight: np.ndarray | None = None

    def fit(self, clips: Iterable[np.ndarray]) -> "Features":
        """Take means and spreads from prepared clips `(frames, points, channels)`."""
        parts = [self._raw(clip) for clip in clips]
        frames = np.concatenate([part for part in parts if len(part)])
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(frames)
            count = np.maximum(seen.sum(axis=0), 1)
            self._mean = np.where(seen, frames, 0).sum(axis=0) / count
            variance = (np.where(seen, frames - self._mean, 0) ** 2).sum(axis=0) / count
        weight, at = np.ones(frames.shape[1]), 0
        for points, _ in self._groups:
            width = len(points) * self._dimensions(frames.shape[1])
            total = variance[at : at + width].sum()
            weight[at : at + width] = 1 / np.sqrt(total) if total > 0 else 0.0
            at += width
        self._weight = weight
        return self

    def __call__(self, prepared: np.ndarray, mirrored: bool = False) -> np.ndarray:
        """`(frames / stride, features)` float32, finite; at least one frame.

        Args:
            prepared: `(frames, points, channels)` as `KeypointContract.prepare` gives them.
            mirrored: as if the signer used the other hand.
        """
        if mirrored:
            from slr_keras.data.keypoints import mirror

            prepared = mirror(prepared, self._mirror)
        scaled = (self._raw(prepared) - self._mean) * self._weight
        return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    def _dimensions(self, width: int) -> int:
        return width // sum(len(points) for points, _ in self._groups)

    def _raw(self, prepared: np.ndarray) -> np.ndarray:
        """Features before centring; NaN where a point is never seen in the clip."""
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
    """Rows of each group, and the row that they are relative to (None: the root)."""
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
    """Mean of every `stride` frames over those in which the point is seen."""
    frames = max(1, -(-len(places) // stride))
    padded = np.full((frames * stride, *places.shape[1:]), np.nan)
    padded[: len(places)] = places
    padded = padded.reshape(frames, stride, *places.shape[1:])
    seen = np.isfinite(padded)
    count = seen.sum(axis=1)
    total = np.where(seen, padded, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _interpolate(places: np.ndarray) -> np.ndarray:
    """Fill what is missing in time; points never seen stay NaN."""
    lost = ~np.isfinite(places[..., 0])
    time = np.arange(len(places))
    for point in np.flatnonzero(lost.any(axis=0) & ~lost.all(axis=0)):
        seen = ~lost[:, point]
        for channel in range(places.shape[-1]):
            places[:, point, channel] = np.interp(time, time[seen], places[seen, point, channel])
    return places


def _median(values: np.ndarray) -> np.ndarray:
    """Median over rows without NaN; 0 where there is none."""
    kept = values[np.isfinite(values).all(axis=1)]
    return np.median(kept, axis=0) if len(kept) else np.zeros(values.shape[1])
