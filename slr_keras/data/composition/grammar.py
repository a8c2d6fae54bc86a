"""Order of the signs of a composed sentence: random, or after the sentences of a grammar."""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text
from slr_keras.utils.unicode import composed

Glosses = tuple[str, ...]
_START, _END = "<s>", "</s>"


class Order(ABC):
    """Draws sequences of glosses."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Glosses:
        """Draw the glosses of a sentence; at least one."""


class RandomOrder(Order):
    """Any sign with equal probability, but never the same sign twice in a row.

    Args:
        glosses: the signs.
        words: least and most signs of a sentence.

    Raises:
        UserError: a sentence may have several signs, but there is only one sign.

    >>> import numpy as np
    >>> from slr_keras.data.composition.grammar import RandomOrder
    >>> RandomOrder(["A", "B"], words=(3, 3)).draw(np.random.default_rng(1))
    ('A', 'B', 'A')
    """

    def __init__(self, glosses: Collection[str], words: tuple[int, int]):
        self.glosses = sorted(glosses)
        self.words = words if len(self.glosses) > 1 else (1, 1)
        if words[0] > 1 and len(self.glosses) < 2:
            raise UserError(
                f"composed sentences have at least {words[0]} signs, but there are only clips of "
                f"{self.glosses[0]!r}; add clips of a second sign, or lower the number of signs"
            )

    def draw(self, rng: np.random.Generator) -> Glosses:
        """Draw the glosses of a sentence."""
        count, signs = int(rng.integers(*self.words, endpoint=True)), len(self.glosses)
        chosen = [int(rng.integers(signs))]
        # A step of 1 .. n - 1 around the list gives every other sign with equal probability.
        for step in rng.integers(1, max(signs, 2), count - 1).tolist():
            chosen.append((chosen[-1] + step) % signs)
        return tuple(self.glosses[number] for number in chosen)


class ListedOrder(Order):
    """The sentences of a grammar as they are, all with equal probability.

    Args:
        sentences: not empty.
    """

    def __init__(self, sentences: Sequence[Glosses]):
        self.sentences = list(sentences)

    def draw(self, rng: np.random.Generator) -> Glosses:
        """Draw the glosses of a sentence."""
        return self.sentences[int(rng.integers(len(self.sentences)))]


class NgramOrder(Order):
    """Sentences of an n-gram model without smoothing: every n-gram occurs in the grammar.

    A sentence is drawn again if it has too few signs, up to 20 times. It ends after the largest
    number of signs, or where the grammar continues only with signs that are not there.

    Args:
        sentences: sentences of the grammar.
        order: 2 for bigrams.
        glosses: the signs that may occur.
        words: least and most signs of a sentence.

    >>> import numpy as np
    >>> from slr_keras.data.composition.grammar import NgramOrder
    >>> order = NgramOrder([("I", "GO"), ("YOU", "GO", "HOME")], 2, {"I", "GO", "HOME"}, (3, 4))
    >>> order.draw(np.random.default_rng(0))
    ('I', 'GO', 'HOME')
    """

    def __init__(
        self,
        sentences: Sequence[Glosses],
        order: int,
        glosses: Collection[str],
        words: tuple[int, int],
    ):
        self.context = order - 1
        self.words = words
        counts: dict[Glosses, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            padded = (_START,) * self.context + tuple(sentence) + (_END,)
            for place in range(self.context, len(padded)):
                if padded[place] == _END or padded[place] in glosses:
                    counts[padded[place - self.context : place]][padded[place]] += 1
        self._next = {
            context: (list(count), np.cumsum(list(count.values())) / count.total())
            for context, count in counts.items()
        }

    @property
    def possible(self) -> bool:
        """Whether a sentence can begin."""
        following, _ = self._next.get((_START,) * self.context, ([], None))
        return any(gloss != _END for gloss in following)

    def draw(self, rng: np.random.Generator) -> Glosses:
        """Draw the glosses of a sentence."""
        longest: Glosses = ()
        for _ in range(20):
            sentence = self._sentence(rng)
            longest = max(longest, sentence, key=len)
            if len(longest) >= self.words[0]:
                break
        while not longest:
            longest = self._sentence(rng)
        return longest

    def _sentence(self, rng: np.random.Generator) -> Glosses:
        history = (_START,) * self.context
        while len(history) < self.context + self.words[1]:
            following, reach = self._next.get(history[len(history) - self.context :], ([], None))
            if not following:
                break
            gloss = following[int(np.searchsorted(reach, rng.random(), side="right"))]
            if gloss == _END:
                break
            history += (gloss,)
        return history[self.context :]


def make_order(
    kind: str,
    glosses: Collection[str],
    words: tuple[int, int],
    sentences: Sequence[Glosses] = (),
    ngram: int = 2,
) -> Order | None:
    """The order of the signs of a group; None if no sentence can be made of its signs.

    Args:
        kind: "random", "sentences" or "ngram".
        glosses: signs of the group.
        words: least and most signs of a sentence.
        sentences: sentences of the grammar.
        ngram: order of the n-gram model.
    """
    if not glosses:
        return None
    if kind == "random":
        return RandomOrder(glosses, words)
    if kind == "sentences":
        whole = [sentence for sentence in sentences if sentence and set(sentence) <= set(glosses)]
        return ListedOrder(whole) if whole else None
    order = NgramOrder(sentences, ngram, set(glosses), words)
    return order if order.possible else None


def read_grammar(path: str | Path) -> list[Glosses]:
    """Read gloss sequences, one per line; blank lines and lines that begin with `#` are skipped.

    Raises:
        UserError: the file does not exist or has no sequence.
    """
    lines = (composed(line).strip() for line in read_text(path).split("\n"))
    sentences = [tuple(line.split()) for line in lines if line and not line.startswith("#")]
    if not sentences:
        raise UserError(f"{path}: no gloss sequence in this file; write one per line")
    return sentences
