"""Manifests: one JSON object per line and clip, next to the keypoint or video files."""

import copy
import functools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.arrays import read_clip
from slr_keras.data.contract import KeypointContract
from slr_keras.data.fingerprints import OpenArrays, published_arrays
from slr_keras.data.lines import (
    CONTRACT_FILE,
    FRAMES_FILE,
    SPLITS,
    manifest_lines,
    parse_sample,
    write_manifest,
)
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.reading import frames_of
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError
from slr_keras.utils.published_folder import read_at_rest
from slr_keras.utils.unicode import composed

__all__ = [
    "CONTRACT_FILE",
    "FRAMES_FILE",
    "SPLITS",
    "FolderWriter",
    "Manifest",
    "read_folder",
    "read_manifest",
    "write_manifest",
]


class Manifest(Sequence[Sample]):
    """The clips of one split, in file order.

    Attributes:
        path: file of the manifest.
        folder: folder of the file; paths of keypoints and video are relative to it.
        lines: line number of each sample in the file.

    >>> import tempfile, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.manifest import FolderWriter, read_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with FolderWriter(folder, contract("kinect_20")) as writer:
    ...         writer.add("train", id="a", glosses=["RAIN"], keypoints=np.ones((9, 20, 4)))
    ...     train = read_folder(folder)["train"]
    ...     train[0].glosses, train.lengths.tolist(), train.load(0).shape
    (('RAIN',), [9], (9, 20, 4))
    """

    def __init__(
        self,
        path: str | Path,
        samples: Iterable[Sample],
        contract: KeypointContract | None = None,
        lines: Sequence[int] | None = None,
        frame_contract: FrameContract | None = None,
        open_files: OpenArrays | None = None,
    ):
        self.path = Path(path)
        self.folder = self.path.parent
        self._samples = tuple(samples)
        self._contract = contract
        self._frame_contract = frame_contract
        self.lines = tuple(lines) if lines is not None else tuple(range(1, len(self) + 1))
        self._open_files = OpenArrays() if open_files is None else open_files

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.subset(range(*index.indices(len(self))))
        return self._samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)

    def __repr__(self) -> str:
        return f"Manifest({str(self.path)!r}, {len(self)} samples)"

    def subset(self, indices: Iterable[int]) -> "Manifest":
        """A manifest of some of the samples, in the order given."""
        indices = list(indices)
        return Manifest(
            self.path,
            [self._samples[i] for i in indices],
            self._contract,
            [self.lines[i] for i in indices],
            self._frame_contract,
            self._open_files,
        )

    def relabelled(self, samples: Iterable[Sample]) -> "Manifest":
        """A copy with other labels of the same clips."""
        other = copy.copy(self)
        other._samples = tuple(samples)
        other.__dict__.pop("_rows", None)
        return other

    def find(self, wanted: str) -> int:
        """The row of a sample, given its id or, if no sample has this id, its number.

        Raises UserError if there is no such id or number; gives an example.
        """
        if (wanted := composed(wanted)) in self._rows:
            return self._rows[wanted][0]
        if wanted.isascii() and wanted.isdecimal() and int(wanted) < len(self):
            return int(wanted)
        example = f", for example {self._samples[0].id!r}" if len(self) else ""
        raise UserError(
            f"{self.path}: no sample {wanted!r}; give an id{example}, or a number from 0 to "
            f"{len(self) - 1}"
        )

    @property
    def contract(self) -> KeypointContract:
        """The folder's keypoint contract, read on first access.

        Raises:
            UserError: the folder has no `keypoints.json`, or the file is not a contract.
        """
        if self._contract is None:
            self._contract = KeypointContract.read(self.folder / CONTRACT_FILE)
        return self._contract

    @property
    def frame_contract(self) -> FrameContract:
        """The folder's frame contract, read on first access.

        Raises:
            UserError: the folder has no `frames.json`, or the file is not a contract.
        """
        if self._frame_contract is None:
            self._frame_contract = FrameContract.read(self.folder / FRAMES_FILE)
        return self._frame_contract

    @property
    def lengths(self) -> np.ndarray:
        """Number of frames of every clip in its file, (samples,) int64; no clip is read."""
        return np.array([sample.frames for sample in self._samples], np.int64)

    def rate(self, index_or_sample: int | Sample) -> float:
        """Frames per second of a clip's file, from the sample or, by default, the contract.

        Raises:
            UserError: the sample states no rate, and the folder has no contract.
        """
        sample = self._sample(index_or_sample)
        if sample.fps is not None:
            return sample.fps
        keypoints = self._contract is not None or (self.folder / CONTRACT_FILE).exists()
        filmed = self._frame_contract is not None or (self.folder / FRAMES_FILE).exists()
        return (self.frame_contract if filmed and not keypoints else self.contract).fps

    def where(self, index_or_sample: int | Sample) -> str:
        """File, line and id of a sample, for messages; takes constant time.

        Args:
            index_or_sample: a row of the manifest, or a sample; a sample outside the manifest has
                no line.
        """
        if isinstance(index_or_sample, Sample):
            sample = index_or_sample
            same_id = self._rows.get(sample.id, ())
            row = next((row for row in same_id if self._samples[row] == sample), None)
        else:
            row = index_or_sample
            sample = self._samples[row]
        line = "" if row is None else f":{self.lines[row]}"
        return f"{self.path}{line}: sample {sample.id!r}"

    def load(self, index_or_sample: int | Sample) -> np.ndarray:
        """The raw keypoints of a clip.

        Args:
            index_or_sample: a row of the manifest, or one of its samples.

        Returns:
            (frames, source points, source channels) float32, as the contract describes; read-only
            if the array is a slice of a memory-mapped file.

        Raises:
            UserError: the file is missing or damaged, or its shape differs from the contract or the
                manifest; names manifest, line, sample and file.
        """
        sample = self._sample(index_or_sample)
        try:
            return read_clip(sample, self.folder, self.contract.source, self._open_files)
        except UserError as error:
            raise UserError(f"{self.where(sample)}: {error}") from error.__cause__

    def load_video(self, index_or_sample: int | Sample) -> np.ndarray:
        """All pictures of a clip: `(frames, height, width, 3)` uint8, RGB; see `video_frames`."""
        return np.stack(list(self.video_frames(index_or_sample)))

    def video_frames(
        self, index_or_sample: int | Sample, wanted: Sequence[int] | None = None
    ) -> Iterator[np.ndarray]:
        """Yield the pictures of a clip one after another; a long clip need not fit into memory.

        Args:
            index_or_sample: a row of the manifest, or one of its samples.
            wanted: numbers of the frames, ascending; None: all frames.

        Yields:
            `(height, width, 3)` uint8, RGB.

        Raises:
            UserError: a file is missing or damaged, or size or number of the pictures differ from
                the contract or the manifest; names manifest, line, sample and file.
        """
        sample = self._sample(index_or_sample)
        try:
            size = self.frame_contract.size
            yield from frames_of(sample, self.folder, size, self._open_files, wanted)
        except UserError as error:
            raise UserError(f"{self.where(sample)}: {error}") from error.__cause__

    def _sample(self, index_or_sample: int | Sample) -> Sample:
        if isinstance(index_or_sample, Sample):
            return index_or_sample
        return self._samples[index_or_sample]

    @functools.cached_property
    def _rows(self) -> dict[str, list[int]]:
        """Rows by id; a manifest that was read from a file has one row per id."""
        rows: dict[str, list[int]] = {}
        for row, sample in enumerate(self._samples):
            rows.setdefault(sample.id, []).append(row)
        return rows

    def __getstate__(self) -> dict[str, Any]:
        # Another process maps the files itself, and builds the table of rows on demand.
        return {name: value for name, value in self.__dict__.items() if name != "_rows"}


