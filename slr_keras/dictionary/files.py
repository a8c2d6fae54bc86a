"""The files of a dictionary, and the gloss of each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slr_keras.data.manifest import CONTRACT_FILE, FRAMES_FILE
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.unicode import composed, readable
from slr_keras.utils.walking import walked

_DATA_FOLDER = (CONTRACT_FILE, FRAMES_FILE, "train.jsonl", "dev.jsonl", "test.jsonl")


@dataclass(frozen=True)
class Names:
    """Where the glosses come from.

    Attributes:
        by_folder: the name of a sub-folder is the gloss of all files in it.
        table: glosses by file, which come before any other name.
        source: the table, for messages; "" without one.

    >>> from slr_keras.dictionary.files import Names
    >>> Names().gloss("hello.pose"), Names().gloss("hello/monday.mp4")
    ('hello', 'hello')
    >>> Names(by_folder=False).gloss("a-m/hello.pose")
    'hello'
    """

    by_folder: bool = True
    table: Mapping[str, str] | None = None
    source: str = ""

    @classmethod
    def of(cls, text: str | Path = "folder") -> "Names":
        """Names by "folder", by "file", or by a table with the columns `file` and `gloss`.

        Raises:
            UserError: the table cannot be read, names a file twice, or has an empty gloss.
        """
        if str(text) in ("folder", "file"):
            return cls(by_folder=str(text) == "folder")
        table: dict[str, str] = {}
        for line, row in read_table(text, ("file", "gloss")):
            file, gloss = PurePosixPath(row["file"].replace("\\", "/")).as_posix(), row["gloss"]
            if not file or file == "." or not gloss:
                empty = "gloss" if file and file != "." else "file"
                raise UserError(f"{text}:{line}: the {empty} is empty; write one or drop the line")
            if table.setdefault(composed(file), gloss) != gloss:
                raise UserError(f"{text}:{line}: names {file} twice; keep one of the lines")
        return cls(table=table, source=str(text))

    def gloss(self, file: str) -> str:
        """The gloss of a file, given by its path inside the dictionary, with "/"."""
        path = PurePosixPath(file)
        if self.table is not None and (given := self.table.get(composed(file))) is not None:
            return given
        name = path.parent.name if self.by_folder and path.parent.name else path.stem
        return composed(readable(name))

    def require_present(self, files: Mapping[str, Path], failures: Failures) -> None:
        """Note the files of the table that are not in the dictionary."""
        present = {composed(file) for file in files}
        for file in self.table or ():
            if file not in present:
                failures.add(file, f"{self.source}: names {file}, which is not in the dictionary")


def dictionary_files(
    folder: Path, modality: KeypointInput, index: Path | None = None
) -> dict[str, Path]:
    """Find the clips of a dictionary, by their paths inside the folder, sorted.

    Args:
        folder: searched with everything in it.
        modality: says which files are clips.
        index: of the dictionary, which is no clip.

    Raises:
        UserError: the folder does not exist, is a data folder, or has no clip.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the folder of the dictionary")
    if any((folder / name).exists() for name in _DATA_FOLDER):
        raise UserError(
            f"{folder}: is a data folder, whose files hold many clips each; a dictionary has a "
            "file for each entry"
        )
    paths = [path for path in walked(folder) if modality.holds(path) and path != index]
    if not paths:
        raise UserError(f"{folder}: no clip in this folder (no {modality.what})")
    return {path.relative_to(folder).as_posix(): path for path in sorted(paths)}
