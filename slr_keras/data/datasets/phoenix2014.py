"""RWTH-PHOENIX-Weather 2014 from keypoint pickles (docs/papers/stark.md §1.1)."""

from pathlib import Path

from slr_keras.data.datasets.base import Dataset
from slr_keras.data.datasets.pickled_corpus import (
    KEYPOINT_LINKS,
    OPTIONS,
    PHOENIX_LICENCE,
    PickledCorpus,
    prepare_corpus,
)

# 15 glosses in 16 frames: cut wrongly, and left out by every published system.
_BROKEN = frozenset(("13April_2011_Wednesday_tagesschau_default-14",))
_CORPUS = PickledCorpus("Phoenix-2014", (210, 260), 25, "*.corpus.csv", _BROKEN)


def prepare(source: Path, folder: Path, annotations: str = "", frames: str = "") -> None:
    """Write the data folder of PHOENIX-2014.

    Args:
        source: folder of the keypoint pickles.
        folder: to write.
        annotations: folder of the `<split>.corpus.csv`, which add the signers; "" looks for them
            in `source`.
        frames: folder of the pictures of all splits; without keypoint pickles, video alone is
            prepared.

    Raises:
        UserError: nothing to read, or a file that is not what it should be.
    """
    prepare_corpus(_CORPUS, DATASET, source, folder, annotations, frames)


DATASET = Dataset(
    name="phoenix2014",
    title="PHOENIX-2014: continuous German signing, weather forecasts, 9 signers, 133 keypoints",
    obtain=f"{KEYPOINT_LINKS}; the corpus and its annotations from RWTH Aachen: "
    "www-i6.informatik.rwth-aachen.de/~koller/RWTH-PHOENIX",
    licence=PHOENIX_LICENCE,
    files=_CORPUS.files("{train,dev,test}.corpus.csv: optional, add the signers"),
    prepare=prepare,
    options=OPTIONS,
)
