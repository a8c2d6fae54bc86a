"""False words a minute: glosses that a model outputs while nobody signs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FalseWords:
    """Glosses in clips without any sign, and the length of these clips.

    Attributes:
        words: number of glosses.
        minutes: length of the clips.
        clips: number of clips.

    >>> from slr_keras.metrics.false_words import FalseWords
    >>> print(FalseWords(words=9, minutes=3.0, clips=20))
    9 false words in 3.0 minutes of rest (20 clips): 3.00 a minute
    """

    words: int
    minutes: float
    clips: int

    @property
    def per_minute(self) -> float:
        """False words a minute; 0 without any clip."""
        return self.words / self.minutes if self.minutes else 0.0

    def __str__(self) -> str:
        return (
            f"{self.words} false words in {self.minutes:.1f} minutes of rest ({self.clips} clips): "
            f"{self.per_minute:.2f} a minute"
        )


def false_words(
    references: Iterable[Sequence[str]],
    hypotheses: Iterable[Sequence[str]],
    seconds: Iterable[float],
) -> FalseWords:
    """Count the glosses in the clips without reference glosses.

    Args:
        references, hypotheses: glosses of each clip.
        seconds: length of each clip.

    >>> from slr_keras.metrics.false_words import false_words
    >>> false_words([["A"], [], []], [["A"], ["B"], []], [4.0, 30.0, 30.0]).per_minute
    1.0
    """
    clips = zip(references, hypotheses, seconds, strict=True)
    rest = [(len(words), length) for signs, words, length in clips if not signs]
    words, lengths = (sum(column) for column in zip(*rest)) if rest else (0, 0.0)
    return FalseWords(words, lengths / 60, len(rest))
