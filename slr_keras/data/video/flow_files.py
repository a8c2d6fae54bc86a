"""Files of the optical flow in a data folder: one file per clip.

`flow/flow.json` records the settings. `flow/<split>/<clip>.zip` has a grey picture `00000.png` (or
`.jpg`) for every field, numbered from 0, with x above y, and `record.json` with the settings, the
number of frames, and the size and SHA-256 of the pictures' files. Files are written atomically.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.video.flow import BOUND, METHODS
from slr_keras.data.video.opening import reading_mark
from slr_keras.data.video.pixels import library
from slr_keras.data.video.reading import picture_files, video_array
from slr_keras.data.video.scans import require_few_scans
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import (
    atomic_path,
    file_name,
    guarded,
    read_json,
    sha256,
    write_json,
)
from slr_keras.utils.limits import require_file
from slr_keras.utils.schema import checked, number, one_of, record, sequence, whole
from slr_keras.utils.unicode import spelled

FLOW = "flow"
RECORD = "record.json"
VERSION = 1
SUFFIXES = {"png": ".png", "jpeg": ".jpg"}
# Size of a field's picture or of the record, far above that of any field.
_MOST_BYTES = 2**26
_SCHEMA = record(
    {
        "method": one_of(*METHODS),
        "size": sequence(whole(1, 2**14), 2, 2),
        "bound": number(0, 1e6),
        "format": one_of(*SUFFIXES),
    }
)
_RUN = "run `slr flow {}`"


@dataclass(frozen=True)
class Recipe:
    """Settings of the flow in a data folder.

    Attributes:
        method: a name in `METHODS`.
        size: (width, height) of the pictures, after resizing.
        bound: displacement in pixels of the largest value.
        format: "png" (lossless) or "jpeg" (lossy).

    Raises:
        UserError: the method or format is unknown, or the bound is not positive.
    """

    method: str
    size: tuple[int, int]
    bound: float = BOUND
    format: str = "png"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError(f"flow method {self.method!r}: choose one of {', '.join(METHODS)}")
        if not 0 < self.bound < 1e6:
            raise UserError(f"the bound of the flow is {self.bound}; it must be above 0 pixels")
        if self.format not in SUFFIXES:
            raise UserError(f"flow format {self.format!r}: choose one of {', '.join(SUFFIXES)}")
        object.__setattr__(self, "size", tuple(self.size))

    def to_json(self) -> dict[str, Any]:
        """Convert the recipe to JSON values, with all settings of the method."""
        return {
            "version": VERSION,
            **dataclasses.asdict(self),
            "size": list(self.size),
            "settings": dict(METHODS[self.method].settings),
        }

    def write(self, folder: Path) -> None:
        """Write the recipe into a data folder."""
        write_json(folder / FLOW / "flow.json", self.to_json())

    @classmethod
    def read(cls, folder: Path) -> "Recipe":
        """Read the recipe of a data folder.

        Raises:
            UserError: the folder has no flow, or flow of another version of this program.
        """
        path = folder / FLOW / "flow.json"
        if not path.is_file():
            raise UserError(f"{folder}: has no optical flow; {_RUN.format(folder)}")
        value = checked(read_json(path), _SCHEMA, path, _RUN.format(folder))
        recipe = cls(*(value[key] for key in ("method", "size", "bound", "format")))
        if recipe.to_json() != value:
            raise UserError(f"{path}: was made by another version; {_RUN.format(folder)}")
        return recipe


def flow_file(folder: Path, sample: Sample) -> Path:
    """File of the flow of a clip.

    >>> from pathlib import Path
    >>> from slr_keras.data.sample import Sample
    >>> from slr_keras.data.video.flow_files import flow_file
    >>> flow_file(Path("data"), Sample("book/1", ("BOOK",), 9, split="dev")).as_posix()
    'data/flow/dev/book%2F1.zip'
    """
    return folder / FLOW / sample.split / f"{file_name(sample.id)}.zip"


def source_digest(sample: Sample, folder: Path, known: dict[Path, str]) -> str:
    """SHA-256 of the files of a clip's pictures; independent of their paths and times.

    Args:
        sample: the clip.
        folder: folder of the manifest.
        known: cache of the digests of files that hold many clips; updated.

    Raises:
        UserError: a file is missing or cannot be read.
    """
    path = spelled(folder / sample.video)
    place = f"{sample.video_start or 0} {sample.frames}"
    if path.suffix == ".npy":
        clip = np.ascontiguousarray(video_array(path, sample, {}))
        return hashlib.sha256(f"{clip.shape} {clip.dtype}".encode() + clip.tobytes()).hexdigest()
    try:
        if path.is_dir():
            files = {file.name: sha256(file) for file in picture_files(path)}
            return hashlib.sha256(json.dumps([files, place]).encode()).hexdigest()
        if path not in known:
            require_file(path)
            known[path] = sha256(path) + reading_mark(path)
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be read ({error.strerror})") from error
    return hashlib.sha256(f"{known[path]} {place}".encode()).hexdigest()


def source_bytes(sample: Sample, folder: Path) -> int | None:
    """Size in bytes of the files of a clip's pictures, a fast check for most changes.

    Returns:
        None for an array, which may hold other clips, and for missing files: training needs the
        flow only.
    """
    path = spelled(folder / sample.video)
    if not sample.video or path.suffix == ".npy" or not path.exists():
        return None
    files = picture_files(path) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def record_of(recipe: Recipe, frames: int, source: str, size: int | None = None) -> dict[str, Any]:
    """The record in a clip's flow file; the flow is estimated again if the record differs."""
    return {**recipe.to_json(), "frames": frames, "source": source, "bytes": size}


