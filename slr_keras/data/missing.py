"""Record of the clips of a dataset that a data folder lacks, so that scores can state them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json
from slr_keras.utils.schema import any_text, checked, mapping, record, shown, whole

MISSING_FILE = "missing.json"
_SCHEMA = record({"expected": mapping(whole()), "missing": mapping(mapping(any_text))})


@dataclass(frozen=True)
class Missing:
    """Content of `missing.json`.

    Attributes:
        expected: split → number of clips in the dataset.
        clips: split → id of each missing clip → reason; complete splits are left out.

    >>> from slr_keras.data.missing import Missing
    >>> print(Missing({"train": 12, "test": 3}, {"test": {"69241": "no such file"}}))
    1 of 3 clips of test are missing
    """

    expected: Mapping[str, int]
    clips: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return ", ".join(
            f"{len(missing)} of {self.expected[split]} clips of {split}"
            for split, missing in self.clips.items()
        ) + (" are missing" * bool(self.clips))

    def write(self, path: Path) -> None:
        """Write `missing.json`, atomically."""
        write_json(path, {"expected": self.expected, "missing": self.clips})

    @classmethod
    def read(cls, path: Path) -> "Missing":
        """Read `missing.json`.

        Raises:
            UserError: the file cannot be read or has another content.
        """
        again = "prepare the dataset again"
        value = checked(read_json(path), _SCHEMA, path, again)
        expected, clips = value["expected"], value["missing"]
        for split, missing in clips.items():
            if split not in expected or len(missing) > expected[split]:
                raise UserError(
                    f"{path}: not a record of missing clips: more are missing in {shown(split)} "
                    f"than it has; {again}"
                )
        return cls(expected, clips)
