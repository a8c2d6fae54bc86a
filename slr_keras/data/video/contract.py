"""The frame contract: what the pictures of a data folder are and what the model sees of them.

`frames.json` is one JSON object:

| key | value |
| --- | --- |
| `version` | 1, which may be left out |
| `size` | `[width, height]` of the pictures in the files; `null` where clips differ in size |
| `fps` | frames a second |
| `format` | `"rgb24"`: three channels of 8 bits, red first |
| `resize` | `[width, height]` that every picture is resized to; `size` if left out |
| `crop` | `[height, width]` that the model sees of it; all of it if left out |

The digest is the SHA-256 of this object, all keys written out, as JSON with sorted keys and no
spaces.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from slr_keras.data.modality import Modality
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json
from slr_keras.utils.suggestions import nearest

VERSION = 1
LARGEST = 2**14


@dataclass(frozen=True)
class FrameContract:
    """How pictures become the model's input; the module's page explains every field.

    Raises:
        UserError: a field is not what it should be, or the crop is larger than the picture.

    >>> from slr_keras.data.video.contract import FrameContract
    >>> phoenix = FrameContract(size=(210, 260), resize=(256, 256), crop=(224, 224))
    >>> phoenix.shape
    (224, 224, 3)
    >>> FrameContract(size=(96, 64)).shape
    (64, 96, 3)
    """

    modality: ClassVar[Modality] = "video"

    size: tuple[int, int] | None
    fps: float = 25.0
    format: str = "rgb24"
    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        numeric = isinstance(self.fps, int | float) and not isinstance(self.fps, bool)
        if not numeric or not 0 < self.fps < 1e6:
            raise UserError(f"fps is {self.fps!r}; it must be frames a second, above 0")
        if self.format != "rgb24":
            raise UserError(f"format is {self.format!r}; this program reads 'rgb24'")
        size = None if self.size is None else _pair("size", self.size)
        if size is None and self.resize is None:
            raise UserError("size is null, so resize must say what pictures are resized to")
        resize = size if self.resize is None else _pair("resize", self.resize)
        crop = resize[::-1] if self.crop is None else _pair("crop", self.crop)
        if crop[0] > resize[1] or crop[1] > resize[0]:
            raise UserError(
                f"crop is {crop[0]} high and {crop[1]} wide, larger than the picture of "
                f"{resize[1]} by {resize[0]}; enlarge resize or reduce crop"
            )
        fields = {"fps": float(self.fps), "size": size, "resize": resize, "crop": crop}
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3) of a picture as the model sees it."""
        return (*self.crop, 3)

    @functools.cached_property
    def digest(self) -> str:
        """Short SHA-256 over the canonical JSON; changes with any field."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The contract as JSON values."""
        fields = dataclasses.asdict(self)
        return {"version": VERSION} | {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
        }

    @classmethod
    def from_json(cls, value: Any, where: str = "frames.json") -> "FrameContract":
        """The contract from JSON values.

        Raises:
            UserError: a key is missing, unknown or of another kind; `where` names the file.
        """
        if not isinstance(value, dict):
            raise UserError(f"{where}: a frame contract must be a JSON object")
        value = dict(value)
        version = value.pop("version", VERSION)
        if version != VERSION:
            raise UserError(
                f"{where}: version is {version!r}, this program reads version {VERSION}"
            )
        names = [field.name for field in dataclasses.fields(cls)]
        for key in value:
            if key not in names:
                raise UserError(f"{where}: unknown key {key!r}{nearest(key, names)}")
        for key in ("size", "fps"):
            if key not in value:
                raise UserError(f"{where}: the key {key!r} is missing")
        try:
            return cls(**value)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None

    @classmethod
    def read(cls, path: str | Path) -> "FrameContract":
        """Read `frames.json`.

        Raises:
            UserError: no such file, not JSON, or not a contract; names the file.
        """
        return cls.from_json(read_json(path), where=str(path))

    def write(self, path: str | Path) -> None:
        """Write `frames.json`, atomically."""
        write_json(path, self.to_json())

    def require_same(
        self, other: "FrameContract", this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract that differs in any field.

        Args:
            other: the contract to compare with.
            this, that: what the two belong to, for the message.

        Raises:
            UserError: names both, their digests, and the fields that differ.
        """
        self._require(other, [field.name for field in dataclasses.fields(self)], this, that)

    def require_compatible(
        self, other: "FrameContract", this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract under which a model would see pictures of another scale or extent.

        The files' own size and frame rate may differ, as with keypoints.

        Raises:
            UserError: names both and the fields that differ.
        """
        self._require(other, ["format", "resize", "crop"], this, that)

    def _require(self, other: "FrameContract", names: list[str], this: str, that: str) -> None:
        if not isinstance(other, FrameContract):
            raise UserError(f"{this} means video, but {that} keypoints; use data of one kind")
        different = [name for name in names if getattr(self, name) != getattr(other, name)]
        if different:
            values = ", ".join(
                f"{name} ({getattr(self, name)} and {getattr(other, name)})" for name in different
            )
            raise UserError(
                f"frame contracts differ in {values}: {this} has {self.digest}, {that} has "
                f"{other.digest}; use data prepared alike"
            )


def _pair(name: str, value: Any) -> tuple[int, int]:
    good = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    if not good or not all(type(side) is int and 0 < side <= LARGEST for side in value):
        raise UserError(f"{name} is {value!r}; it must be two whole numbers of pixels, above 0")
    return tuple(value)
