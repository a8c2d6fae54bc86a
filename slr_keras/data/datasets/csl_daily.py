"""CSL-Daily from keypoint pickles (docs/papers/stark.md §1.1), and its own annotation files."""

import dataclasses
import re
from pathlib import Path

from slr_keras.data.datasets.base import Dataset
from slr_keras.data.datasets.corpus import Sentence, read_corpus
from slr_keras.data.datasets.pickled_corpus import (
    KEYPOINT_LINKS,
    OPTIONS,
    PickledCorpus,
    prepare_corpus,
)
from slr_keras.data.lines import SPLITS
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError

_SIGNER = re.compile(r"_(P\d+)_")
# In the corpus but in no split; published systems train on it.
_UNASSIGNED = "train"


def prepare(source: Path, folder: Path, annotations: str = "", frames: str = "") -> None:
    """Write the data folder of CSL-Daily.

    Args:
        source: folder of the keypoint pickles.
        folder: to write.
        annotations: folder of `video_map.txt`, which adds the translations, and of `split_1.txt`;
            "" looks for them in `source`.
        frames: folder of the pictures; without keypoint pickles, video alone is prepared.

    Raises:
        UserError: nothing to read, or a file that is not what it should be.
    """

    def sentences() -> dict[str, list[Sentence]]:
        return read_annotations(Path(annotations) if annotations else _label_folder(source))

    prepare_corpus(_CORPUS, DATASET, source, folder, annotations, frames, sentences)


def _label_folder(source: Path) -> Path:
    maps = sorted([*source.glob("video_map.txt"), *source.glob("*/video_map.txt")])
    if not maps:
        raise DATASET.missing(source, ["video_map.txt"])
    return maps[0].parent


def read_annotations(folder: str | Path) -> dict[str, list[Sentence]]:
    """Sentences of each split from the corpus' own `video_map.txt` and `split_1.txt`.

    Args:
        folder: the corpus' `sentence_label`.

    Raises:
        UserError: a file is missing or malformed, or names an unknown split.
    """
    folder = Path(folder)
    splits: dict[str, str] = {}
    for line, row in read_table(folder / "split_1.txt", ("name", "split"), empty=True):
        if row["split"] not in SPLITS:
            raise UserError(f"{folder / 'split_1.txt'}:{line}: unknown split {row['split']!r}")
        splits[row["name"]] = row["split"]
    sentences: dict[str, list[Sentence]] = {split: [] for split in SPLITS}
    for sentence in read_corpus(folder / "video_map.txt"):
        sentence = dataclasses.replace(sentence, signer=signer_of(sentence.id))
        sentences[splits.get(sentence.id, _UNASSIGNED)].append(sentence)
    return sentences


def signer_of(name: str) -> str:
    """The signer, from the name of a clip of CSL-Daily.

    >>> from slr_keras.data.datasets.csl_daily import signer_of
    >>> signer_of("S000007_P0003_T00")
    'P0003'
    """
    match = _SIGNER.search(name)
    return match[1] if match else ""


_CORPUS = PickledCorpus("CSL-Daily", (512, 512), 30, "video_map.txt", signer_of=signer_of)

DATASET = Dataset(
    name="csl_daily",
    title="CSL-Daily: continuous Chinese signing, 10 signers, 133 keypoints",
    obtain=f"{KEYPOINT_LINKS}; the corpus and its annotations, after signing an agreement, from "
    "USTC: home.ustc.edu.cn/~zhouh156/dataset/csl-daily",
    licence="corpus: USTC's agreement, non-commercial research; keypoints: as the corpus they were "
    "extracted from",
    files=_CORPUS.files(
        "video_map.txt: optional, adds the translations; split_1.txt beside it for video alone"
    ),
    prepare=prepare,
    options=OPTIONS,
)
