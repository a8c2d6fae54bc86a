"""A clip as described by a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slr_keras.data.times import Times
from slr_keras.utils.unicode import composed


@dataclass(frozen=True)
class Sample:
    """A clip: id, labels, signer, and the files of its keypoints or video.

    Attributes:
        id: name of the clip, unique within its split.
        glosses: glosses in order; empty if the clip is not labelled.
        frames: number of frames in the file, so that bucketing needs no decoding.
        signer: name of the signer.
        fps: frames per second of the file; None: the rate of the folder's contract. A model reads
            the clip at the rate of its contract.
        text: translation in a spoken language.
        split: "train", "dev" or "test".
        keypoints: file of the keypoints, relative to the manifest or absolute.
        video: a folder of PNG or JPEG pictures in the order of their names, a video file, or a
            `.npy` of `(frames, height, width, 3)` uint8 RGB; relative to the manifest or absolute.
        start: first frame of the clip in a `.npy` or `.npz` file of many clips; None if the file
            holds this clip only.
        video_start: first picture of the clip in a longer `video`; None if the video holds this
            clip only.
        times: when each frame is shown, for recordings whose rate varies; None: `fps` tells it.
        extra: further keys of the manifest's line.

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
    times: Times | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # One word has one form, whatever wrote it.
        for name in ("id", "signer", "text"):
            object.__setattr__(self, name, composed(getattr(self, name)))
        object.__setattr__(self, "glosses", tuple(map(composed, self.glosses)))
