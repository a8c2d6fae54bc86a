"""Prepare the published corpora from keypoint pickles, pictures, or both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slr_keras.data.datasets import keypoint_pickles
from slr_keras.data.datasets.base import Dataset
from slr_keras.data.datasets.corpus import Sentence
from slr_keras.data.datasets.corpus_frames import (
    FRAMES,
    attach_frames,
    frame_contract,
    has_pickles,
    split_tables,
    write_frames,
)
from slr_keras.data.datasets.passing_over import PassedOver

OPTIONS = (keypoint_pickles.ANNOTATIONS, FRAMES)
KEYPOINT_LINKS = (
    "the keypoint links in the README of github.com/sutwangyan/MSKA (or TwoStreamNetwork in "
    "github.com/FangyunWei/SLRT)"
)
PHOENIX_LICENCE = (
    "corpus: RWTH Aachen, non-commercial research, share-alike; keypoints: as the corpus they were "
    "extracted from"
)


@dataclass(frozen=True)
class PickledCorpus:
    """Properties of one of the corpora.

    Attributes:
        stem: name of the keypoint pickles, before ".train", ".dev" and ".test".
        size: width and height of the video in pixels.
        fps: frames a second of the video.
        tables: pattern of the corpus' own annotation files.
        broken: clips that every published system leaves out.
        signer_of: the signer where a clip's name says it, else "".
    """

    stem: str
    size: tuple[int, int]
    fps: float
    tables: str
    broken: frozenset[str] = frozenset()
    signer_of: Callable[[str], str] = lambda name: ""

    def files(self, *others: str) -> tuple[str, ...]:
        """What the folder holds, for `Dataset.files`."""
        return (
            f"{self.stem}.train, .dev, .test: pickles with keypoints (or gzipped lists of "
            "annotations)",
            f"{keypoint_pickles.TWOSTREAM_KEYPOINTS}: only with lists of annotations",
            *others,
        )


def prepare_corpus(
    corpus: PickledCorpus,
    dataset: Dataset,
    source: Path,
    folder: Path,
    annotations: str,
    frames: str,
    sentences: Callable[[], Mapping[str, list[Sentence]]] | None = None,
) -> None:
    """Write the data folder of a corpus.

    Args:
        corpus: which one.
        dataset: for the message when files are missing.
        source: folder of the keypoint pickles.
        folder: to write.
        annotations: folder of the corpus' own tables; "" looks for them in `source`.
        frames: folder of the pictures, "" for none; without keypoint pickles, video alone is
            prepared.
        sentences: reads the annotated clips of each split, for video alone; by default from
            PHOENIX's `<split>.corpus.csv`.

    Raises:
        UserError: nothing to read, a file that is not what it should be, or no clip of train can
            be read. Another clip that cannot be read is passed over.
    """
    passed = PassedOver()
    pictures = frame_contract(corpus.size, corpus.fps)
    if frames and not has_pickles(source, corpus.stem):
        annotated = sentences() if sentences else split_tables(source, annotations, dataset)
        write_frames(folder, Path(frames), annotated, pictures, passed, corpus.broken)
        passed.write(folder.joinpath)
        return
    keypoint_pickles.write_pickles(
        folder,
        keypoint_pickles.split_files(source, corpus.stem, dataset),
        keypoint_pickles.corpus_tables(source, annotations, corpus.tables),
        image_size=corpus.size,
        fps=corpus.fps,
        passed=passed,
        left_out=corpus.broken,
        signer_of=corpus.signer_of,
    )
    passed.require_some()
    if frames:
        attach_frames(folder, Path(frames), pictures, passed)
    passed.write(folder.joinpath)
