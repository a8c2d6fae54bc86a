"""Clips that a data set has and a data folder lacks, so that no score hides its denominator."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json

MISSING_FILE = "missing.json"


@dataclass(frozen=True)
class Missing:
    """What `missing.json` says.

    Attributes:
        expected: split → clips that the data set has.
        clips: split → id of each clip that is not there → why; splits that are whole are left out.

    >>> from slr_keras.data.missing import Missing
    >>> print(Missing({"train": 12, "test": 3}, {"test": {"69241": "no such file"}}))
    1 of 3 clips of test are missing
    """

    expected: Mapping[str, int]
    clips: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return ", ".join(
            f"{len(found)} of {self.expected[split]} clips of {split}"
            for split, found in self.clips.items()
        ) + (" are missing" * bool(self.clips))

    def write(self, path: Path) -> None:
        """Write `missing.json`, atomically."""
        write_json(path, {"expected": self.expected, "missing": self.clips})

    @classmethod
    def read(cls, path: Path) -> "Missing":
        """Read `missing.json`.

        Raises:
            UserError: the file cannot be read, or says something else.
        """
        value = read_json(path)
        try:
            expected, clips = value["expected"], value["missing"]
            good = all(len(found) <= int(expected[split]) for split, found in clips.items())
        except (KeyError, TypeError, ValueError, AttributeError):
            good = False
        if not good:
            raise UserError(f"{path}: is no record of missing clips; prepare the data set again")
        return cls(expected, clips)
