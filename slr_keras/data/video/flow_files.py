"""The flow of a data folder's clips, kept beside them: one file a clip, made once.

`flow/flow.json` says how it was made. `flow/<split>/<clip>.zip` has a picture `00000.png` (or
`.jpg`) for every field, numbered from 0: x above y, grey; and `record.json`: how it was made, of
how many frames, and the size and SHA-256 of the pictures' files. Such a file is whole or absent.
"""

import contextlib
import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.video.flow import BOUND, METHODS
from slr_keras.data.video.pixels import library
from slr_keras.data.video.reading import picture_files, video_array
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import (
    atomic_path,
    file_name,
    guarded,
    read_json,
    sha256,
    write_json,
)

FLOW = "flow"
RECORD = "record.json"
VERSION = 1
SUFFIXES = {"png": ".png", "jpeg": ".jpg"}
_RUN = "run `python -m slr_keras.flow {}`"


@dataclass(frozen=True)
class Recipe:
    """How a folder's flow is made.

    Attributes:
        method: a name in `METHODS`.
        size: (width, height) of the pictures, after resizing.
        bound: pixels that the largest value stands for.
        format: "png" keeps the numbers, "jpeg" changes them a little.

    Raises:
        UserError: an unknown method, or a bound that is not positive.
    """

    method: str
    size: tuple[int, int]
    bound: float = BOUND
    format: str = "png"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError(f"flow method {self.method!r}: choose one of {', '.join(METHODS)}")
        if not 0 < self.bound < 1e6:
            raise UserError(f"the bound of the flow is {self.bound}; it must be pixels above 0")
        if self.format not in SUFFIXES:
            raise UserError(f"flow format {self.format!r}: choose one of {', '.join(SUFFIXES)}")
        object.__setattr__(self, "size", tuple(self.size))

    def to_json(self) -> dict[str, Any]:
        """The recipe with all that its method is set to."""
        return {
            "version": VERSION,
            **dataclasses.asdict(self),
            "size": list(self.size),
            "settings": dict(METHODS[self.method].settings),
        }

    def write(self, folder: Path) -> None:
        """Say in a data folder how its flow is made."""
        write_json(folder / FLOW / "flow.json", self.to_json())

    @classmethod
    def read(cls, folder: Path) -> "Recipe":
        """The recipe of a data folder.

        Raises:
            UserError: it has no flow, or flow of another version of this program.
        """
        path = folder / FLOW / "flow.json"
        if not path.is_file():
            raise UserError(f"{folder}: has no optical flow; {_RUN.format(folder)}")
        value = read_json(path)
        try:
            recipe = cls(*(value[key] for key in ("method", "size", "bound", "format")))
        except (KeyError, TypeError) as error:
            raise UserError(f"{path}: is no record of optical flow ({error})") from None
        if recipe.to_json() != value:
            raise UserError(f"{path}: was made by another version; {_RUN.format(folder)}")
        return recipe


def flow_file(folder: Path, sample: Sample) -> Path:
    """Where the flow of a clip lies.

    >>> from pathlib import Path
    >>> from slr_keras.data.sample import Sample
    >>> from slr_keras.data.video.flow_files import flow_file
    >>> flow_file(Path("data"), Sample("book/1", ("BOOK",), 9, split="dev")).as_posix()
    'data/flow/dev/book%2F1.zip'
    """
    return folder / FLOW / sample.split / f"{file_name(sample.id)}.zip"


def source_digest(sample: Sample, folder: Path, known: dict[Path, str]) -> str:
    """SHA-256 of what a clip's pictures are read from: the bytes, not where or when they lie.

    Args:
        sample: the clip.
        folder: the manifest's folder.
        known: digests of files that hold many clips; changed.

    Raises:
        UserError: a file is missing or cannot be read.
    """
    path = folder / sample.video
    place = f"{sample.video_start or 0} {sample.frames}"
    if path.suffix == ".npy":
        clip = np.ascontiguousarray(video_array(path, sample, {}))
        return hashlib.sha256(f"{clip.shape} {clip.dtype}".encode() + clip.tobytes()).hexdigest()
    try:
        if path.is_dir():
            files = {file.name: sha256(file) for file in picture_files(path)}
            return hashlib.sha256(json.dumps([files, place]).encode()).hexdigest()
        if path not in known:
            known[path] = sha256(path)
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be read ({error.strerror})") from error
    return hashlib.sha256(f"{known[path]} {place}".encode()).hexdigest()


