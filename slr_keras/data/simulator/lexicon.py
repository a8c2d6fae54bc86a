"""Lexicons: named sets of signs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from slr_keras.data.simulator.demo_signs import demo_signs
from slr_keras.data.simulator.large_signs import large_signs
from slr_keras.data.simulator.signs import Sign
from slr_keras.utils.errors import UserError

LEXICONS = ("demo", "large")


@dataclass(frozen=True)
class Lexicon:
    """A set of signs with its sentence lengths and handedness.

    Attributes:
        lengths: fewest and most glosses of a sentence.
        left_dominant: whether some of its signers are left-dominant.
    """

    name: str
    signs: tuple[Sign, ...]
    lengths: tuple[int, int]
    left_dominant: bool

    def __len__(self) -> int:
        return len(self.signs)

    def __iter__(self) -> Iterator[Sign]:
        return iter(self.signs)

    @cached_property
    def _by_gloss(self) -> dict[str, Sign]:
        return {sign.gloss: sign for sign in self.signs}

    @property
    def glosses(self) -> tuple[str, ...]:
        """The names of the signs, in order."""
        return tuple(sign.gloss for sign in self.signs)

    def sign(self, gloss: str) -> Sign:
        """The sign of a gloss.

        Raises:
            UserError: the lexicon does not hold it.
        """
        if gloss in self._by_gloss:
            return self._by_gloss[gloss]
        raise UserError(
            f"gloss {gloss!r} is not in lexicon {self.name!r}; it has {', '.join(self.glosses)}"
        )


@cache
def lexicon(name: str, seed: int = 0) -> Lexicon:
    """A lexicon by name: `demo` (20 signs) or `large` (more than 120, drawn by `seed`).

    Raises:
        UserError: no such lexicon.

    >>> from slr_keras.data.simulator import lexicon
    >>> len(lexicon("demo")), lexicon("demo").sign("HOUSE").hands
    (20, 'symmetric')
    """
    if name == "demo":
        return Lexicon("demo", demo_signs(), lengths=(1, 5), left_dominant=False)
    if name == "large":
        return Lexicon("large", large_signs(seed), lengths=(2, 7), left_dominant=True)
    raise UserError(f"lexicon {name!r} does not exist; choose one of {', '.join(LEXICONS)}")
