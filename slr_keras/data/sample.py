"""One clip as the manifest describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One clip: what it is called, what is signed, by whom, and where its keypoints or video lie.

    Attributes:
        id: unique name within its split.
        glosses: the signs in order; empty where the clip is not labelled.
        frames: length of the clip in its file, so that bucketing needs no decoding.
        signer: who signs.
        fps: frames a second of the file; a model sees the clip at its contract's rate. None where
            the manifest states none: the clip has the rate of the folder's contract.
        text: translation in a spoken language.
        split: "train", "dev" or "test".
        keypoints: file of the keypoints, relative to the manifest (or absolute).
        video: a folder of PNG or JPEG pictures in the order of their names, a video file, or a
            `.npy` of `(frames, height, width, 3)` uint8 RGB; relative as the keypoints.
        start: first frame inside a file that holds many clips, `.npy` or `.npz`; None for a file
            of its own.
        video_start: first picture of the clip inside a `video` that holds more than the clip; None
            for a video of its own.
        extra: manifest keys that this class does not know, kept as they are.

    >>> from slr_keras.data.sample import Sample
    >>> Sample("monday-1", ("RAIN", "NORTH"), frames=87).glosses
    ('RAIN', 'NORTH')
    """

    id: str
    glosses: tuple[str, ...]
    frames: int
    signer: str = ""
    fps: float | None = None
    text: str = ""
    split: str = ""
    keypoints: str = ""
    video: str = ""
    start: int | None = None
    video_start: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
