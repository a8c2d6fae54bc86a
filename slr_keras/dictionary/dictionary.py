"""A dictionary of signs that is searched by example."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from slr_keras.data.layout import KeypointLayout
from slr_keras.dictionary.encoding import Encoder, naming_vectors
from slr_keras.dictionary.files import Names, dictionary_files
from slr_keras.dictionary.index import SUFFIX
from slr_keras.dictionary.indexing import updated
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures


@dataclass(frozen=True)
class Neighbour:
    """An entry of a dictionary, as the answer to a clip.

    Attributes:
        rank: from 1, the nearest entry.
        gloss: of the entry.
        similarity: cosine of the naming vectors of clip and entry, from -1 to 1: the greater one of
            the clip and its mirror image.
        file: path inside the dictionary, with "/".
        row: of the entry in the dictionary.
    """

    rank: int
    gloss: str
    similarity: float
    file: str
    row: int


@dataclass(frozen=True, eq=False)
class Dictionary:
    """The entries of a folder, encoded; made by `Dictionary.open`.

    Attributes:
        folder: of the files.
        encoder: encodes the clips to look up, too.
        glosses: one for each entry.
        files: path of each entry inside the folder, with "/".
        vectors: `(entries, components)` float32 of unit length.
        postures: `(entries, moments, points, 3)` float16, prepared points of some frames.
        index: path of the index.
        encoded: number of files that were encoded when the dictionary was opened.
        notice: why all of them were, where there was an index; "" otherwise.
        failures: files that are no entries, with the reasons.
    """

    folder: Path
    encoder: Encoder
    glosses: tuple[str, ...]
    files: tuple[str, ...]
    vectors: np.ndarray
    postures: np.ndarray
    index: Path
    encoded: int = 0
    notice: str = ""
    failures: Failures = field(default_factory=lambda: Failures("dictionary file"))

    @classmethod
    def open(
        cls,
        folder: str | Path,
        encoder: Encoder,
        names: Names | None = None,
        index: str | Path | None = None,
        layout: KeypointLayout | None = None,
        cache: Path | None = None,
        progress: bool = False,
    ) -> "Dictionary":
        """Open a folder of `.pose` files, landmarks (`.npy`, `.npz`) and videos.

        The first call encodes all files and writes the index; later calls encode what is new or has
        changed. A file that cannot be read is passed over, see `failures`.

        Args:
            folder: searched with everything in it; each file is an entry.
            encoder: for entries and clips.
            names: where the glosses come from; None: the name of the sub-folder that holds the
                file, of a file directly in the folder its own name.
            index: path of the index; None: the folder's path with ".index" appended.
            layout: keypoint layout of files that do not state theirs.
            cache: folder that caches the keypoints found in videos.
            progress: show a bar on standard error.

        Raises:
            UserError: the folder has no clip, no file of it can be read, or the index is damaged,
                foreign or cannot be written.

        >>> import numpy as np
        >>> from slr_keras.dictionary import Dictionary
        >>> def signs_like(clip: np.ndarray, encoder) -> list[str]:
        ...     dictionary = Dictionary.open("signs", encoder)
        ...     (nearest,) = dictionary.nearest([clip], top=3)
        ...     return [entry.gloss for entry in nearest]
        """
        folder, names = Path(folder), names or Names()
        path = Path(index) if index is not None else default_index(folder)
        overrides = Overrides(layout=layout, cache=cache)
        files = dictionary_files(folder, KeypointInput(encoder.contract, overrides), path)
        failures = Failures("dictionary file")
        names.require_present(files, failures)
        done = updated(files, encoder, path, overrides, failures, progress)
        entries = tuple(file.file for file in done.index.files)
        if not entries:
            first = next(iter(failures)).reason
            raise UserError(f"{folder}: none of its {len(files)} files can be read; {first}")
        return cls(
            folder,
            encoder,
            tuple(map(names.gloss, entries)),
            entries,
            done.index.vectors,
            done.index.postures,
            path,
            done.encoded,
            done.notice,
            failures,
        )

    def __len__(self) -> int:
        return len(self.files)

    def nearest(self, clips: Sequence[np.ndarray], top: int = 5) -> list[list[Neighbour]]:
        """The nearest entries of each clip, nearest first; equally near ones by name.

        Args:
            clips: `(time, points, 3)` each, prepared as the encoder's contract says.
            top: number of entries.

        Raises:
            UserError: the encoder fails.
        """
        similarities = self.similarities(clips)
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :top]
        return [
            [
                Neighbour(rank, self.glosses[row], float(line[row]), self.files[row], int(row))
                for rank, row in enumerate(rows, start=1)
            ]
            for line, rows in zip(similarities, order)
        ]

    def similarities(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Cosines `(clips, entries)` of prepared clips, the greater one of clip and mirror image.

        Raises:
            UserError: the encoder fails.
        """
        queries = [naming_vectors(self.encoder, clips, mirrored) for mirrored in (False, True)]
        cosines = np.concatenate(queries) @ self.vectors.T
        return np.maximum(*np.split(cosines, 2))


def default_index(folder: Path) -> Path:
    """The index beside a folder.

    Raises:
        UserError: nothing can stand beside the folder.

    >>> from pathlib import Path
    >>> from slr_keras.dictionary.dictionary import default_index
    >>> default_index(Path("/data/signs")).as_posix()
    '/data/signs.index'
    """
    resolved = folder.resolve()
    if not resolved.name:
        raise UserError(f"{folder}: is the root of a disk; name the file of the index with --index")
    return resolved.with_name(resolved.name + SUFFIX)
