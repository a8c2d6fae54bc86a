"""The frame contract: the format of a data folder's pictures and how the model reads them.

`frames.json` is one JSON object:

| key | value |
| --- | --- |
| `version` | 1, which may be left out |
| `size` | `[width, height]` of the pictures in the files; `null` if clips differ in size |
| `fps` | frames per second |
| `format` | `"rgb24"`: three channels of 8 bits, red first |
| `resize` | `[width, height]` to which every picture is resized; default: `size` |
| `crop` | `[height, width]` of the crop that the model reads; default: no crop |

The digest is computed with all keys present.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slr_keras.data.contract_base import Contract
from slr_keras.data.modality import VIDEO
from slr_keras.utils.errors import UserError

LARGEST = 2**14


@dataclass(frozen=True)
class FrameContract(Contract):
    """How pictures become the model's input; the module docstring explains every field.

    Raises:
        UserError: a field is not valid, or the crop is larger than the picture.

    >>> from slr_keras.data.video.contract import FrameContract
    >>> phoenix = FrameContract(size=(210, 260), resize=(256, 256), crop=(224, 224))
    >>> phoenix.shape
    (224, 224, 3)
    >>> FrameContract(size=(96, 64)).shape
    (64, 96, 3)
    """

    modality = VIDEO
    title = "frame contract"
    file = "frames.json"

    size: tuple[int, int] | None
    fps: float = 25.0
    format: str = "rgb24"
    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        numeric = isinstance(self.fps, int | float) and not isinstance(self.fps, bool)
        if not numeric or not 0 < self.fps < 1e6:
            raise UserError(f"fps is {self.fps!r}; it must be frames per second, above 0")
        if self.format != "rgb24":
            raise UserError(f"format is {self.format!r}; this program reads 'rgb24'")
        size = None if self.size is None else _pair("size", self.size)
        if size is None and self.resize is None:
            raise UserError("size is null; then resize must give the size of the model's pictures")
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
        """(height, width, 3) of a picture in the model's input."""
        return (*self.crop, 3)

    def require_compatible(
        self, other: Contract, this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract that gives the model pictures of another scale or crop.

        Size and frame rate of the files may differ.

        Raises:
            UserError: the contracts are not compatible; names both and the fields that differ.
        """
        self._require(other, ["format", "resize", "crop"], this, that)

    def _difference(self, name: str, other: Contract) -> str:
        return f"{name} ({getattr(self, name)} and {getattr(other, name)})"

    @classmethod
    def _required_keys(cls) -> list[str]:
        return ["size", "fps"]


def _pair(name: str, value: Any) -> tuple[int, int]:
    good = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    if not good or not all(type(side) is int and 0 < side <= LARGEST for side in value):
        raise UserError(f"{name} is {value!r}; it must be two whole numbers of pixels, above 0")
    return tuple(value)