def read_manifest(path: str | Path) -> Manifest:
    """Read a manifest (`.jsonl`).

    Paths are relative to the manifest and must stay inside its folder; other files need absolute
    paths. Blank lines are skipped. The name of the file is the name of the split.

    Raises:
        UserError: a line is not a sample, or its id is already used; names file and line.
    """
    samples: list[Sample] = []
    first: dict[str, int] = {}
    head = ""
    for number, line in manifest_lines(path):
        sample = parse_sample(line, f"{path}:{number}", Path(path).stem)
        if sample.id in first:
            raise UserError(
                f"{path}:{number}: sample {sample.id!r} is already on line {first[sample.id]}; "
                "ids must be unique"
            )
        first[sample.id] = number
        head = head or line
        samples.append(sample)
    arrays = published_arrays(path, head)
    return Manifest(path, samples, lines=list(first.values()), open_files=arrays)


def read_folder(folder: str | Path) -> dict[str, Manifest]:
    """Read the splits of a data folder, in the order train, dev, test.

    Raises:
        UserError: the folder does not exist, has no split or neither `keypoints.json` nor
            `frames.json`, a line is not a sample, or an array is not the manifest's.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such data folder")
    return read_at_rest(folder, _read_folder)


def _read_folder(folder: Path) -> dict[str, Manifest]:
    present = [split for split in SPLITS if (folder / f"{split}.jsonl").is_file()]
    if not present:
        raise UserError(f"{folder}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
    frames = None
    if (folder / FRAMES_FILE).exists():
        frames = FrameContract.read(folder / FRAMES_FILE)
    keypoints = None
    if frames is None or (folder / CONTRACT_FILE).exists():
        keypoints = KeypointContract.read(folder / CONTRACT_FILE)
    manifests = {split: read_manifest(folder / f"{split}.jsonl") for split in present}
    for manifest in manifests.values():
        manifest._contract, manifest._frame_contract = keypoints, frames
    return manifests
