"""Frames that the spatial attention averages over (docs/papers/stark.md §6).

The paper's spatial attention is one matrix per clip, known at the end of the clip. Streaming needs
a matrix earlier. The streaming model reads one group of frames per call, and the frames that leave
a block in the same call share a matrix, computed from the frames read until then.
"""

from dataclasses import dataclass

from keras import ops

from slr_keras.models.checks import OptionError

OFFLINE, PREFIX, EMA, WINDOWED = POLICIES = ("offline", "prefix", "ema", "windowed")


@dataclass(frozen=True)
class SpatialPolicy:
    """Weights of the groups' Q Kᵀ in the spatial attention matrix of a call.

    | name | frames in the mean |
    | --- | --- |
    | `offline` | all frames of the clip, including later ones |
    | `prefix` | all frames so far, with equal weights |
    | `ema` | all frames so far; weights decay by `decay` per frame |
    | `windowed` | the last `memory` / 2 to `memory` frames, with equal weights |

    `windowed` keeps two sums; one of them restarts every `memory` / 2 frames, and the older one is
    used. An exact window would store the matrix of every group, 9.6 MB for the body alone.

    Args:
        name: one of `POLICIES`. Defaults to `"offline"`.
        decay: decay of `ema` per frame of the clip. Defaults to `0.97`, about 33 frames.
        memory: length of `windowed` in frames of the clip. Defaults to `64`.
        frames: frames of the clip per call. Defaults to `4`.

    Raises:
        ValueError: an unknown policy, a decay outside 0..1, or a memory that is not a multiple of
            two calls' frames.

    >>> from slr_keras.models.stark.policy import SpatialPolicy
    >>> SpatialPolicy("windowed", memory=16).weights(ops.arange(4), ops.arange(4)).numpy().tolist()
    [[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    """

    name: str = OFFLINE
    decay: float = 0.97
    memory: int = 64
    frames: int = 4

    def __post_init__(self):
        if self.name not in POLICIES:
            raise OptionError(f"spatial_policy must be one of {POLICIES}; got {self.name!r}")
        if not 0 < self.decay <= 1:
            raise OptionError(f"spatial_decay must be above 0 and at most 1; got {self.decay}")
        if self.memory < 2 * self.frames or self.memory % (2 * self.frames):
            raise OptionError(
                f"spatial_memory must be a multiple of {2 * self.frames} frames; got {self.memory}"
            )

    @property
    def offline(self) -> bool:
        """Whether the matrix needs the whole clip."""
        return self.name == OFFLINE

    @property
    def kept(self) -> float:
        """Factor of the running sum from one call to the next."""
        return self.decay**self.frames if self.name == EMA else 1.0

    @property
    def half(self) -> int:
        """Number of calls after which the newer of the two sums replaces the older."""
        return self.memory // (2 * self.frames)

    def weights(self, calls, groups):
        """Weight of each group of frames in the matrix of each call.

        Args:
            calls: `(calls,)` indices of calls.
            groups: `(groups,)` indices of the calls in which the groups were read.

        Returns:
            `(calls, groups)` float32.
        """
        calls, groups = ops.expand_dims(calls, 1), ops.expand_dims(groups, 0)
        age = calls - groups
        counts = ops.cast(age >= 0, "float32")
        if self.name == EMA:
            age = ops.cast(ops.maximum(age, 0), "float32")
            return counts * ops.power(self.kept, age)
        if self.name == WINDOWED:
            first = (calls // self.half - 1) * self.half
            return counts * ops.cast(groups >= first, "float32")
        return counts
