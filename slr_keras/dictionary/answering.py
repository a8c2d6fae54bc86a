"""Answer clips with their nearest entries; a clip that cannot be read is passed over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.dictionary.dictionary import Dictionary, Neighbour
from slr_keras.dictionary.indexing import moments, read_prepared
from slr_keras.recognition.clip import Clip
from slr_keras.recognition.modality.base import Overrides
from slr_keras.utils.failures import Failures
from slr_keras.utils.progress import clip_bar


@dataclass(frozen=True, eq=False)
class Answer:
    """A clip and its nearest entries.

    Attributes:
        id: name of the clip.
        source: its file.
        postures: `(moments, points, 3)`, prepared points of some of its frames.
        nearest: entries, nearest first.
        notices: remarks about the clip for the user.
    """

    id: str
    source: str
    postures: np.ndarray
    nearest: tuple[Neighbour, ...]
    notices: tuple[str, ...] = ()


def answered(
    clips: Sequence[Clip],
    dictionary: Dictionary,
    overrides: Overrides | None = None,
    top: int = 5,
    progress: bool = False,
) -> tuple[list[Answer], Failures]:
    """The answer to each clip, and the clips that cannot be read.

    Args:
        clips: not read yet, as `find_clips` finds them.
        dictionary: to search.
        overrides: properties of the clips that the user states.
        top: number of entries in an answer.
        progress: show a bar on standard error.
    """
    encoder, failures = dictionary.encoder, Failures()
    answers = []
    with clip_bar(len(clips), "looking up", hidden=not progress) as advance:
        for clip in clips:
            with failures.passing_over(clip.source):
                prepared, notices = read_prepared(clip, encoder, overrides or Overrides())
                (nearest,) = dictionary.nearest([prepared], top)
                drawn = moments(prepared, encoder.contract)
                answers.append(Answer(clip.id, clip.source, drawn, tuple(nearest), tuple(notices)))
            advance(1)
    return answers, failures
