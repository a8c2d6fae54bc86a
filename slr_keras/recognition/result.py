"""Result of the recognition of one clip."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slr_keras.decoding import Hypothesis

if TYPE_CHECKING:
    from slr_keras.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Recognition:
    """Glosses recognised in one clip.

    Attributes:
        glosses: recognised glosses, in order.
        times: (start, end) of each gloss in seconds from the beginning of the clip.
        confidences: confidence of each gloss, in [0, 1].
        log_probability: natural logarithm of the probability of the sequence.

    >>> from slr_keras.recognition.recogniser import Recognition
    >>> Recognition(("RAIN",), ((0.16, 0.48),), (0.98,), -0.1).glosses
    ('RAIN',)
    """

    glosses: tuple[str, ...]
    times: tuple[tuple[float, float], ...]
    confidences: tuple[float, ...]
    log_probability: float

    @classmethod
    def of(
        cls, hypothesis: Hypothesis, vocabulary: "Vocabulary", step_seconds: float
    ) -> "Recognition":
        """Convert a hypothesis: ids to glosses, steps to seconds."""
        return cls(
            vocabulary.decode(hypothesis.ids),
            tuple((start * step_seconds, end * step_seconds) for start, end in hypothesis.spans),
            hypothesis.confidences,
            hypothesis.log_probability,
        )
