"""Ten PHOENIX-2014-T sentences as 3-D skeletons, to check that a model can over-fit."""

from pathlib import Path

import numpy as np

from slr_keras.data.contract import contract
from slr_keras.data.datasets.base import Dataset, Option, cut, read_npz
from slr_keras.data.lines import SPLITS
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text

_FILE = "skels.npz"
_POINTS = 50
# A line of a `.skels` file holds frame behind frame: 150 coordinates and a counter.
_VALUES = _POINTS * 3 + 1


def prepare(source: Path, folder: Path, dev: str = "same") -> None:
    """Write the data folder: every sentence in train, and the same ones again in dev.

    Dev repeats train on purpose: the set shows that a model can be fitted, not that it
    generalises. The manifest says so (`overfit`), and keeps the corpus' own split.

    Args:
        source: folder of `skels.npz`, or of the repository's own `.skels`, `.gloss`, `.text` and
            `.files`.
        folder: to write.
        dev: "same" repeats train in dev, "none" writes no dev.

    Raises:
        UserError: the files are missing or malformed.
    """
    clips = _packed(source / _FILE) if (source / _FILE).is_file() else _published(source)
    with FolderWriter(folder, contract("openpose_50")) as writer:
        for split in ("train", "dev") if dev == "same" else ("train",):
            for name, glosses, text, keypoints in clips:
                writer.add(
                    split,
                    id=name,
                    glosses=glosses.split(),
                    keypoints=keypoints,
                    text=text,
                    overfit=True,
                    official_split=name.partition("/")[0],
                )


def _packed(path: Path) -> list[tuple[str, str, str, np.ndarray]]:
    shapes = {"frames": (None, _POINTS, 3)}
    data = read_npz(path, shapes | dict.fromkeys(("lengths", "ids", "glosses", "texts"), (None,)))
    frames = cut(path, data["frames"], data["lengths"])
    texts = (data[name].tolist() for name in ("ids", "glosses", "texts"))
    return list(zip(*texts, frames))


def _published(source: Path) -> list[tuple[str, str, str, np.ndarray]]:
    """Lines of the four files of each split; line i of all four is one sentence."""
    splits = [split for split in SPLITS if (source / f"{split}.skels").is_file()]
    if not splits:
        raise DATASET.missing(source, [f"{_FILE} or train.skels"])
    clips = []
    for split in splits:
        DATASET.require(
            source, *(f"{split}.{kind}" for kind in ("skels", "gloss", "text", "files"))
        )
        skels, glosses, texts, names = (
            read_text(source / f"{split}.{kind}").removesuffix("\n").split("\n")
            for kind in ("skels", "gloss", "text", "files")
        )
        if len({len(skels), len(glosses), len(texts), len(names)}) > 1:
            raise UserError(f"{source}: the four files {split}.* differ in their number of lines")
        for line, (skel, gloss, text, name) in enumerate(zip(skels, glosses, texts, names), 1):
            try:
                values = np.array(skel.split(), np.float32)
            except ValueError as error:
                raise UserError(f"{source / split}.skels:{line}: {error}") from None
            if not len(values) or len(values) % _VALUES:
                raise UserError(
                    f"{source / split}.skels:{line}: {len(values)} values are no whole number of "
                    f"frames of {_VALUES}"
                )
            keypoints = values.reshape(-1, _VALUES)[:, :-1].reshape(-1, _POINTS, 3)
            clips.append((name.strip(), gloss, text.strip(), keypoints))
    return clips


DATASET = Dataset(
    name="phoenix14t_skeletons",
    title="10 PHOENIX-2014-T sentences as 3-D skeletons of 50 points, to over-fit",
    obtain="github.com/BenSaunders27/ProgressiveTransformersSLP (Data/tmp)",
    licence="CC BY-NC-SA 4.0; corpus: RWTH Aachen, non-commercial research, share-alike",
    files=(
        f"{_FILE}: frames (sum of lengths, {_POINTS}, 3), lengths, ids, glosses, texts (N)",
        "or {train,dev,test}.skels, .gloss, .text, .files as published",
    ),
    prepare=prepare,
    options=(Option("dev", "same", "repeat train in dev, or write no dev", ("same", "none")),),
)
