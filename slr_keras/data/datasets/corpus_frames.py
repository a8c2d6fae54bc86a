"""Pictures of the published corpora: manifests that refer to their folders.

PHOENIX-2014 keeps a clip's pictures in `<frames>/<split>/<clip>/1`, PHOENIX-2014-T in
`<frames>/<split>/<clip>`, CSL-Daily in `<frames>/<clip>`. The pictures are not copied.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.corpus import Sentence, clip_name, read_corpus
from slr_keras.data.datasets.passing_over import PassedOver
from slr_keras.data.lines import FRAMES_FILE, SPLITS
from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.reading import picture_files, require_count
from slr_keras.utils.errors import UserError

FRAMES = Option(
    "frames",
    "",
    "folder of the corpus' pictures, such as features/fullFrame-210x260px; for video models, with "
    "or without the keypoints",
)
RESIZE, CROP = (256, 256), (224, 224)


def frame_contract(size: tuple[int, int], fps: float) -> FrameContract:
    """The published preprocessing of pictures of `size` (docs/papers/c2st.md §2.1)."""
    return FrameContract(size, fps, resize=RESIZE, crop=CROP)


def clip_folder(frames: Path, split: str, clip: str) -> Path:
    """The folder of a clip's pictures, in any of the three layouts.

    Raises:
        UserError: there is none; names the folders that were tried.
    """
    places = [frames / split / clip, frames / clip]
    for place in places:
        if place.is_dir():
            return place / "1" if (place / "1").is_dir() else place
    raise UserError(
        f"clip {clip!r}: no folder of pictures {' or '.join(map(str, places))}; give the folder "
        "that holds the clips of all splits"
    )


def has_pickles(source: Path, stem: str) -> bool:
    """Whether a folder, or one below, holds keypoint pickles of a corpus."""
    wanted = {f"{stem}.{split}{kind}".lower() for split in SPLITS for kind in ("", ".pkl")}
    return any(path.name.lower() in wanted for path in [*source.glob("*"), *source.glob("*/*")])


def attach_frames(folder: Path, frames: Path, contract: FrameContract, passed: PassedOver) -> None:
    """Add the pictures of the same clips to the manifests of a data folder of keypoints.

    Args:
        folder: a data folder.
        frames: the corpus' pictures.
        contract: of the pictures.
        passed: takes the clips without pictures, or with another number of them than of keypoints.

    Raises:
        UserError: see `PassedOver.require_some`.
    """
    attached = {}
    for split, manifest in read_folder(folder).items():
        attached[split] = []
        for sample in manifest:
            with passed.reading(split, sample.id):
                place = clip_folder(frames, split, clip_name(sample.id)).absolute()
                require_count(len(picture_files(place)), sample.frames, place)
                attached[split].append(dataclasses.replace(sample, video=str(place)))
    passed.require_some()
    _write(folder, attached, contract)


def write_frames(
    folder: Path,
    frames: Path,
    sentences: Mapping[str, Iterable[Sentence]],
    contract: FrameContract,
    passed: PassedOver,
    left_out: frozenset[str] = frozenset(),
) -> None:
    """Write a data folder of video alone.

    Args:
        folder: to write.
        frames: the corpus' pictures.
        sentences: annotated clips of each split.
        contract: of the pictures.
        passed: takes the clips without pictures.
        left_out: clip names that are known to be broken.

    Raises:
        UserError: see `PassedOver.require_some`.
    """
    samples: dict[str, list[Sample]] = {}
    for split, listed in sentences.items():
        samples[split] = []
        for sentence in listed:
            name = clip_name(sentence.id)
            if name in left_out:
                continue
            place, count = None, 0
            with passed.reading(split, sentence.id):
                place = clip_folder(frames, split, name).absolute()
                count = len(picture_files(place))
            if not count:
                continue
            sample = Sample(
                sentence.id,
                sentence.glosses,
                frames=count,
                signer=sentence.signer,
                fps=contract.fps,
                text=sentence.text,
                split=split,
                video=str(place),
            )
            samples[split].append(sample)
    passed.require_some()
    _write(folder, samples, contract)


def split_tables(source: Path, annotations: str, dataset: Dataset) -> dict[str, list[Sentence]]:
    """Sentences of every split from PHOENIX's `<split>.corpus.csv`.

    Args:
        source: the corpus' folder, where to look unless `annotations` says otherwise.
        annotations: a folder, or "".
        dataset: for the message when nothing is there.

    Raises:
        UserError: no table is there, or two of the same split.
    """
    folder = Path(annotations) if annotations else source
    sentences = {}
    for split in SPLITS:
        # Not everywhere below: the pictures are a million files.
        name = f"*{split}.corpus.csv"
        tables = sorted(path for depth in ("", "*/", "*/*/") for path in folder.glob(depth + name))
        if len(tables) > 1:
            raise UserError(
                f"{folder}: {tables[0]} and {tables[1]} are both the split {split}; give the "
                "folder of one with --annotations"
            )
        if tables:
            sentences[split] = read_corpus(tables[0])
    if not sentences:
        raise dataset.missing(folder, [f"*{split}.corpus.csv" for split in SPLITS])
    return sentences


def _write(folder: Path, samples: Mapping[str, Iterable[Sample]], contract: FrameContract) -> None:
    contract.write(folder / FRAMES_FILE)
    for split, listed in samples.items():
        if listed:
            write_manifest(folder / f"{split}.jsonl", listed)
