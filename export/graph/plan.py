"""Options of a SavedModel export."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VersionPlan:
    """What a version of a SavedModel contains, and the limits of its verification.

    Attributes:
        version: number of the version; None for one more than the highest.
        precision: key of `export.graph.build.POLICIES`.
        buckets: lengths in frames that clients pad to, ascending; None for 64, 128, 256 and the
            longest.
        longest: frames of the longest clip; None for the recipe's `data.max_frames`.
        verified: compare the version with Keras.
        parity: largest relative error on golden clips; None for the limit of the precision.
        limit: points of WER that may be lost on dev; None for the limit of the precision.
        clips: number of dev clips for the verification, if the data is available; 0 for none.
        data: data folder; None takes that of the recipe.
        warmup: write warm-up requests.
    """

    version: int | None = None
    precision: str = "float32"
    buckets: tuple[int, ...] | None = None
    longest: int | None = None
    verified: bool = True
    parity: float | None = None
    limit: float | None = None
    clips: int = 50
    data: str | None = None
    warmup: bool = True
