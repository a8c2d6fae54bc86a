"""How much of the signer was found: per clip and part, what a model will and will not see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.contract import KeypointContract

#: Part → how the names of its points are told.
PARTS = ("pose", "left hand", "right hand", "face")
#: Parts whose points MediaPipe gives a score of their own.
SCORED = ("pose",)


@dataclass(frozen=True)
class Found:
    """What was found of one part in one clip, of the points that the model sees.

    Attributes:
        frames: number of frames; seen: those in which any point was found.
        points: share of all points in all frames that were found.
        gap: the longest run of frames without any point.
        scores: (frames seen,) mean score of the points that were found.
    """

    frames: int
    seen: int
    points: float
    gap: int
    scores: np.ndarray


@dataclass(frozen=True)
class Summary:
    """What was found of one part in all clips.

    Attributes:
        frames: share of all frames in which it was found.
        points: share of all points in all frames that were found.
        score: median over frames of the mean score of the points found; None where the detector
            gives none.
        gap: the longest run of frames without it.
        never: clips in which it was not found at all.
    """

    frames: float
    points: float
    score: float | None
    gap: int
    never: int


def part_of(name: str) -> str:
    """The part that a point of the 79 belongs to, by its name.

    >>> from slr_keras.extraction.parts import part_of
    >>> part_of("left_wrist"), part_of("left_hand_wrist"), part_of("face_30")
    ('pose', 'left hand', 'face')
    """
    if name.startswith("face_"):
        return "face"
    side, _, rest = name.partition("_")
    finger = rest.split("_")[0] in ("hand", "thumb", "index", "middle", "ring", "little")
    return f"{side} hand" if finger else "pose"


def parts_found(raw: np.ndarray, contract: KeypointContract) -> dict[str, Found]:
    """What was found of each part in a clip.

    Args:
        raw: (frames, 543, 4).
        contract: says which points count, and which of them are missing.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.extraction.parts import parts_found
    >>> clip = np.ones((4, 543, 4), np.float32)
    >>> clip[1:3, 501:522] = 0
    >>> found = parts_found(clip, contract("mediapipe_holistic_543"))["left hand"]
    >>> found.seen, found.points, found.gap
    (2, 0.5, 2)
    """
    selected = contract.select(raw)
    missing = contract.missing(selected)
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    for row, name in enumerate(contract.points):
        rows[part_of(name)].append(row)
    return {
        part: _found(selected[:, chosen, -1], ~missing[:, chosen])
        for part, chosen in rows.items()
        if chosen
    }


def _found(score: np.ndarray, there: np.ndarray) -> Found:
    seen = there.any(1)
    counts = there[seen].sum(1)
    return Found(
        frames=len(seen),
        seen=int(seen.sum()),
        points=float(there.mean()) if there.size else 0.0,
        gap=longest_run(~seen),
        scores=(score * there)[seen].sum(1) / counts,
    )


def longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of true values.

    >>> import numpy as np
    >>> from slr_keras.extraction.parts import longest_run
    >>> longest_run(np.array([True, False, True, True]))
    2
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def summarised(clips: Iterable[dict[str, Found]]) -> dict[str, Summary]:
    """What was found of each part in all clips together; empty without clips."""
    clips = list(clips)
    parts = [part for part in PARTS if all(part in clip for clip in clips)] if clips else []
    return {part: _summary(part, [clip[part] for clip in clips]) for part in parts}


def _summary(part: str, clips: Sequence[Found]) -> Summary:
    frames = sum(clip.frames for clip in clips)
    scores = np.concatenate([clip.scores for clip in clips])
    return Summary(
        frames=sum(clip.seen for clip in clips) / frames,
        points=sum(clip.points * clip.frames for clip in clips) / frames,
        score=float(np.median(scores)) if part in SCORED and len(scores) else None,
        gap=max(clip.gap for clip in clips),
        never=sum(not clip.seen for clip in clips),
    )
