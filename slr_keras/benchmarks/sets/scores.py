"""Scores over the clips of all folds: mean over seeds, spread, bootstrap interval."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.metrics import sentence_counts
from slr_keras.metrics.rates import rate


@dataclass(frozen=True)
class ClipErrors:
    """Errors of each clip of all folds.

    Attributes:
        errors: `(seeds, clips)`.
        words: `(clips,)` reference glosses of each clip.
    """

    errors: np.ndarray
    words: np.ndarray

    @classmethod
    def joined(cls, folds: Sequence["ClipErrors"]) -> "ClipErrors":
        """The clips of several folds."""
        return cls(
            np.concatenate([fold.errors for fold in folds], axis=1),
            np.concatenate([fold.words for fold in folds]),
        )

    @classmethod
    def read(cls, files: Sequence[Path]) -> "ClipErrors":
        """Read the predictions of one fold, a file for each seed, with the same clips.

        >>> import pathlib, tempfile
        >>> from slr_keras.benchmarks.sets.scores import ClipErrors
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "a.jsonl")
        ...     _ = file.write_text('{"reference": ["A", "B"], "hypothesis": ["A"]}')
        ...     ClipErrors.read([file, file]).errors.tolist()
        [[1], [1]]
        """
        errors, words = [], np.zeros(0, int)
        for file in files:
            records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
            references = [record["reference"] for record in records]
            counts = sentence_counts(references, [record["hypothesis"] for record in records])
            errors.append([count.errors for count in counts])
            words = np.array([len(reference) for reference in references])
        return cls(np.array(errors), words)


@dataclass(frozen=True)
class Score:
    """A score in percent.

    Attributes:
        value: mean over the seeds.
        low, high: 95 % bootstrap interval over clips, of the mean over the seeds.
        by_seed: the score of each seed.
        clips: number of clips.
    """

    value: float
    low: float
    high: float
    by_seed: tuple[float, ...]
    clips: int

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the seeds; None for one seed."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else None


def score_of(errors: ClipErrors, accuracy: bool, seed: int = 0) -> Score:
    """The score of clips, each of them weighted by its number of words.

    Args:
        errors: of the clips.
        accuracy: 100 less the error rate, for clips of one sign.
        seed: of the resampling.

    >>> import numpy as np
    >>> from slr_keras.benchmarks.sets.scores import ClipErrors, score_of
    >>> score = score_of(ClipErrors(np.array([[0, 1], [0, 0]]), np.array([1, 1])), accuracy=True)
    >>> score.value, score.by_seed
    (75.0, (50.0, 100.0))
    """
    mean = rate(errors.errors.mean(axis=0), errors.words, accuracy, seed)
    by_seed = tuple(rate(one, errors.words, accuracy, seed).value for one in errors.errors)
    return Score(mean.value, mean.low, mean.high, by_seed, len(errors.words))
