"""Sentences composed from real clips of isolated signs, with interpolated transitions.

Public data of continuous signing is rare; isolated signs are common. A composed sentence
concatenates real clips of one signer. Between two clips the body moves from the last pose of the
first to the first pose of the second in a few frames. Composed sentences have neither the
co-articulation nor the grammar of real ones; state this with results on them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class IsolatedClip:
    """A real clip of one sign.

    Attributes:
        id: the clip's name.
        gloss: the sign.
        keypoints: (frames, points, channels), score last.
    """

    id: str
    gloss: str
    keypoints: np.ndarray


@dataclass(frozen=True)
class ComposedSentence:
    """A sentence of concatenated clips.

    Attributes:
        glosses: the signs in order.
        keypoints: (frames, points, channels).
        spans: frames [start, end) of every sign.
        clips: ids of the real clips.
    """

    glosses: tuple[str, ...]
    keypoints: np.ndarray
    spans: tuple[tuple[int, int], ...]
    clips: tuple[str, ...]


def compose_sentences(
    clips: Sequence[IsolatedClip],
    count: int,
    generator: np.random.Generator,
    root: Sequence[int],
    words: tuple[int, int] = (2, 5),
    transition: tuple[int, int] = (4, 8),
    avoid: Collection[tuple[str, ...]] = (),
) -> Iterator[ComposedSentence]:
    """Compose sentences from the clips of one signer.

    Clips are drawn without replacement until all are used, so that all are used equally often. No
    sign occurs twice in a row.

    Args:
        clips: of one signer, of at least two signs.
        count: how many sentences.
        generator: the only source of randomness.
        root: points whose position stays the same from one clip to the next.
        words: least and most signs of a sentence.
        transition: least and most frames between two signs.
        avoid: gloss sequences that must not appear, such as those of another split.

    Raises:
        UserError: there are too few signs for sentences that are new.
    """
    glosses = np.array([clip.gloss for clip in clips])
    if len(set(glosses.tolist())) < 2 or not 1 <= words[0] <= words[1] or transition[0] < 0:
        raise UserError("composing needs two signs of a signer, and ranges in ascending order")
    deck: list[int] = []
    refused = 0
    done = 0
    while done < count:
        length = int(generator.integers(words[0], words[1] + 1))
        chosen: list[int] = []
        while len(chosen) < length:
            if not deck:
                deck = generator.permutation(len(clips)).tolist()
            place = next(
                (i for i in range(len(deck)) if not chosen or _new(glosses, chosen, deck[i])), None
            )
            if place is None:
                deck = []
                continue
            chosen.append(deck.pop(place))
        if tuple(glosses[chosen].tolist()) in avoid:
            refused += 1
            if refused > 100 * count + 100:
                raise UserError(
                    f"only {done} of {count} composed sentences are not in the other split; ask "
                    "for fewer or longer sentences"
                )
            deck = [*chosen, *deck]
            generator.shuffle(deck)
            continue
        yield _join([clips[i] for i in chosen], generator, root, transition)
        done += 1


def _new(glosses: np.ndarray, chosen: list[int], candidate: int) -> bool:
    return glosses[candidate] != glosses[chosen[-1]]


def _join(
    clips: Sequence[IsolatedClip],
    generator: np.random.Generator,
    root: Sequence[int],
    transition: tuple[int, int],
) -> ComposedSentence:
    parts: list[np.ndarray] = []
    spans: list[tuple[int, int]] = []
    at = 0
    for clip in clips:
        keypoints = np.array(clip.keypoints, np.float32)
        if parts:
            keypoints[..., :-1] += _place(parts[-1], root) - _place(keypoints, root)
            between = int(generator.integers(transition[0], transition[1] + 1))
            parts.append(_move(parts[-1][-1], keypoints[0], between))
            at += between
        parts.append(keypoints)
        spans.append((at, at + len(keypoints)))
        at += len(keypoints)
    return ComposedSentence(
        glosses=tuple(clip.gloss for clip in clips),
        keypoints=np.concatenate(parts),
        spans=tuple(spans),
        clips=tuple(clip.id for clip in clips),
    )


def _place(keypoints: np.ndarray, root: Sequence[int]) -> np.ndarray:
    """Position of the body in a clip: (channels without score,)."""
    return np.median(keypoints[:, list(root), :-1].mean(1), axis=0)


def _move(start: np.ndarray, end: np.ndarray, frames: int) -> np.ndarray:
    """Poses between two poses, starting and ending slowly; the score is the lower one."""
    time = np.arange(1, frames + 1, dtype=np.float32) / (frames + 1)
    weight = ((1 - np.cos(np.pi * time)) / 2)[:, None, None]
    poses = (1 - weight) * start + weight * end
    poses[..., -1] = np.minimum(start[..., -1], end[..., -1])
    return poses.astype(np.float32)
