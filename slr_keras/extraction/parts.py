"""Detection statistics: how much of each body part was found in each clip."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.contract import KeypointContract

#: The parts in the order of reports.
PARTS = ("pose", "left hand", "right hand", "face")
#: Parts whose points have individual scores in MediaPipe.
SCORED = ("pose",)


@dataclass(frozen=True)
class Found:
    """Detection statistics of one part in one clip, over the points of the model.

    Attributes:
        frames: number of frames; seen: number of frames with any point of the part.
        points: fraction of all points in all frames that were found.
        gap: the longest run of frames without any point.
        scores: (seen,) mean score of the found points of a frame.
    """

    frames: int
    seen: int
    points: float
    gap: int
    scores: np.ndarray


@dataclass(frozen=True)
class Summary:
    """Detection statistics of one part in all clips.

    Attributes:
        frames: fraction of all frames with any point of the part.
        points: fraction of all points in all frames that were found.
        score: median over frames of the mean score of the found points; None for parts without
            scores.
        gap: the longest run of frames without the part.
        never: number of clips without the part.
    """

    frames: float
    points: float
    score: float | None
    gap: int
    never: int


def part_of(name: str) -> str:
    """The part that a point belongs to, by its name.

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
    """Detection statistics of each part in a clip.

    Args:
        raw: (frames, 543, 4).
        contract: selects the points of the model and says which are missing.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.extraction.parts import parts_found
    >>> clip = np.ones((4, 543, 4), np.float32)
    >>> clip[1:3, 501:522] = 0
    >>> left_hand = parts_found(clip, contract("mediapipe_holistic_543"))["left hand"]
    >>> left_hand.seen, left_hand.points, left_hand.gap
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
    """Detection statistics of each part over all clips; empty without clips."""
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
