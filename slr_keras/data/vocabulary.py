"""Vocabulary: glosses and their ids; blank is 0, the unknown gloss 1.

See docs/papers/stark.md §1.8.
"""

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text, write_text
from slr_keras.utils.unicode import composed


@dataclass(frozen=True)
class Vocabulary:
    """The glosses of a model; gloss i of `glosses` has the id i + 2.

    Attributes:
        glosses: unique glosses, without the two special tokens.

    >>> from slr_keras.data.vocabulary import Vocabulary
    >>> vocabulary = Vocabulary(("RAIN", "NORTH"))
    >>> len(vocabulary), vocabulary.encode(["NORTH", "RAIN"]), vocabulary.decode([0, 3, 0, 2])
    (4, [3, 2], ('NORTH', 'RAIN'))
    """

    BLANK: ClassVar[str] = "<blank>"
    UNKNOWN: ClassVar[str] = "<unk>"
    BLANK_ID: ClassVar[int] = 0
    UNKNOWN_ID: ClassVar[int] = 1
    #: Id of the first gloss; class c of a model of isolated signs is the gloss with this id plus c.
    FIRST_GLOSS_ID: ClassVar[int] = 2

    glosses: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "glosses", tuple(self.glosses))
        seen = {self.BLANK, self.UNKNOWN}
        for gloss in self.glosses:
            if not isinstance(gloss, str) or gloss.split() != [gloss]:
                raise UserError(f"vocabulary: {gloss!r} is not one word; join its words with '-'")
            if gloss in seen:
                raise UserError(f"vocabulary: {gloss!r} appears twice, or is a reserved name")
            seen.add(gloss)

    def __len__(self) -> int:
        return len(self.glosses) + 2

    def __contains__(self, gloss: object) -> bool:
        return isinstance(gloss, str) and composed(gloss) in self._ids

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens in the order of their ids, including the two special tokens."""
        return (self.BLANK, self.UNKNOWN, *self.glosses)

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        ids: dict[str, int] = {}
        for number, gloss in enumerate(self.glosses, start=self.FIRST_GLOSS_ID):
            # Vocabularies of earlier versions may hold both forms of a word.
            if gloss == composed(gloss):
                ids[gloss] = number
            else:
                ids.setdefault(composed(gloss), number)
        return ids

    @functools.cached_property
    def digest(self) -> str:
        """Short SHA-256 of the tokens in order."""
        return hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()[:16]

    def encode(self, glosses: Iterable[str], unknown: str = "error", where: str = "") -> list[int]:
        """Convert glosses to ids.

        Args:
            glosses: glosses of a sentence.
            unknown: "error", or "unk" to map unknown glosses to the id of `<unk>`.
            where: file, line and sample for the message.

        Raises:
            UserError: a gloss is not in the vocabulary and `unknown` is "error".
        """
        ids = []
        for gloss in glosses:
            number = self._ids.get(composed(gloss), self.UNKNOWN_ID)
            if number == self.UNKNOWN_ID and unknown != "unk":
                raise UserError(
                    f"{where + ': ' if where else ''}unknown gloss {gloss!r}; it is not among the "
                    f"{len(self.glosses)} glosses of the vocabulary: add a training clip with this "
                    "gloss, or map unknown glosses to <unk>"
                )
            ids.append(number)
        return ids

    def decode(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Convert ids to glosses; blanks are dropped, repeats are kept.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        tokens = self.tokens
        glosses = []
        for number in ids:
            if not 0 <= number < len(tokens):
                raise UserError(f"id {number} is outside the vocabulary of {len(tokens)} tokens")
            if number != self.BLANK_ID:
                glosses.append(composed(tokens[number]))
        return tuple(glosses)

    @classmethod
    def from_samples(cls, samples: Sequence[Sample], order: str = "frequency") -> "Vocabulary":
        """Build a vocabulary from the glosses of samples.

        Args:
            samples: the training samples.
            order: "frequency" (most frequent first, ties by name) or "alphabet".

        >>> from slr_keras.data.sample import Sample
        >>> from slr_keras.data.vocabulary import Vocabulary
        >>> Vocabulary.from_samples([Sample("a", ("B", "A", "B"), frames=9)]).glosses
        ('B', 'A')

        Raises:
            UserError: the order does not exist.
        """
        counts = Counter(gloss for sample in samples for gloss in sample.glosses)
        if order == "frequency":
            return cls(tuple(sorted(counts, key=lambda gloss: (-counts[gloss], gloss))))
        if order == "alphabet":
            return cls(tuple(sorted(counts)))
        raise UserError(f"vocabulary order {order!r}; it must be frequency or alphabet")

    @classmethod
    def read(cls, path: str | Path, as_written: bool = False) -> "Vocabulary":
        """Read a vocabulary: one token per line; line i, counted from 0, has the id i.

        Args:
            path: the file.
            as_written: whether glosses keep their form of Unicode, as those of a trained model do;
                otherwise they become composed (NFC).

        Raises:
            UserError: the file does not exist, does not begin with the special tokens, or a line is
                empty, appears twice or contains a space; names file and line.
        """
        lines = read_text(path).split("\n")
        if lines[-1] == "":
            lines.pop()
        special = (cls.BLANK, cls.UNKNOWN)
        if tuple(lines[:2]) != special:
            raise UserError(
                f"{path}:1: a vocabulary begins with the lines {special[0]} and {special[1]}"
            )
        first: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            if not line or line.split() != [line]:
                raise UserError(f"{path}:{number}: {line!r} is not one gloss without spaces")
            line = lines[number - 1] = line if as_written else composed(line)
            if line in first:
                raise UserError(f"{path}:{number}: {line!r} is already on line {first[line]}")
            first[line] = number
        return cls(tuple(lines[2:]))

    def write(self, path: str | Path) -> None:
        """Write one token per line, atomically."""
        write_text(path, "\n".join(self.tokens) + "\n")

    def require_same(
        self, other: "Vocabulary", this: str = "this vocabulary", that: str = "the other"
    ) -> None:
        """Refuse a vocabulary that assigns other ids to glosses.

        Raises:
            UserError: the vocabularies differ; names both, their sizes and digests, and the first
                difference.
        """
        if self.glosses == other.glosses:
            return
        pairs = list(zip(self.tokens, other.tokens))
        place = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
        first = [v.tokens[place] if place < len(v) else "nothing" for v in (self, other)]
        raise UserError(
            f"vocabularies differ: {this} has {len(self)} tokens ({self.digest}), {that} has "
            f"{len(other)} ({other.digest}); id {place} is {first[0]!r} in one and {first[1]!r} "
            "in the other. Use the vocabulary.txt of the run"
        )
