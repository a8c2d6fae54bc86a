"""Base of keypoint and frame contracts: JSON, digest, and the comparison of two contracts.

The digest is the first 16 hexadecimal digits of the SHA-256 of the contract's JSON object with
sorted keys and without spaces.
"""

import dataclasses
import functools
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from slr_keras.data.modality import Modality
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json
from slr_keras.utils.suggestions import nearest

VERSION = 1


class Contract(ABC):
    """Base class of contracts: frozen dataclasses whose fields are the keys of the JSON object.

    Attributes:
        modality: "keypoints" or "video".
        title: name of this kind of contract, for messages.
        file: name of the contract's file in a data folder.
        fps: frames per second of the model's input.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.video.contract import FrameContract
    >>> contract("stark_79").modality, FrameContract(size=(96, 64)).modality
    ('keypoints', 'video')
    """

    modality: ClassVar[Modality]
    title: ClassVar[str]
    file: ClassVar[str]
    fps: float

    @functools.cached_property
    def digest(self) -> str:
        """Short SHA-256 of the canonical JSON; depends on every field."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Convert the contract to JSON values."""
        return {"version": VERSION} | {name: _plain(getattr(self, name)) for name in self._names()}

    @classmethod
    def from_json(cls, value: Any, where: str = "") -> Self:
        """Create a contract from JSON values.

        Args:
            value: the JSON object.
            where: name of the file, for messages.

        Raises:
            UserError: a key is missing or unknown, or a value has the wrong type.
        """
        where = where or cls.file
        if not isinstance(value, dict):
            raise UserError(f"{where}: a {cls.title} must be a JSON object")
        value = dict(value)
        names, required = cls._names(), cls._required_keys()
        version = value.pop("version", None if "version" in required else VERSION)
        if version != VERSION:
            raise UserError(
                f"{where}: version is {version!r}, but this program reads version {VERSION}"
            )
        for key in sorted(set(value) - set(names)):
            raise UserError(f"{where}: unknown key {key!r}{nearest(key, names)}")
        for key in sorted(set(required) - {"version"} - set(value)):
            raise UserError(f"{where}: the key {key!r} is missing")
        fields = cls._parsed_fields(value, where)
        try:
            return cls(**fields)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a contract from its file.

        Raises:
            UserError: the file does not exist, is not JSON or not a contract; names the file.
        """
        return cls.from_json(read_json(path), where=str(path))

    def write(self, path: str | Path) -> None:
        """Write the contract to a file, atomically."""
        write_json(path, self.to_json())

    def require_same(
        self, other: "Contract", this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract that differs in any field.

        Args:
            other: the contract to compare with.
            this, that: owners of the two contracts, for the message.

        Raises:
            UserError: a field differs; names both contracts, their digests and the fields.
        """
        self._require(other, self._names(), this, that)

    @abstractmethod
    def require_compatible(
        self, other: "Contract", this: str = "this contract", that: str = "the other"
    ) -> None:
        """Refuse a contract that gives the model a different input.

        Files and frame rates may differ, because each contract converts its own files to the same
        input.

        Raises:
            UserError: the contracts are not compatible; names both and the fields that differ.
        """

    def _require(self, other: "Contract", names: Iterable[str], this: str, that: str) -> None:
        if other.modality != self.modality:
            raise UserError(
                f"{this} is of {self.modality}, but {that} is of {other.modality}; use data of "
                "one modality"
            )
        different = [name for name in names if getattr(self, name) != getattr(other, name)]
        if different:
            differences = ", ".join(self._difference(name, other) for name in different)
            raise UserError(
                f"{self.title}s differ in {differences}: {this} has {self._identity()}, "
                f"{that} has {other._identity()}; use data prepared in the same way"
            )

    def _difference(self, name: str, other: "Contract") -> str:
        """Description of a field that differs, for messages."""
        return name

    def _identity(self) -> str:
        """Identification of this contract, for messages."""
        return self.digest

    @classmethod
    def _names(cls) -> list[str]:
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def _required_keys(cls) -> list[str]:
        """Keys that a file must have."""
        return ["version", *cls._names()]

    @classmethod
    def _parsed_fields(cls, value: dict[str, Any], where: str) -> dict[str, Any]:
        """Convert JSON values to fields that are not plain JSON values."""
        return value


def _plain(value: Any) -> Any:
    """Convert a field to JSON values."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