def is_made(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether a clip's flow file exists, is readable, and has this record."""
    try:
        return FlowFile(path).record == record
    except UserError:
        return False


def write_flow(path: Path, fields: Iterable[np.ndarray], record: Mapping[str, Any]) -> None:
    """Write a clip's flow, atomically.

    Args:
        path: result of `flow_file`.
        fields: `(height, width, 2)` uint8 each.
        record: result of `record_of`.
    """
    cv2 = library("cv2", "optical flow")
    suffix = SUFFIXES[record["format"]]
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for number, field in enumerate(fields):
            picture = np.concatenate([field[..., 0], field[..., 1]])
            # Without the time of day: the same flow gives the same file.
            entry = zipfile.ZipInfo(f"{number:05d}{suffix}")
            file.writestr(entry, cv2.imencode(suffix, picture)[1].tobytes())
        file.writestr(zipfile.ZipInfo(RECORD), json.dumps(record))


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
            require_file(path)
            with zipfile.ZipFile(path) as file:
                self.record = json.loads(_read(file, RECORD))
            if not isinstance(self.record, dict):
                raise ValueError("its record is not a JSON object")

    def require(self, recipe: Recipe, frames: int, size: int | None = None) -> None:
        """Refuse flow that was made with other settings or, as far as known, other pictures.

        Args:
            recipe: recipe of the folder.
            frames: number of frames of the clip.
            size: `source_bytes` of the clip; None if unknown.

        Raises:
            UserError: the record differs; names the differences.
        """
        recipe = {**recipe.to_json(), "frames": frames}
        if size is not None:
            recipe["bytes"] = size
        different = [key for key, value in recipe.items() if self.record.get(key) != value]
        if different:
            differences = ", ".join(
                f"{key} {self.record.get(key)} and not {recipe[key]}" for key in different
            )
            raise UserError(
                f"{self.path}: was made with {differences}; {_RUN.format(self.path.parents[2])}"
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
                data = _read(file, f"{number:05d}{SUFFIXES[self.record['format']]}")
                _require_size(data, (width, 2 * height))
                picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
                if picture is None or picture.shape != (2 * height, width):
                    raise ValueError(f"field {number} is not a picture of the flow's size")
                fields[number] = np.stack([picture[:height], picture[height:]], axis=-1)
        return fields

    def _guarded(self) -> contextlib.AbstractContextManager[None]:
        again = _RUN.format(self.path.parents[2])
        return guarded(self.path, "damaged", f"delete it and {again} again")


def _read(file: zipfile.ZipFile, name: str) -> bytes:
    if (size := file.getinfo(name).file_size) > _MOST_BYTES:
        raise ValueError(f"{name} would be {size:,} bytes")
    return file.read(name)


def _require_size(data: bytes, size: tuple[int, int]) -> None:
    """Refuse a picture of another size, or of many scans, before it is decoded."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        if image.size != size:
            raise ValueError(f"a field is {image.size[0]} x {image.size[1]} pixels")
        if image.format != "PNG":
            require_few_scans(data, "a field")
