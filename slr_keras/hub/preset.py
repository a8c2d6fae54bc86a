"""The folder of a preset: weights, bundle, card and licence, and the check of their digests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import has_format, read_json, sha256, write_json
from slr_keras.utils.schema import any_text, checked, digest, mapping, one_of, record, whole

FORMAT, VERSION = "slr_keras.preset", 1
DESCRIPTION = "preset.json"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CONTRACT, VOCABULARY = "keypoints.json", "vocabulary.txt"
BUNDLE, RECIPE, CARD, NOTICE = "tflite", "recipe.yaml", "CARD.md", "NOTICE"

_SCHEMA = record(
    {"files": mapping(record({"bytes": whole(), "sha256": digest}), 1)},
    {
        "output": one_of("sign", "glosses"),
        "glosses": whole(),
        **dict.fromkeys(("name", "title", "language", "licence"), any_text),
    },
)


def is_preset(path: str | Path) -> bool:
    """Whether a folder holds a `preset.json` of this format.

    >>> from slr_keras.hub.preset import is_preset
    >>> is_preset("no such folder")
    False
    """
    return has_format(Path(path) / DESCRIPTION, FORMAT)


@dataclass(frozen=True)
class Preset:
    """A trained model in a folder that can be shared.

    Attributes:
        path: the folder.
        description: content of `preset.json`: `title`, `language`, `output` ("sign" or "glosses"),
            `licence`, `attribution`, `glosses` (their number), and `files` with size and SHA-256.

    >>> from slr_keras.hub import shipped
    >>> from slr_keras.hub.preset import Preset
    >>> [Preset.load(folder).description["output"] for folder in shipped.folders().values()][:1]
    ['sign']
    """

    path: Path
    description: Mapping[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> "Preset":
        """Read a preset, and check every file against its digest.

        Raises:
            UserError: the folder is no preset, has another version, or a file is missing, foreign
                or not the one that was published.
        """
        path = Path(path)
        if not is_preset(path):
            raise UserError(f"{path}: no preset here (no {DESCRIPTION})")
        description = read_json(path / DESCRIPTION)
        if description.get("version") != VERSION:
            raise UserError(
                f"{path / DESCRIPTION}: the preset has version {description.get('version')!r}, "
                f"this program reads version {VERSION}; install another version of slr_keras"
            )
        preset = cls(path, description)
        preset._check()
        return preset

    @property
    def name(self) -> str:
        """Name of the preset."""
        return str(self.description.get("name", self.path.name))

    @property
    def title(self) -> str:
        """What the preset recognises, in one line."""
        return str(self.description.get("title", ""))

    @property
    def bundle(self) -> Path:
        """Folder of the TFLite bundle.

        Raises:
            UserError: the preset has none.
        """
        folder = self.path / BUNDLE
        if not folder.is_dir():
            raise UserError(
                f"{self.path}: the preset has weights for Keras alone and no folder {BUNDLE}; read "
                "it with from_preset in Python"
            )
        return folder

    @property
    def size(self) -> int:
        """Size of all files in bytes."""
        return sum(entry["bytes"] for entry in self.description["files"].values())

    def _check(self) -> None:
        where = self.path / DESCRIPTION
        for name, entry in checked(self.description, _SCHEMA, where)["files"].items():
            if not _is_inside(name):
                raise UserError(f"{where}: {name!r} is not a file of the preset's folder")
            file = self.path / name
            if not file.is_file():
                raise UserError(f"{file}: the file is missing; get the preset again")
            if file.stat().st_size != entry["bytes"] or sha256(file) != entry["sha256"]:
                raise UserError(
                    f"{file}: not the file that {DESCRIPTION} describes; get the preset again"
                )


def describe(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `preset.json`: the facts, and size and digest of every file of the folder."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / DESCRIPTION
    )
    files = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in names
    }
    write_json(
        folder / DESCRIPTION, {"format": FORMAT, "version": VERSION, **facts, "files": files}
    )


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    unusable = "\\" in name or not name.isprintable() or not 0 < len(name.encode()) < 256
    return not path.is_absolute() and ".." not in path.parts and not unusable
