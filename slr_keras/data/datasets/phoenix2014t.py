"""RWTH-PHOENIX-Weather 2014 T from keypoint pickles (spec stark §1.1)."""

from pathlib import Path

from slr_keras.data.datasets import keypoint_pickles
from slr_keras.data.datasets.base import Dataset
from slr_keras.data.datasets.corpus_frames import (
    FRAMES,
    attach_frames,
    frame_contract,
    has_pickles,
    split_tables,
    write_frames,
)

_STEM = "Phoenix-2014T"
_SIZE, _FPS = (210, 260), 25


def prepare(source: Path, folder: Path, annotations: str = "", frames: str = "") -> None:
    """Write the data folder of PHOENIX-2014-T.

    Args:
        source: folder of the keypoint pickles.
        folder: to write.
        annotations: folder of the `PHOENIX-2014-T.<split>.corpus.csv`, which add the signers; ""
            looks for them in `source`.
        frames: folder of the pictures of all splits; without keypoint pickles, video alone is
            prepared.

    Raises:
        UserError: nothing to read, or a file that is not what it should be.
    """
    if frames and not has_pickles(source, _STEM):
        sentences = split_tables(source, annotations, DATASET)
        write_frames(folder, Path(frames), sentences, frame_contract(_SIZE, _FPS))
        return
    files = keypoint_pickles.split_files(source, _STEM, DATASET)
    tables = keypoint_pickles.corpus_tables(source, annotations, "*.corpus.csv")
    keypoint_pickles.write_pickles(folder, files, tables, image_size=_SIZE, fps=_FPS)
    if frames:
        attach_frames(folder, Path(frames), frame_contract(_SIZE, _FPS))


DATASET = Dataset(
    name="phoenix2014t",
    title="PHOENIX-2014-T: continuous German signing, weather forecasts, 9 signers, 133 keypoints",
    obtain="the keypoint links in the README of github.com/sutwangyan/MSKA (or TwoStreamNetwork in "
    "github.com/FangyunWei/SLRT); the corpus and its annotations from RWTH Aachen: "
    "www-i6.informatik.rwth-aachen.de/~koller/RWTH-PHOENIX-2014-T",
    licence="corpus: RWTH Aachen, non-commercial research, share-alike; keypoints: as the corpus "
    "they were extracted from",
    files=(
        f"{_STEM}.train, .dev, .test: pickles with keypoints (or gzipped lists of annotations)",
        f"{keypoint_pickles.TWOSTREAM_KEYPOINTS}: only with lists of annotations",
        "PHOENIX-2014-T.{train,dev,test}.corpus.csv: optional, add the signers",
    ),
    prepare=prepare,
    options=(keypoint_pickles.ANNOTATIONS, FRAMES),
)
