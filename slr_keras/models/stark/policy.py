"""Which frames the spatial attention of a frame is the mean of (specs/stark.md §6).

The paper's attention is one matrix per clip, known at the clip's end. A stream needs it before.
Frames are seen in groups, one group a call of the streaming model, and the frames that leave a
block in the same call share the matrix of what had come by then.
"""

from dataclasses import dataclass

from keras import ops

OFFLINE, PREFIX, EMA, WINDOWED = POLICIES = ("offline", "prefix", "ema", "windowed")


@dataclass(frozen=True)
class SpatialPolicy:
    """How Q Kᵀ of the groups so far add up to the matrix of a call.

    | name | what counts |
    | --- | --- |
    | `offline` | all frames of the clip, those to come included |
    | `prefix` | all frames so far, alike |
    | `ema` | all frames so far, those of the call before `decay` to the power of `frames` as much |
    | `windowed` | the last `memory` / 2 to `memory` frames, alike |

    The window is two sums of which one begins anew every `memory` / 2 frames and the older counts;
    an exact window would keep every group's matrix, 9.6 MB for the body alone.

    Args:
        name: one of `POLICIES`.
        decay: of `ema`, per frame of the clip. Defaults to `0.97`, about 33 frames.
        memory: of `windowed`, in frames of the clip. Defaults to `64`.
        frames: of the clip that a call brings. Defaults to `4`.

    Raises:
        ValueError: no such policy, a decay outside 0..1, or a memory that is not a multiple of
            two calls.

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
            raise ValueError(f"spatial_policy must be one of {POLICIES}; got {self.name!r}")
        if not 0 < self.decay <= 1:
            raise ValueError(f"spatial_decay must be above 0 and at most 1; got {self.decay}")
        if self.memory < 2 * self.frames or self.memory % (2 * self.frames):
            raise ValueError(
                f"spatial_memory must be a multiple of {2 * self.frames} frames; got {self.memory}"
            )

    @property
    def offline(self) -> bool:
        """Whether the whole clip must be there before anything is known."""
        return self.name == OFFLINE

    @property
    def kept(self) -> float:
        """What is left of a sum when the next call comes."""
        return self.decay**self.frames if self.name == EMA else 1.0

    @property
    def half(self) -> int:
        """Calls after which the younger of two sums takes the place of the older."""
        return self.memory // (2 * self.frames)

    def weights(self, calls, groups):
        """How much each group counts in the matrix of each call.

        Args:
            calls: `(calls,)` numbers of calls; groups: `(groups,)` calls that brought them.

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