def source_bytes(sample: Sample, folder: Path) -> int | None:
    """Size of what a clip's pictures are read from, which shows most changes at no cost.

    Returns:
        None of an array, which may hold other clips too, and of what is not there: the flow alone
        is enough to learn from it.
    """
    path = folder / sample.video
    if not sample.video or path.suffix == ".npy" or not path.exists():
        return None
    files = picture_files(path) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def record_of(recipe: Recipe, frames: int, source: str, size: int | None = None) -> dict[str, Any]:
    """What a clip's file says of itself: its flow is made anew where this differs."""
    return {**recipe.to_json(), "frames": frames, "source": source, "bytes": size}


def is_made(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether a clip's file is there, whole, and made as `record` says."""
    try:
        return FlowFile(path).record == record
    except UserError:
        return False


def write_flow(path: Path, fields: Iterable[np.ndarray], record: Mapping[str, Any]) -> None:
    """Write a clip's flow, atomically.

    Args:
        path: `flow_file`.
        fields: `(height, width, 2)` uint8 each.
        record: `record_of`.
    """
    cv2 = library("cv2", "optical flow")
    suffix = SUFFIXES[record["format"]]
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for number, field in enumerate(fields):
            picture = np.concatenate([field[..., 0], field[..., 1]])
            file.writestr(f"{number:05d}{suffix}", cv2.imencode(suffix, picture)[1].tobytes())
        file.writestr(RECORD, json.dumps(record))


class FlowFile:
    """The flow of one clip, read from its file.

    Attributes:
        path: the file.
        record: how it was made, `record_of`.

    Raises:
        UserError: the file is missing or damaged.
    """

    def __init__(self, path: Path):
        self.path = path
        if not path.exists():
            raise UserError(f"{path}: this clip has no flow; {_RUN.format(path.parents[2])}")
        with self._guarded():
            with zipfile.ZipFile(path) as file:
                self.record = json.loads(file.read(RECORD))
            if not isinstance(self.record, dict):
                raise ValueError("its record is no JSON object")

    def require(self, recipe: Recipe, frames: int, size: int | None = None) -> None:
        """Refuse flow that was made otherwise, or of other pictures, as far as that shows.

        Args:
            recipe: of the folder.
            frames: of the clip.
            size: `source_bytes` of the clip, if it is known.

        Raises:
            UserError: says what is different.
        """
        recipe = {**recipe.to_json(), "frames": frames}
        if size is not None:
            recipe["bytes"] = size
        different = [key for key, value in recipe.items() if self.record.get(key) != value]
        if different:
            found = ", ".join(f"{k} {self.record.get(k)} and not {recipe[k]}" for k in different)
            raise UserError(
                f"{self.path}: was made with {found}; {_RUN.format(self.path.parents[2])}"
            )

    def fields(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        """Fields by number, from 0: `(height, width, 2)` uint8.

        Raises:
            UserError: the file is damaged.
        """
        cv2 = library("cv2", "optical flow")
        fields = {}
        with self._guarded(), zipfile.ZipFile(self.path) as file:
            width, height = self.record["size"]
            for number in numbers:
                data = file.read(f"{number:05d}{SUFFIXES[self.record['format']]}")
                picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
                if picture is None or picture.shape != (2 * height, width):
                    raise ValueError(f"field {number} is no picture of the flow's size")
                fields[number] = np.stack([picture[:height], picture[height:]], axis=-1)
        return fields

    def _guarded(self) -> contextlib.AbstractContextManager[None]:
        again = _RUN.format(self.path.parents[2])
        return guarded(self.path, "damaged", f"delete it and {again} again")
