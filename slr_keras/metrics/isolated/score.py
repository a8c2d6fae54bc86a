"""Score of a model on isolated signs, clips of one sign (docs/papers/stepnet.md §11)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from slr_keras.metrics import (
    KS,
    MISS,
    Calibration,
    Estimate,
    SignAccuracy,
    calibration,
    label_ranks,
    sign_accuracy,
)
from slr_keras.metrics.isolated.groups import TOTAL, Groups
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class Confusion:
    """A true sign recognised as another sign.

    Attributes:
        signed: the true sign.
        named: the predicted sign.
        count: clips of the true sign with this prediction.
        clips: all clips of the true sign.
    """

    signed: str
    named: str
    count: int
    clips: int


@dataclass(frozen=True)
class SignScore:
    """Predictions and ranks of clips of one sign.

    Attributes:
        signed: true gloss of each clip.
        named: predicted gloss of each clip.
        confidences: `(clips,)`, probability of the prediction.
        ranks: `(clips,)`, rank of the true sign, 0 for a hit; `MISS` for a sign outside the
            vocabulary.
        glosses: the model's vocabulary.
        groups: glosses by group.

    >>> import numpy as np
    >>> from slr_keras.metrics.isolated import SignScore
    >>> logits = np.log([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.6, 0.2, 0.2]])
    >>> score = SignScore.of(logits, ["RAIN", "SNOW", "HAIL"], ["RAIN", "SNOW", "SUN"])
    >>> score.ranks.tolist()[:2], round(score.top(1).value, 1), score.unknown
    ([0, 1], 33.3, {'HAIL': 1})
    """

    signed: tuple[str, ...]
    named: tuple[str, ...]
    confidences: np.ndarray
    ranks: np.ndarray
    glosses: tuple[str, ...]
    groups: Groups

    @classmethod
    def of(
        cls,
        logits: np.ndarray,
        signed: Sequence[str],
        glosses: Sequence[str],
        groups: Groups | None = None,
    ) -> "SignScore":
        """Score clips.

        Args:
            logits: `(clips, classes)`, or log-probabilities.
            signed: true gloss of each clip; a gloss outside the vocabulary is a miss at every k.
            glosses: gloss of each class.
            groups: glosses of each group that gets a score of its own.

        Raises:
            UserError: no clip, or a group with a gloss that neither the vocabulary nor a clip has.
        """
        if not len(signed):
            raise UserError("no clip: a score needs at least one")
        groups = groups or {}
        _check_groups(groups, {*glosses, *signed})
        best = np.asarray(logits).argmax(axis=1)
        return cls(
            tuple(signed),
            tuple(glosses[index] for index in best),
            # A clip with a NaN logit is a miss with confidence 0.
            np.nan_to_num(_softmax(logits)[np.arange(len(best)), best]),
            _ranks(logits, signed, glosses),
            tuple(glosses),
            groups,
        )

    @property
    def hits(self) -> np.ndarray:
        """`(clips,)`, whether the prediction is correct."""
        return self.ranks < 1

    @property
    def unknown(self) -> dict[str, int]:
        """Signs outside the vocabulary, with their numbers of clips."""
        known = set(self.glosses)
        return dict(Counter(gloss for gloss in self.signed if gloss not in known))

    @cached_property
    def accuracies(self) -> dict[str, SignAccuracy]:
        """Accuracies of all clips ("total"), and of each group that has clips."""
        every = dict.fromkeys([*self.glosses, *self.signed])
        numbers = {gloss: number for number, gloss in enumerate(every)}
        labels = np.array([numbers[gloss] for gloss in self.signed])
        accuracies = {TOTAL: sign_accuracy(self.ranks, labels, len(every))}
        for name, members in self.groups.items():
            rows = np.isin(labels, [numbers[gloss] for gloss in members])
            if rows.any():
                accuracies[name] = sign_accuracy(self.ranks[rows], labels[rows], len(members))
        return accuracies

    def top(self, k: int) -> Estimate:
        """Return the per-instance top-k accuracy of all clips; k is one of `KS`."""
        return self.accuracies[TOTAL].per_instance[k]

    @cached_property
    def calibration(self) -> Calibration:
        """Expected calibration error of the confidences."""
        return calibration(self.confidences, self.hits)

    @cached_property
    def confusions(self) -> tuple[Confusion, ...]:
        """Wrong predictions, most frequent first; equally frequent ones in alphabetical order."""
        clips = Counter(self.signed)
        wrong = Counter(
            pair for pair, hit in zip(zip(self.signed, self.named), self.hits) if not hit
        )
        order = sorted(wrong, key=lambda pair: (-wrong[pair], pair))
        return tuple(Confusion(*pair, wrong[pair], clips[pair[0]]) for pair in order)

    def most_confused(self, number: int) -> list[str]:
        """Return the signs with most errors, counted as true and as predicted sign."""
        errors: Counter[str] = Counter()
        for confusion in self.confusions:
            errors[confusion.signed] += confusion.count
            errors[confusion.named] += confusion.count
        return sorted(sorted(errors), key=lambda gloss: -errors[gloss])[:number]


def head_accuracies(
    signs: Mapping[str, np.ndarray], signed: Sequence[str], glosses: Sequence[str]
) -> dict[str, dict[int, float]]:
    """Compute the per-instance accuracy of each head in percent, by k, without intervals.

    Args:
        signs: maps head to scores `(clips, classes)`.
        signed: true gloss of each clip.
        glosses: gloss of each class.
    """
    ranks = {name: _ranks(logits, signed, glosses) for name, logits in signs.items()}
    return {name: {k: float(100 * np.mean(r < k)) for k in KS} for name, r in ranks.items()}


def _ranks(logits: np.ndarray, signed: Sequence[str], glosses: Sequence[str]) -> np.ndarray:
    """`(clips,)` ranks of the true signs; `MISS` for signs outside the vocabulary."""
    known = {gloss: index for index, gloss in enumerate(glosses)}
    classes = np.array([known.get(gloss, -1) for gloss in signed])
    return np.where(classes < 0, MISS, label_ranks(logits, np.maximum(classes, 0)))


def _check_groups(groups: Groups, glosses: set[str]) -> None:
    for name, members in groups.items():
        unknown = [gloss for gloss in members if gloss not in glosses]
        if unknown:
            raise UserError(
                f"groups.json: group {name!r} names {unknown[0]!r}, a sign of neither the "
                "vocabulary nor the clips; correct its spelling or take it out"
            )


def _softmax(logits: np.ndarray) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
