"""A small real encoder of clips: averaged steps of the points, without any training."""

import hashlib
from collections.abc import Sequence

import numpy as np

from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.keypoints import mirror

STEPS = 8
_PARTS = ("elbow", "wrist", "hand", "thumb", "index", "middle", "ring", "little")
# About where hands are that do nothing, in shoulder widths from the chest.
_RESTING = np.array([0.0, -0.9])


class PlainEncoder:
    """Encodes a clip as `STEPS` averages of the body-normalised points of arms and hands.

    Args:
        keypoints: contract of the clips.
        background: vectors of background signs.
        salt: changes the digest, as other weights would.
    """

    def __init__(
        self,
        keypoints: KeypointContract | None = None,
        background: np.ndarray | None = None,
        salt: str = "",
    ):
        self.contract = keypoints or contract("stark_79", normalisation="body")
        self.background = background
        self._rows = [
            row for row, name in enumerate(self.contract.points) if any(p in name for p in _PARTS)
        ]
        self.dimension = 2 * STEPS * len(self._rows)
        self.naming_components = self.dimension // 2
        self.digest = hashlib.sha256(f"plain {STEPS} {salt}".encode()).hexdigest()

    def encode(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Vectors `(clips, dimension)`; the steps alternate, so that each half spans the clip."""
        return np.stack([self._vector(clip) for clip in clips]).astype(np.float32)

    def encode_mirrored(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """The same of the mirrored clips."""
        return self.encode([mirror(clip, self.contract.mirror) for clip in clips])

    def _vector(self, clip: np.ndarray) -> np.ndarray:
        frames = np.linspace(0, len(clip) - 1, 2 * STEPS).round().astype(int)
        points = clip[frames][:, self._rows]
        places = (points[..., :2] - _RESTING) * (points[..., 2:] > 0)
        steps = places.reshape(STEPS, 2, -1).mean(axis=1)
        return np.concatenate([steps[::2], steps[1::2]]).ravel()
