"""What a person says about a preset: origin, licence, intended use, and which scores count."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.plain_yaml import read_plain_yaml
from slr_keras.utils.suggestions import nearest


@dataclass(frozen=True)
class ScoreRow:
    """Predictions that the card scores.

    Attributes:
        system: who predicted, such as "SignConv" or "SVM".
        clips: which clips these are, and how they were kept apart from training.
        predictions: files of `evaluate` or `baseline --to`; together they are one score.
        manifest: only clips of this manifest count, such as those of one of the folders that
            `prepare merge` has merged; empty: all.
        by: regular expression with one group; each value of the group gets a score of its own.
    """

    system: str
    clips: str
    predictions: tuple[str, ...]
    manifest: str = ""
    by: str = ""


@dataclass(frozen=True)
class PresetFacts:
    """Facts of a preset, read from a YAML file.

    Attributes:
        name: of the preset, in lower case, with hyphens.
        title: what it recognises, in one line.
        language: sign language.
        licence: of the weights.
        data: training data: a line for each set, with its origin and licence.
        attribution: lines for the NOTICE file.
        recipe: file of the recipe, whose header has the commands that make the preset again.
        use: what the preset is for.
        not_for: what it must not be used for, one line each.
        untested: what it was not tested on, one line each.
        notes: further lines.
        scores: rows of the table of scores.
    """

    name: str
    title: str
    language: str
    licence: str
    data: tuple[str, ...]
    attribution: tuple[str, ...]
    recipe: str
    use: str
    not_for: tuple[str, ...]
    untested: tuple[str, ...]
    notes: tuple[str, ...] = ()
    scores: tuple[ScoreRow, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> "PresetFacts":
        """Read the facts.

        Raises:
            UserError: the file is no YAML mapping, a key is missing or unknown, or a regular
                expression is malformed.
        """
        value = read_plain_yaml(path)[1]
        rows = value.pop("scores", []) if isinstance(value, dict) else []
        facts = _checked(cls, value, str(path), "scores")
        checked = [_checked(ScoreRow, row, f"{path}: scores") for row in rows or ()]
        for row in checked:
            _require_expression(row, path)
        _require_name(facts["name"], path)
        return cls(**facts, scores=tuple(ScoreRow(**row) for row in checked))


@dataclass(frozen=True)
class EncoderFacts:
    """Facts of a sign encoder, read from a YAML file.

    Attributes:
        name, title, licence, data, attribution, use, not_for, untested, notes: see `PresetFacts`.
        recipe: name or file of a recipe, whose augmentation is used.
    """

    name: str
    title: str
    licence: str
    data: tuple[str, ...]
    attribution: tuple[str, ...]
    recipe: str
    use: str
    not_for: tuple[str, ...]
    untested: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> "EncoderFacts":
        """Read the facts.

        Raises:
            UserError: the file is no YAML mapping, or a key is missing or unknown.
        """
        facts = _checked(cls, read_plain_yaml(path)[1], str(path))
        _require_name(facts["name"], path)
        return cls(**facts)

    def notice(self) -> str:
        """Text of the NOTICE file."""
        lines = "\n".join(f"  {line}" for line in self.attribution)
        return f"Weights of the encoder {self.name}: {self.licence}.\n\nFitted to:\n{lines}\n"

    def card(self, dimension: int, clips: int) -> str:
        """Markdown of the card.

        Args:
            dimension: components of a vector.
            clips: number of clips that the encoder was fitted to.
        """

        def listed(title: str, lines: tuple[str, ...]) -> str:
            return f"## {title}\n" + "".join(f"- {line}\n" for line in lines)

        parts = [
            f"# {self.name}: {self.title}\n",
            f"{self.use} Vectors have {dimension} components. Licence: {self.licence}.\n",
            listed(f"Data ({clips} clips)", self.data),
            listed("Not tested on", self.untested),
            listed("Must not be used for", self.not_for),
        ]
        return "\n".join([*parts, *([listed("Notes", self.notes)] if self.notes else [])])


def _require_name(name: str, path: str | Path) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise UserError(f"{path}: name: {name!r} must be words joined by hyphens")


def _checked(kind: type, value: Any, where: str, apart: str = "") -> dict[str, Any]:
    """Keys and values of a mapping that fit a dataclass; lists become tuples."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: must be a mapping")
    fields = {field.name: field for field in dataclasses.fields(kind) if field.name != apart}
    for key in value:
        if key not in fields:
            raise UserError(f"{where}: there is no key {key!r}{nearest(str(key), fields)}")
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in value:
            raise UserError(f"{where}: the key {name!r} is missing")
    checked: dict[str, Any] = {}
    for name, given in value.items():
        many = "tuple" in str(fields[name].type)
        texts = isinstance(given, list) and all(isinstance(item, str) for item in given)
        if not (texts if many else isinstance(given, str)):
            raise UserError(f"{where}: {name} must be {'a list of texts' if many else 'a text'}")
        checked[name] = tuple(given) if many else given
    return checked


def _require_expression(row: Mapping[str, Any], path: str | Path) -> None:
    try:
        groups = re.compile(row.get("by", "()")).groups
    except re.error as error:
        raise UserError(f"{path}: scores: by: {error}") from error
    if groups != 1:
        raise UserError(f"{path}: scores: by needs one group in parentheses")
