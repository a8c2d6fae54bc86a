"""n-gram language model of gloss sequences with interpolated Kneser-Ney smoothing.

As in Chen & Goodman 1998: counts are discounted, and the discounted mass is distributed by the
model of the next shorter context. Shorter contexts use continuation counts, the number of different
contexts in which a gloss occurs. The shortest context is interpolated with the uniform
distribution, so that every gloss has a probability above 0.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.decoding.hypothesis import BLANK
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded, read_json, write_json
from slr_keras.utils.schema import any_text, checked, number, record, sequence, whole

FORMAT = "slr_keras gloss language model 1"
_SCHEMA = record(
    {
        "order": whole(1, 100),
        "vocabulary_size": whole(1, 2**24),
        "vocabulary_digest": any_text,
        "discounts": sequence(number(0, 1), 1),
    }
)
BEGIN = -1
"""Beginning of a sentence in contexts; never predicted."""
END = BLANK
"""End of a sentence; it has the id of the blank, which is not a gloss."""

Context = tuple[int, ...]


class NgramLanguageModel:
    """P(next gloss | previous glosses), over ids 1..V-1 and the end of the sentence (id 0).

    >>> import numpy as np
    >>> from slr_keras.decoding import NgramLanguageModel
    >>> model = NgramLanguageModel.train([(1, 2), (1, 2, 3)], order=2, vocabulary_size=4)
    >>> next_gloss = np.exp(model.log_probabilities((1,)))
    >>> int(next_gloss.argmax()), round(float(next_gloss.sum()), 9)
    (2, 1.0)
    """

    def __init__(
        self,
        order: int,
        vocabulary_size: int,
        discounts: Sequence[float],
        counts: dict[Context, dict[int, int]],
        vocabulary_digest: str = "",
    ):
        self.order = order
        self.vocabulary_size = vocabulary_size
        self.discounts = tuple(discounts)
        self.vocabulary_digest = vocabulary_digest
        self._counts = counts
        self._cache: dict[Context, np.ndarray] = {}

    @classmethod
    def train(
        cls,
        sentences: Iterable[Sequence[int]],
        order: int = 3,
        vocabulary_size: int = 0,
        vocabulary_digest: str = "",
    ) -> "NgramLanguageModel":
        """Train on sentences.

        Args:
            sentences: gloss ids of the training sentences, in 1..vocabulary_size-1.
            order: 1 for unigrams, 2 for bigrams, ...
            vocabulary_size: classes of the recogniser, blank included.
            vocabulary_digest: `Vocabulary.digest`, stored so that `load` can check the vocabulary.

        Raises:
            UserError: no sentences, an id out of range, or order < 1.
        """
        sentences = [tuple(int(i) for i in sentence) for sentence in sentences]
        if order < 1:
            raise UserError(f"language model: order {order} must be at least 1")
        if not sentences:
            raise UserError("language model: no training sentences; give at least one")
        for row, sentence in enumerate(sentences):
            for label in sentence:
                if not BLANK < label < vocabulary_size:
                    raise UserError(
                        f"language model: training sentence {row} holds id {label}, outside "
                        f"1..{vocabulary_size - 1}; encode it with the model's vocabulary"
                    )
        raw = _ngrams(sentences, order)
        counts = _continuations(raw, order)
        discounts = [_discount(counts, length) for length in range(order)]
        return cls(order, vocabulary_size, discounts, counts, vocabulary_digest)

    def log_probabilities(self, context: Sequence[int]) -> np.ndarray:
        """Compute the log-probabilities of the next gloss, `(vocabulary_size,)`.

        Args:
            context: all glosses since the beginning of the sentence.

        Returns:
            read-only array whose probabilities sum to 1; index 0 (the blank) is the end of the
            sentence.
        """
        history = self._history(context)
        log_probs = self._cache.get(history)
        if log_probs is None:
            log_probs = np.log(self._distribution(history))
            log_probs.setflags(write=False)
            if len(self._cache) >= 4096:
                self._cache.clear()
            self._cache[history] = log_probs
        return log_probs

    def sentence_log_probability(self, ids: Sequence[int]) -> float:
        """Compute the log-probability of a sentence, its end included."""
        ids = tuple(ids)
        return float(
            sum(
                self.log_probabilities(ids[:place])[token]
                for place, token in enumerate((*ids, END))
            )
        )

    def perplexity(self, sentences: Iterable[Sequence[int]]) -> float:
        """Compute exp of the mean negative log-probability per gloss, sentence ends included.

        Raises:
            UserError: no sentences.

        >>> from slr_keras.decoding import NgramLanguageModel
        >>> model = NgramLanguageModel.train([(1, 2)] * 50, order=2, vocabulary_size=9)
        >>> model.perplexity([(1, 2)]) < 1.2 < model.perplexity([(2, 1)])
        True
        """
        sentences = list(sentences)
        if not sentences:
            raise UserError("language model: perplexity needs at least one sentence")
        tokens = sum(len(sentence) + 1 for sentence in sentences)
        return float(np.exp(-sum(map(self.sentence_log_probability, sentences)) / tokens))

    def save(self, path: str | Path) -> None:
        """Write as JSON, atomically."""
        write_json(
            path,
            {
                "format": FORMAT,
                "order": self.order,
                "vocabulary_size": self.vocabulary_size,
                "vocabulary_digest": self.vocabulary_digest,
                "discounts": list(self.discounts),
                "counts": [
                    [list(context), list(following), list(following.values())]
                    for context, following in self._counts.items()
                ],
            },
        )

    @classmethod
    def kept(cls, path: Path, vocabulary_digest: str, order: int) -> "NgramLanguageModel | None":
        """Load the file that `save` wrote; None if it is absent or has another order.

        Raises:
            UserError: as `load`.
        """
        if not path.is_file():
            return None
        model = cls.load(path, vocabulary_digest)
        return model if model.order == order else None

    @classmethod
    def load(cls, path: str | Path, vocabulary_digest: str = "") -> "NgramLanguageModel":
        """Load the file that `save` wrote.

        Args:
            path: the JSON file.
            vocabulary_digest: digest of the recogniser's vocabulary; "" skips the check.

        Raises:
            UserError: not a language model, a damaged file, or another vocabulary.
        """
        value = read_json(path)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise UserError(f"{path}: not a gloss language model ('format' is not {FORMAT!r})")
        damaged = f"{path}: a damaged gloss language model"
        checked(value, _SCHEMA, damaged, "train it again")
        with guarded(path, "a damaged gloss language model", "train it again"):
            model = cls(
                order=value["order"],
                vocabulary_size=value["vocabulary_size"],
                discounts=[float(discount) for discount in value["discounts"]],
                counts=_checked_counts(value),
                vocabulary_digest=value["vocabulary_digest"],
            )
        if vocabulary_digest and vocabulary_digest != model.vocabulary_digest:
            raise UserError(
                f"{path}: the language model was trained on vocabulary "
                f"{model.vocabulary_digest or '(none recorded)'}, the recogniser has "
                f"{vocabulary_digest}; train it on that vocabulary"
            )
        return model

    def _history(self, context: Sequence[int]) -> Context:
        return (BEGIN, *(int(i) for i in context))[-(self.order - 1) :] if self.order > 1 else ()

    def _distribution(self, history: Context) -> np.ndarray:
        """Interpolate from the uniform distribution to ever longer contexts."""
        probabilities = np.full(self.vocabulary_size, 1.0 / self.vocabulary_size)
        for length in range(len(history) + 1):
            following = self._counts.get(history[len(history) - length :])
            if following is None:
                continue
            tokens = np.fromiter(following.keys(), np.int64, len(following))
            counts = np.fromiter(following.values(), np.float64, len(following))
            discount = self.discounts[length]
            probabilities = probabilities * (discount * len(counts) / counts.sum())
            probabilities[tokens] += (counts - discount) / counts.sum()
        return probabilities


def _checked_counts(value: Mapping[str, Any]) -> dict[Context, dict[int, int]]:
    """Counts by context of a language model's file.

    Raises:
        ValueError, TypeError, KeyError: a part is missing, of another type or out of range.
    """
    order, classes = value["order"], value["vocabulary_size"]
    if len(value["discounts"]) != order or not all(0 < d < 1 for d in value["discounts"]):
        raise ValueError(f"'discounts' are not {order} numbers between 0 and 1")
    counts = {}
    for context, tokens, numbers in value["counts"]:
        if not all(type(part) is int for part in (*context, *tokens, *numbers)):
            raise ValueError("'counts' are not whole numbers")
        if len(context) >= order or not all(BEGIN <= part < classes for part in context):
            raise ValueError("ids out of range, or a context that is too long, in 'counts'")
        if not tokens or min(tokens) < END or max(tokens) >= classes:
            raise ValueError("ids out of range in 'counts'")
        if not 1 <= min(numbers) <= max(numbers) < 2**53:
            raise ValueError("counts below 1, or too large, in 'counts'")
        counts[tuple(context)] = dict(zip(tokens, numbers, strict=True))
    return counts


def _ngrams(sentences: Sequence[Sequence[int]], order: int) -> dict[Context, int]:
    """Count the n-grams of up to `order` tokens, with begin and end marks."""
    counts: dict[Context, int] = defaultdict(int)
    for sentence in sentences:
        tokens = (BEGIN, *sentence, END)
        for end in range(1, len(tokens)):
            for start in range(max(0, end - order + 1), end + 1):
                counts[tokens[start : end + 1]] += 1
    return counts


def _continuations(raw: dict[Context, int], order: int) -> dict[Context, dict[int, int]]:
    """Counts per context: occurrences for the longest, continuation counts for shorter contexts.

    An n-gram at the beginning of a sentence has no predecessor; its occurrences are counted.
    """
    counts: dict[Context, dict[int, int]] = defaultdict(dict)
    for ngram, occurrences in raw.items():
        if len(ngram) == order or ngram[0] == BEGIN:
            counts[ngram[:-1]][ngram[-1]] = occurrences
    for ngram in raw:
        if len(ngram) > 1:
            shorter = ngram[1:]
            following = counts[shorter[:-1]]
            following[shorter[-1]] = following.get(shorter[-1], 0) + 1
    return dict(counts)


def _discount(counts: dict[Context, dict[int, int]], length: int) -> float:
    """n1 / (n1 + 2 n2) over the n-grams with a context of this length (Ney et al. 1994).

    Clipped to 0.1..0.9: in small corpora n1 or n2 may be 0, which would disable smoothing or the
    counts.
    """
    times: defaultdict[int, int] = defaultdict(int)
    for context, following in counts.items():
        if len(context) == length:
            for count in following.values():
                times[count] += 1
    if not times[1] and not times[2]:
        return 0.5
    return float(np.clip(times[1] / (times[1] + 2 * times[2]), 0.1, 0.9))
