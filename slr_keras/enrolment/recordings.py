"""Find the recordings of signs: folders by sign, tables, data folders and manifests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slr_keras.data.contract import KeypointContract
from slr_keras.enrolment.names import sign_name
from slr_keras.recognition.clip import Clip
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.modality.base import Overrides
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.unicode import spelled

#: Folder of clips in which nothing is signed.
REST = "-"
_TABLES = (".csv", ".tsv", ".txt")
_FILES, _SIGNS = ("file", "path", "video", "keypoints"), ("sign", "gloss", "glosses", "label")


@dataclass(frozen=True)
class Recording:
    """A recording of one sign.

    Attributes:
        sign: its name; "" for rest.
        clip: not read yet.
    """

    sign: str
    clip: Clip


def find_recordings(
    inputs: Iterable[str],
    contract: KeypointContract,
    split: str,
    overrides: Overrides,
    failures: Failures,
    rest: bool = False,
) -> list[Recording]:
    """Find the recordings in the inputs, in the order given; no frames are read.

    Args:
        inputs: folders with a folder for each sign, tables with the columns `file` and `sign`, data
            folders or manifests (`.jsonl`) of clips of one gloss.
        contract: of the encoder.
        split: of data folders.
        overrides: properties of the clips that the user states.
        failures: collects recordings without a usable sign.
        rest: whether clips without a gloss, and those in a folder named `-`, count as rest;
            otherwise they have no usable sign.

    Raises:
        UserError: an input does not exist or holds no recording.
    """
    found: list[Recording] = []
    for name in inputs:
        path = spelled(Path(name))
        if path.suffix.lower() in _TABLES and path.is_file():
            found += _of_table(path, contract, overrides, failures)
            continue
        clips = find_clips([path], contract, split, overrides)
        is_folder = path.is_dir() and not any(path.glob("*.jsonl"))
        for clip in clips:
            with failures.passing_over(clip.source):
                if rest and _shows_rest(clip, is_folder):
                    found.append(Recording("", clip))
                    continue
                sign = _folder_of(clip, path) if is_folder else _gloss_of(clip)
                found.append(Recording(sign_name(sign, clip.source), clip))
    return found


def _shows_rest(clip: Clip, is_folder: bool) -> bool:
    return clip.id.startswith(f"{REST}/") if is_folder else not clip.reference


def _folder_of(clip: Clip, folder: Path) -> str:
    sign, separator, _ = clip.id.partition("/")
    if not separator:
        raise UserError(
            f"{clip.source}: lies in no folder of a sign; move it to {folder}/NAME OF THE SIGN/, "
            "or list it in a table with the columns file and sign"
        )
    return sign


def _gloss_of(clip: Clip) -> str:
    if clip.reference is None:
        raise UserError(
            f"{clip.source}: no name for this recording; give a folder with a folder for each "
            "sign, or a table (.csv) with the columns file and sign"
        )
    if len(clip.reference) != 1:
        raise UserError(
            f"{clip.source}: has {len(clip.reference)} glosses; a recording shows one sign"
        )
    return clip.reference[0]


def _of_table(
    path: Path, contract: KeypointContract, overrides: Overrides, failures: Failures
) -> list[Recording]:
    found = []
    for number, row in read_table(path):
        where = f"{path}:{number}"
        with failures.passing_over(where):
            file, sign = _cell(row, _FILES, where), _cell(row, _SIGNS, where)
            clips = find_clips([path.parent / file], contract, overrides=overrides)
            if len(clips) != 1:
                raise UserError(f"{where}: {file} holds {len(clips)} clips; name a single one")
            found.append(Recording(sign_name(sign, where), clips[0]))
    return found


def _cell(row: dict[str, str], columns: Sequence[str], where: str) -> str:
    name = next((row[column] for column in columns if row.get(column)), "")
    if not name:
        raise UserError(f"{where}: has no {columns[0]}; the column is called {columns[0]}")
    return name
