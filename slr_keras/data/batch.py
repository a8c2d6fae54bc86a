"""Batches as arrays: padded and masked clips, encoded labels, and the check of feasibility."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.sampling import REDUCTION
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

Batch = dict[str, np.ndarray]
# Frames and labels and, if the loader offers them, the spans of the labels.
Clip = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class FrameSpec:
    """Name, shape and dtype of the frames in a batch.

    Attributes:
        name: key in the batch.
        shape: shape of one frame.
        dtype: dtype of the values.

    >>> from slr_keras.data.batch import FrameSpec
    >>> FrameSpec("video", (224, 224, 3), "uint8").nbytes
    150528
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def nbytes(self) -> int:
        """Bytes of one frame."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Infeasible:
    """A clip too short for its labels (docs/papers/stark.md §4.3).

    `repeats` is 0 for losses that need no blank between equal neighbours.

    >>> from slr_keras.data.batch import Infeasible
    >>> print(Infeasible("a", frames=8, labels=2, repeats=1))
    sample 'a': 8 frames for 2 labels with 1 adjacent repeats; at least 12 frames are needed
    """

    id: str
    frames: int
    labels: int
    repeats: int

    def __str__(self) -> str:
        needed = REDUCTION * (self.labels + self.repeats)
        repeats = f" with {self.repeats} adjacent repeats" if self.repeats else ""
        return (
            f"sample {self.id!r}: {self.frames} frames for {self.labels} labels{repeats}; "
            f"at least {needed} frames are needed"
        )


def collate(
    clips: Sequence[Clip | None],
    rows: Sequence[int],
    weights: Sequence[float],
    frames: int,
    frame: FrameSpec,
    spans: bool = False,
) -> Batch:
    """Stack clips into the arrays that `ClipDataset` describes.

    Args:
        clips: frames `(time, *frame.shape)`, labels `(labels,)` and, with `spans`, spans
            `(labels, 2)` of each clip; None for a filler.
        rows: row of each clip in the manifest, -1 for a filler.
        weights: weight of each clip.
        frames: padded length.
        frame: name, shape and dtype of a frame.
        spans: add the spans.

    >>> import numpy as np
    >>> from slr_keras.data.batch import FrameSpec, collate
    >>> clip = np.ones((4, 79, 3), np.float32), np.array([5, 6], np.int32)
    >>> points = FrameSpec("keypoints", (79, 3))
    >>> batch = collate([clip, None], rows=[0, -1], weights=[1, 0], frames=8, frame=points)
    >>> batch["mask"].sum(axis=1).tolist(), batch["labels"].tolist()
    ([4.0, 0.0], [[5, 6], [0, 0]])
    """
    size = len(clips)
    most_labels = max([len(clip[1]) for clip in clips if clip], default=0)
    content = np.zeros((size, frames, *frame.shape), frame.dtype)
    mask = np.zeros((size, frames), np.float32)
    lengths = np.full(size, REDUCTION, np.int32)
    # At least one column, so that no array is empty.
    labels = np.zeros((size, max(most_labels, 1)), np.int32)
    label_lengths = np.zeros(size, np.int32)
    placed = np.zeros((*labels.shape, 2), np.int32)
    for place, clip in enumerate(clips):
        if clip is None:
            continue
        shown, targets = clip[:2]
        content[place, : len(shown)] = shown
        content[place, len(shown) :] = shown[-1]
        mask[place, : len(shown)] = 1
        lengths[place] = len(shown)
        labels[place, : len(targets)] = targets
        label_lengths[place] = len(targets)
        if spans:
            placed[place, : len(targets)] = clip[2]
    batch = {
        frame.name: content,
        "mask": mask,
        "frames": lengths,
        "labels": labels,
        "label_lengths": label_lengths,
        "index": np.array(rows, np.int32),
        "weight": np.array(weights, np.float32),
    }
    return {**batch, "spans": placed} if spans else batch


def element_spec(frame: FrameSpec, spans: bool = False) -> dict:
    """`tf.TensorSpec` of every array of a batch; batch, time and label dimensions are dynamic.

    >>> from slr_keras.data.batch import FrameSpec, element_spec
    >>> element_spec(FrameSpec("video", (64, 64, 3), "uint8"))["video"].shape
    TensorShape([None, None, 64, 64, 3])
    """
    import tensorflow as tf

    specification = {
        frame.name: tf.TensorSpec((None, None, *frame.shape), tf.as_dtype(frame.dtype)),
        "mask": tf.TensorSpec((None, None), tf.float32),
        "frames": tf.TensorSpec((None,), tf.int32),
        "labels": tf.TensorSpec((None, None), tf.int32),
        "label_lengths": tf.TensorSpec((None,), tf.int32),
        "index": tf.TensorSpec((None,), tf.int32),
        "weight": tf.TensorSpec((None,), tf.float32),
    }
    if spans:
        specification["spans"] = tf.TensorSpec((None, None, 2), tf.int32)
    return specification


def encode_labels(
    sample: Sample, vocabulary: Vocabulary, unknown: str = "error", where: str = ""
) -> list[int]:
    """Label ids of a sample's glosses.

    Args:
        sample: sample with the glosses.
        vocabulary: maps glosses to ids.
        unknown: "error", or "unk" to map glosses outside the vocabulary to <unk>.
        where: file, line and sample for the message.

    Raises:
        UserError: a gloss is not in the vocabulary; names the sample, the gloss and the most
            similar known gloss.
    """
    for gloss in sample.glosses:
        if unknown == "error" and gloss not in vocabulary:
            raise UserError(
                f"{where or f'sample {sample.id!r}'}: gloss {gloss!r} is not in the vocabulary"
                f"{nearest(gloss, vocabulary.glosses)}"
            )
    return vocabulary.encode(sample.glosses, unknown=unknown)


def stable_hash(identity: str) -> int:
    """64-bit hash of a sample's id, equal in every process (unlike Python's own hash).

    >>> from slr_keras.data.batch import stable_hash
    >>> stable_hash("train/0001") == stable_hash("train/0001")
    True
    """
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "little")
