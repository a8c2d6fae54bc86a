"""Gloss sentences: topic-comment order, preferred bigrams, rare and frequent words."""

from collections.abc import Sequence

import numpy as np

from slr_keras.data.simulator.randomness import generator, stable_hash
from slr_keras.data.simulator.signs import Sign

#: Which class may follow which, with weights; "." ends the sentence.
FOLLOWERS: dict[str, dict[str, float]] = {
    "^": {"time": 0.34, "place": 0.14, "person": 0.26, "thing": 0.26},
    "time": {"place": 0.22, "person": 0.36, "thing": 0.36, "action": 0.06},
    "place": {"person": 0.36, "thing": 0.38, "action": 0.26},
    "person": {"thing": 0.34, "action": 0.40, "quality": 0.18, ".": 0.08},
    "thing": {"quality": 0.34, "action": 0.40, "person": 0.12, ".": 0.14},
    "quality": {"action": 0.26, "thing": 0.14, "question": 0.12, ".": 0.48},
    "action": {"quality": 0.14, "thing": 0.14, "question": 0.16, ".": 0.56},
    "question": {".": 1.0},
}

#: Shares of the space of sentences that belong to each split: no sentence is in two.
POOLS = {"train": range(14), "dev": range(14, 17), "test": range(17, 20)}


def pool_of(glosses: Sequence[str]) -> str:
    """The split of a sentence; it does not depend on the size of the data set."""
    bucket = stable_hash("pool", *glosses) % 20
    return next(split for split, buckets in POOLS.items() if bucket in buckets)


class Grammar:
    """A seeded source of gloss sentences.

    Each gloss has a Zipf-like frequency within its class and its own preferred successors, so
    that a language model has something to learn.

    >>> from slr_keras.data.simulator import lexicon
    >>> from slr_keras.data.simulator.grammar import Grammar
    >>> import numpy as np
    >>> grammar = Grammar(lexicon("demo").signs, seed=0)
    >>> sentence = grammar.sentence(np.random.default_rng(0), "test")
    >>> 1 <= len(sentence) <= 5
    True
    """

    def __init__(
        self,
        signs: Sequence[Sign],
        seed: int = 0,
        lengths: tuple[int, int] = (1, 5),
        zipf: float = 0.6,
        affinity: float = 0.9,
    ):
        self.glosses = tuple(sign.gloss for sign in signs)
        self.lengths = lengths
        rng = generator(seed, "grammar", *self.glosses)
        classes = np.array([sign.word_class for sign in signs])
        frequency = np.zeros(len(signs))
        for name in np.unique(classes):
            members = np.flatnonzero(classes == name)
            ranks = rng.permutation(len(members)) + 1.0
            frequency[members] = ranks**-zipf / np.sum(ranks**-zipf)
        liking = np.exp(affinity * rng.normal(size=(len(signs) + 1, len(signs))))

        # transition[i, j]: probability of gloss j after gloss i; row -1 starts a sentence,
        # column -1 ends it.
        size = len(signs) + 1
        self.transition = np.zeros((size, size))
        for i in range(size):
            follow = FOLLOWERS["^" if i == size - 1 else classes[i]]
            for name, weight in follow.items():
                if name == ".":
                    self.transition[i, -1] = weight
                    continue
                row = frequency * liking[i] * (classes == name)
                if i < size - 1:
                    row[i] = 0.0
                if row.sum() > 0:
                    self.transition[i, :-1] += weight * row / row.sum()
        self.transition /= self.transition.sum(axis=1, keepdims=True)
        self._cumulative = np.cumsum(self.transition, axis=1)

    def _draw(self, rng: np.random.Generator) -> tuple[str, ...]:
        words: list[int] = []
        state = len(self.glosses)
        while len(words) <= self.lengths[1]:
            state = int(np.searchsorted(self._cumulative[state], rng.random(), side="right"))
            if state >= len(self.glosses):
                break
            words.append(state)
        return tuple(self.glosses[i] for i in words)

    def sentence(self, rng: np.random.Generator, split: str) -> tuple[str, ...]:
        """Draw one sentence of a split."""
        low, high = self.lengths
        while True:
            words = self._draw(rng)
            if low <= len(words) <= high and pool_of(words) == split:
                return words

    def covering_sentences(self, seed: int = 0) -> list[tuple[str, ...]]:
        """A few training sentences that cover all glosses; every training set begins with them."""
        rng = generator(seed, "cover", *self.glosses)
        wanted, chosen = set(self.glosses), []
        while wanted:
            candidates = [self.sentence(rng, "train") for _ in range(100)]
            best = max(candidates, key=lambda words: len(wanted & set(words)) - 0.01 * len(words))
            if wanted & set(best):
                chosen.append(best)
                wanted -= set(best)
        return chosen
