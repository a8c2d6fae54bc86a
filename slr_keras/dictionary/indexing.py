"""Bring the index of a dictionary up to date: only new and changed files are encoded."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.preparation import KeypointPreparation
from slr_keras.dictionary.encoding import (
    Encoder,
    hand_rows,
    naming_vectors,
    require_hand,
)
from slr_keras.dictionary.index import (
    MOMENTS,
    Index,
    IndexedFile,
    Making,
    read_index,
    write_index,
)
from slr_keras.recognition.clip import Clip
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.files import sha256
from slr_keras.utils.progress import clip_bar

# Seconds of work that a killed process loses at most, apart from the clip at hand.
_SAVED_EVERY = 60.0
# Part of the time with hands at each end in which a sign has not begun, or is over.
_EDGE = 0.12
_LARGEST_HALF = 60_000.0

_Row = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Indexed:
    """An index that is up to date.

    Attributes:
        index: of the files that can be read.
        path: of the index.
        encoded: number of files that were encoded now.
        notice: why all files were encoded again; "" if there was no reason.
    """

    index: Index
    path: Path
    encoded: int
    notice: str = ""


def read_prepared(
    clip: Clip, encoder: Encoder, overrides: Overrides
) -> tuple[np.ndarray, list[str]]:
    """The prepared points of a clip `(time, points, 3)`, and notices about the clip.

    Raises:
        UserError: the clip cannot be read, or shows no hand.
    """
    modality = KeypointInput(encoder.contract, overrides)
    footage = modality.footage(clip, KeypointPreparation(encoder.contract, multiple=1))
    prepared = np.stack(list(footage.frames))
    require_hand(prepared, encoder.contract, clip.source)
    return prepared, list(footage.notices)


def moments(clip: np.ndarray, contract: KeypointContract, number: int = MOMENTS) -> np.ndarray:
    """Evenly spaced frames of the part of a clip in which a hand is seen.

    Args:
        clip: `(time, points, 3)`, prepared.
        contract: names the points of the hands.
        number: of frames; a short clip gives frames twice.

    Returns:
        `(number, points, 3)` float16.
    """
    hands = hand_rows(contract)
    seen = np.flatnonzero((clip[:, hands, -1] > 0).any(axis=1)) if hands else np.arange(len(clip))
    first, last = (seen[0], seen[-1]) if len(seen) else (0, len(clip) - 1)
    edge = _EDGE * (last - first)
    frames = np.linspace(first + edge, last - edge, number).round().astype(int)
    return np.clip(clip[frames], -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)


def updated(
    files: Mapping[str, Path],
    encoder: Encoder,
    path: Path,
    overrides: Overrides,
    failures: Failures,
    progress: bool = False,
) -> Indexed:
    """Read the index of these files, encode what is new or has changed, and write the index.

    Args:
        files: files of the dictionary, by their paths inside it.
        encoder: encodes them; the index of another encoder is made again.
        path: of the index.
        overrides: properties of the files that the user states.
        failures: collects the files that cannot be read.
        progress: show a bar.

    Raises:
        UserError: the index is damaged or foreign, or cannot be written.
    """
    stated = overrides.layout.name if overrides.layout else ""
    making = Making(encoder.digest, encoder.contract.digest, stated)
    old = read_index(path)
    notice = "" if old is None else _difference(old, making, encoder)
    work = _Work(making, encoder, path, overrides, failures, _Known.of(None if notice else old))
    waiting = [name for name in files if not work.reuse(name, files[name])]
    if waiting:
        # Before minutes are spent: an index that cannot be written is reported now.
        write_index(path, work.index())
        with clip_bar(len(waiting), "indexing", hidden=not progress) as advance:
            work.encode({name: files[name] for name in waiting}, advance)
    index = work.index()
    if waiting or old is None or index.files != old.files:
        write_index(path, index)
    return Indexed(index, path, work.encoded, notice and f"{path}: {notice}")


def _difference(old: Index, making: Making, encoder: Encoder) -> str:
    """Why an index is of no use; "" if it is."""
    shape = (len(encoder.contract.points), encoder.naming_components)
    reasons = {
        "another encoder": old.making.encoder != making.encoder,
        "another keypoint contract": old.making.contract != making.contract,
        "another layout": old.making.layout != making.layout,
        "vectors of another size": (old.postures.shape[2], old.vectors.shape[1]) != shape,
    }
    reason = next((name for name, differs in reasons.items() if differs), "")
    return reason and f"was made with {reason}; all files are encoded again"


@dataclass(frozen=True, eq=False)
class _Known:
    """Rows of an index by file, and by the digest and suffix of moved files."""

    by_file: Mapping[str, tuple[IndexedFile, _Row]]
    by_content: Mapping[tuple[str, str], _Row]

    @classmethod
    def of(cls, index: Index | None) -> "_Known":
        if index is None:
            return cls({}, {})
        rows = [*zip(index.files, zip(index.vectors, index.postures))]
        return cls(
            {file.file: (file, row) for file, row in rows},
            {_content(file.digest, file.file): row for file, row in rows},
        )


@contextlib.contextmanager
def _own_option() -> Iterator[None]:
    """Name the option of the dictionary's files in messages that name that of clips."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace("--layout", "--dictionary-layout")) from error


def _content(digest: str, file: str) -> tuple[str, str]:
    # The suffix says how the bytes are read.
    return digest, PurePosixPath(file).suffix


@dataclass(eq=False)
class _Work:
    """An index in the making."""

    making: Making
    encoder: Encoder
    path: Path
    overrides: Overrides
    failures: Failures
    known: _Known
    encoded: int = 0
    rows: dict[str, tuple[IndexedFile, _Row]] = field(default_factory=dict)

    def index(self) -> Index:
        """The index of the files so far, in the order of their names."""
        names = sorted(self.rows)
        contract = self.encoder.contract
        return Index.of(
            self.making,
            [self.rows[name][0] for name in names],
            [self.rows[name][1] for name in names],
            self.encoder.naming_components,
            len(contract.points),
        )

    def reuse(self, name: str, file: Path) -> bool:
        """Take over the row of a file that was not written since; whether there is one."""
        before = self.known.by_file.get(name)
        try:
            status = file.stat()
        except OSError:
            # Reading the file reports what is wrong.
            return False
        if before is None or before[0].size != status.st_size:
            return False
        if before[0].modified != status.st_mtime_ns:
            return False
        self.rows[name] = before
        return True

    def encode(self, files: Mapping[str, Path], advance: Callable[[int], object]) -> None:
        """Encode files; what is done is kept, also where the user interrupts the work."""
        saved = time.monotonic()
        try:
            for name, file in files.items():
                with self.failures.passing_over(name), _own_option():
                    self._encode(name, file)
                advance(1)
                if time.monotonic() - saved > _SAVED_EVERY:
                    write_index(self.path, self.index())
                    saved = time.monotonic()
        except KeyboardInterrupt:
            write_index(self.path, self.index())
            raise

    def _encode(self, name: str, file: Path) -> None:
        status = file.stat()
        (clip,) = find_clips([file], self.encoder.contract, overrides=self.overrides)
        indexed = IndexedFile(name, status.st_size, status.st_mtime_ns, sha256(file))
        # A copied, moved or checked-out file has the content of before.
        row = self.known.by_content.get(_content(indexed.digest, name))
        if row is None:
            prepared, _ = read_prepared(clip, self.encoder, self.overrides)
            (vector,) = naming_vectors(self.encoder, [prepared])
            row = vector, moments(prepared, self.encoder.contract)
            self.encoded += 1
        self.rows[name] = indexed, row
