"""Ready-made sentences of keypoints in one `.npz` file, with glosses, spans and signers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import read_npz as read_entries
from slr_keras.data.datasets.base import cut, number, read_npz
from slr_keras.data.datasets.span_arrays import Spans, require_fit, spans_of_clips
from slr_keras.utils.errors import UserError

KEYS = (
    "frames (sum of lengths, {}, {}), lengths (N), glosses (N texts, separated by spaces), signers "
    "(N); optional spans (N, signs, 2) or (all signs, 2) as [start, end) in frames, ids (N), fps"
)
"""The arrays of a file, for help texts; formatted with the numbers of points and channels."""


@dataclass(frozen=True)
class GivenSentence:
    """A sentence as it stands in the file.

    Attributes:
        id: from the file, or its signer and number.
        glosses: the signs in order.
        signer: who signs.
        keypoints: (frames, points, channels), as the file has them.
        spans: frames [start, end) of every sign; None where the file has none.
        fps: frames per second; None where the file does not say.
    """

    id: str
    glosses: tuple[str, ...]
    signer: str
    keypoints: np.ndarray
    spans: Spans | None
    fps: float | None


def read_sentences(path: Path, points: int, channels: int) -> list[GivenSentence]:
    """Read the sentences of a file.

    Args:
        path: the file; `KEYS` lists its arrays.
        points, channels: of a frame.

    Raises:
        UserError: the file is damaged, an array is missing or of another shape, or spans do not fit
            the glosses and frames; names file and sentence.
    """
    each = (None,)
    needed = {"frames": (None, points, channels)}
    needed |= dict.fromkeys(("lengths", "glosses", "signers"), each)
    data = read_npz(path, needed, {"ids": each, "fps": ()})
    spans = read_entries(path, (), ("spans",)).get("spans")
    glosses = [tuple(text.split()) for text in _texts(path, data, "glosses")]
    signers = _texts(path, data, "signers")
    ids = _texts(path, data, "ids") if "ids" in data else numbered(signers)
    per_clip = [None] * len(ids)
    if spans is not None:
        per_clip = spans_of_clips(path, spans, [len(signs) for signs in glosses])
    fps = number(str(data["fps"]), f"{path}: fps") if "fps" in data else None
    sentences = []
    for id, signs, signer, clip, own in zip(
        ids, glosses, signers, cut(path, data["frames"], data["lengths"]), per_clip
    ):
        if not signs:
            raise UserError(f"{path}: sentence {id!r} has no glosses")
        if own is not None:
            require_fit(str(path), id, signs, len(clip), own)
        sentences.append(GivenSentence(id, signs, signer, clip, own, fps))
    return sentences


def numbered(signers: Sequence[str]) -> list[str]:
    """Ids of sentences: the signer and the number of the sentence among the signer's.

    >>> from slr_keras.data.datasets.given_sentences import numbered
    >>> numbered(["S02", "S05", "S02"])
    ['S02-0000', 'S05-0000', 'S02-0001']
    """
    count: Counter[str] = Counter()
    ids = []
    for signer in signers:
        ids.append(f"{signer}-{count[signer]:04d}")
        count[signer] += 1
    return ids


def _texts(path: Path, data: dict[str, np.ndarray], name: str) -> list[str]:
    if data[name].dtype.kind != "U":
        raise UserError(f"{path}: {name!r} is {data[name].dtype}; it must be an array of texts")
    return data[name].tolist()
