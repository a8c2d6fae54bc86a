"""What a TFLite bundle is to contain."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What to export, and what it must withstand.

    Attributes:
        precisions: the first is the bundle's default.
        buckets: frames of the files, ascending.
        head: "fuse" or "ensemble".
        verified: compare with Keras.
        wer_limits, parity_limit: see `export.lite.verification`.
        clips: how many of the dev split; all if None.
        calibration_clips: of the train split, for int8.
        repeats: of a latency; 0 measures none.
        data: another data folder than the recipe's.
        streaming: spatial policy of a streaming form beside the buckets; None writes none.
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
