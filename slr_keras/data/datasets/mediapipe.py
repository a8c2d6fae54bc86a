"""Data sets recorded with MediaPipe Holistic: units, layouts, one clip per word.

MediaPipe gives x and y as fractions of the image's width and height. A fraction of the width is
longer than one of the height wherever the image is wide, so clips are stored in pixels: only then
a hand keeps its shape when it turns. The sets do not say what their cameras gave; it is an option.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.datasets.base import Dataset, Option, frame_size, one_word, read_npz
from slr_keras.data.datasets.splits import by_order
from slr_keras.data.layout import layout
from slr_keras.data.writer import FolderWriter

POSE, FACE, HAND = 33, 468, 21
_HAND_POINT = re.compile(r"_hand_wrist$|_\d$")
_PARTS = ("left_hand", "right_hand", "pose", "face")

FPS = Option("fps", 30.0, "frames a second; the set does not record it")


def frame_size_option(size: str) -> Option:
    """The option of the camera's frame size."""
    return Option("frame_size", size, "pixels of the camera's image; the set does not record it")


def options(dev: float, test: float, size: str) -> tuple[Option, ...]:
    """The options of a set, by its usual fractions for dev and test and its frame size."""
    return (
        Option(
            "dev_fraction", dev, "fraction of each label's recordings for dev: the last but test's"
        ),
        Option(
            "test_fraction", test, "fraction of each label's recordings for test: the very last"
        ),
        frame_size_option(size),
        FPS,
    )


def holistic_contract(layout: str, size: str, fps: float) -> KeypointContract:
    """The contract of clips in pixels, normalised by the shoulders."""
    return contract(layout, image_size=frame_size(size), normalisation="body", fps=fps)


def hands_contract(size: str, fps: float) -> KeypointContract:
    """The contract of clips in pixels of which a model sees the hands alone.

    Where a detector also finds the body, as in a video, the body is not read. The unit is the
    palm of the right hand; where there is none, half the longer side of the box around the points.

    >>> from slr_keras.data.datasets.mediapipe import hands_contract
    >>> len(hands_contract("640x480", 30.0).points)
    42
    """
    source = layout("mediapipe_75")
    points = tuple(p for p in source.streams["body"] if _HAND_POINT.search(p))
    row = {point: index for index, point in enumerate(points)}
    sides = ("left", "right")
    streams = {side: tuple(row[p] for p in points if p.startswith(f"{side}_")) for side in sides}
    wrists = tuple(f"{side}_hand_wrist" for side in sides)
    return contract(
        source.name,
        points=points,
        indices=source.indices(points),
        streams={"body": tuple(range(len(points))), **streams},
        mirror=tuple(row[source.mirror[point]] for point in points),
        image_size=frame_size(size),
        normalisation="body",
        root=wrists,
        # Not the distance of the wrists: a second hand that is seen for a moment would set it.
        scale=("right_hand_wrist", "right_middle_1"),
        fps=fps,
    )


def read_words(
    dataset: Dataset, source: Path, file: str, *others: str, pose: bool = True, face: bool = False
) -> dict[str, np.ndarray]:
    """Read the arrays of an `.npz` file of isolated signs.

    Args:
        dataset: for the message when the file is missing.
        source, file: where it is.
        others: further arrays with one entry a clip.
        pose, face: whether the set has them.

    Returns:
        labels, index (N), left_hand, right_hand (N, T, 21, 3), pose (N, T, 33, 4), face
        (N, T, 468, 3) and the others.

    Raises:
        UserError: the file is missing or damaged, or an array is missing or of another shape.
    """
    dataset.require(source, file)
    return read_file(source / file, *others, pose=pose, face=face)


