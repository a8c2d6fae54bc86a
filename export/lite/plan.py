"""Options of a TFLite export."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BundlePlan:
    """What a TFLite bundle contains, and the limits of its verification.

    Attributes:
        precisions: of the files; the first is the default of the bundle.
        buckets: input lengths of the files in frames, ascending.
        head: "fuse" or "ensemble".
        verified: compare the files with Keras.
        wer_limits, parity_limit: see `export.lite.verification`.
        clips: number of dev clips for the verification; None takes all.
        calibration_clips: number of train clips for the calibration of int8.
        repeats: runs of a latency measurement; 0 measures none.
        data: data folder; None takes that of the recipe.
        streaming: spatial policy of an additional streaming form, or `OWN_POLICY`; None writes
            none.
    """

    precisions: tuple[str, ...]
    buckets: tuple[int, ...]
    head: str
    verified: bool
    wer_limits: Mapping[str, float]
    parity_limit: float
    clips: int | None = None
    calibration_clips: int = 100
    repeats: int = 30
    data: str | None = None
    streaming: str | None = None
