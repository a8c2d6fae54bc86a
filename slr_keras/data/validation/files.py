"""Validate arrays, missing.json and groups.json of a data folder."""

from pathlib import Path

from slr_keras.data.fingerprints import published_arrays
from slr_keras.data.lines import manifest_lines
from slr_keras.data.missing import MISSING_FILE, Missing
from slr_keras.data.validation.findings import ERROR, WARNING, Finding
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json

GROUPS_FILE = "groups.json"


def check_published(path: Path, findings: list[Finding]) -> None:
    """Report an array that does not belong to a manifest, unless its clips are reported."""
    if any(finding.kind in ("keypoints", "video") for finding in findings):
        return
    try:
        line = next((line for _, line in manifest_lines(path)), "")
    except UserError:
        # No text, which is reported already.
        return
    try:
        published_arrays(path, line)
    except UserError as error:
        file, _, what = str(error).partition(": ")
        advice = "write the folder again"
        findings.append(Finding(ERROR, "mixture", "", file, what, advice))


def check_missing(folder: Path, findings: list[Finding]) -> None:
    """Report the clips of the dataset that are missing from the folder, one finding per split."""
    path = folder / MISSING_FILE
    if not path.exists():
        return
    try:
        missing = Missing.read(path)
    except UserError as error:
        what = str(error).removeprefix(f"{path}: ")
        findings.append(Finding(ERROR, "missing-clips", "", str(path), what, "remove the file"))
        return
    for split, clips in missing.clips.items():
        name, why = next(iter(clips.items()), ("none", ""))
        what = (
            f"{len(clips)} of {missing.expected[split]} clips of {split} are missing, the first is "
            f"{name!r} ({why})"
        )
        advice = "obtain them and prepare the data again, or report them with every score"
        findings.append(Finding(WARNING, "missing-clips", "", str(path), what, advice))


def check_groups(folder: Path, vocabulary: Vocabulary | None, findings: list[Finding]) -> None:
    """Report invalid groups of glosses, and glosses of groups that are not in the vocabulary."""
    path = folder / GROUPS_FILE
    if not path.exists():
        return

    def find(what: str) -> None:
        advice = "correct it, or remove it to have no groups"
        findings.append(Finding(ERROR, "groups", "", str(path), what, advice))

    try:
        groups = read_json(path)
    except UserError as error:
        find(str(error).removeprefix(f"{path}: "))
        return
    lists = isinstance(groups, dict) and all(isinstance(g, list) for g in groups.values())
    if not lists or not all(isinstance(gloss, str) for g in groups.values() for gloss in g):
        find("is not a JSON object of lists of glosses")
        return
    first: dict[object, str] = {}
    for name, glosses in groups.items():
        for gloss in glosses:
            if vocabulary is not None and gloss not in vocabulary:
                find(f"gloss {gloss!r} of the group {name!r} is not in the vocabulary")
                return
            if first.setdefault(gloss, name) != name:
                find(f"gloss {gloss!r} is in the groups {first[gloss]!r} and {name!r}")
                return