def read_file(
    path: Path,
    *others: str,
    pose: bool = True,
    face: bool = False,
    optional: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """As `read_words`, of a file by its path.

    Args:
        path: the file.
        others, pose, face: see `read_words`.
        optional: arrays with one entry a clip that are read where the file has them.

    Raises:
        UserError: the file is damaged, or an array is missing or of another shape.
    """
    shapes: dict[str, tuple[int | None, ...]] = dict.fromkeys(("labels", "index", *others), (None,))
    shapes |= dict.fromkeys(("left_hand", "right_hand"), (None, None, HAND, 3))
    if pose:
        shapes["pose"] = (None, None, POSE, 4)
    if face:
        shapes["face"] = (None, None, FACE, 3)
    return read_npz(path, shapes, dict.fromkeys(optional, (None,)))


def assemble(
    size: str,
    left_hand: np.ndarray,
    right_hand: np.ndarray,
    pose: np.ndarray | None = None,
    face: np.ndarray | None = None,
) -> np.ndarray:
    """Holistic landmarks as one array in pixels.

    Args:
        size: "640x480".
        left_hand, right_hand: (..., 21, 3), x and y as fractions, z in widths; zeros where no
            hand was found.
        pose: (..., up to 33, 4), the last one visibility; None where it was not recorded.
        face: (..., 468, 3), or None for the layout without a face.

    Returns:
        (..., 75 or 543, 4) float32: x, y, z in pixels, score; zeros where nothing was found.

    >>> import numpy as np
    >>> from slr_keras.data.datasets.mediapipe import assemble
    >>> hand, none = np.full((1, 21, 3), 0.5), np.zeros((1, 21, 3))
    >>> points = assemble("640x480", hand, none)
    >>> points.shape, points[0, 33].tolist(), points[0, 54].tolist()
    ((1, 75, 4), [320.0, 240.0, 320.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    """
    width, height = frame_size(size)
    leading = left_hand.shape[:-2]
    body = np.zeros((*leading, POSE, 4), np.float32)
    if pose is not None:
        body[..., : pose.shape[-2], :] = pose
    parts = [body, *(_scored(part) for part in (face, left_hand, right_hand) if part is not None)]
    points = np.concatenate(parts, axis=-2)
    points[..., :3] *= np.array([width, height, width], np.float32)
    points[(points[..., :3] == 0).all(-1)] = 0
    return points


def _scored(part: np.ndarray) -> np.ndarray:
    """Hands and faces have no score of their own: 1 for every point, until `assemble` clears."""
    part = part.astype(np.float32)
    return np.concatenate([part, np.ones((*part.shape[:-1], 1), np.float32)], axis=-1)


def write_words(
    folder: Path,
    chosen: KeypointContract,
    ids: Sequence[str],
    labels: Sequence[str],
    splits: Sequence[str],
    clips: Iterable[np.ndarray],
    signers: Sequence[str],
) -> None:
    """Write isolated signs: one gloss per clip; clips of the split "" are left out."""
    with FolderWriter(folder, chosen) as writer:
        for name, label, split, clip, signer in zip(ids, labels, splits, clips, signers):
            if split:
                writer.add(
                    split, id=name, glosses=[one_word(str(label))], keypoints=clip, signer=signer
                )


def write_recordings(
    folder: Path,
    data: Mapping[str, np.ndarray],
    dev_fraction: float,
    test_fraction: float,
    frame_size: str,
    fps: float,
    signer: str = "",
    dev_gap: float = 0.0,
    held_out: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write isolated signs of one camera; the last recordings of every label are dev and test.

    Args:
        folder: to write.
        data: labels, index, left_hand, right_hand, and pose and face where they were recorded,
            as `read_words` gives them.
        dev_fraction, test_fraction: fractions of each label's recordings.
        frame_size, fps: of the camera.
        signer: of all recordings, "" if the set does not say.
        dev_gap: fraction of each label's recordings that is left out between train and dev.
        held_out: the same arrays of the test split; then none of `data` is test, and dev is the
            last of it.

    Raises:
        UserError: the fractions leave nothing to train on, or no frame size.
    """
    test_fraction = 0.0 if held_out else test_fraction
    splits = by_order(data["labels"], data["index"], dev_fraction, test_fraction, dev_gap)
    labels, clips = data["labels"].tolist(), assembled(data, frame_size)
    ids = numbered(labels, data["index"].tolist())
    if held_out:
        theirs, numbers = held_out["labels"].tolist(), held_out["index"].tolist()
        named = numbered(theirs, numbers)
        if set(named) & set(ids):
            named = numbered(theirs, ["held-out"] * len(theirs), numbers)
        ids, labels, splits = ids + named, labels + theirs, splits + ["test"] * len(theirs)
        clips = chain(clips, assembled(held_out, frame_size))
    if "pose" not in data:
        chosen = hands_contract(frame_size, fps)
    else:
        name = "mediapipe_holistic_543" if "face" in data else "mediapipe_75"
        chosen = holistic_contract(name, frame_size, fps)
    write_words(folder, chosen, ids, labels, splits, clips, [signer] * len(labels))


def recorded(data: Mapping[str, np.ndarray]) -> Iterator[tuple[np.ndarray, ...]]:
    """The landmarks of every clip, as recorded."""
    return zip(*(data[part] for part in _PARTS if part in data))


def assembled(data: Mapping[str, np.ndarray], size: str) -> np.ndarray:
    """The clips of arrays that `read_words` gave: (N, T, 75 or 543, 4) in pixels."""
    return assemble(size, *map(data.get, _PARTS))


def numbered(labels: Sequence[str], *parts: Sequence[object]) -> list[str]:
    """Ids such as "do-it-s1-0007" from labels and the numbers of recordings.

    >>> from slr_keras.data.datasets.mediapipe import numbered
    >>> numbered(["do it"], ["s1"], [7])
    ['do-it-s1-0007']
    """
    return [
        "-".join(
            [one_word(str(label)), *(f"{p:04d}" if not isinstance(p, str) else p for p in rest)]
        )
        for label, *rest in zip(labels, *parts)
    ]
