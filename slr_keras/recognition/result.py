"""Result of the recognition of one clip."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.decoding import Hypothesis
from slr_keras.decoding.outputs import FIRST_GLOSS

if TYPE_CHECKING:
    from slr_keras.data.vocabulary import Vocabulary

#: Number of alternatives that a recognition keeps.
ALTERNATIVES = 5


@dataclass(frozen=True)
class Recognition:
    """Glosses recognised in one clip.

    Attributes:
        glosses: recognised glosses, in order.
        times: (start, end) of each gloss in seconds from the beginning of the clip.
        confidences: confidence of each gloss, in [0, 1].
        log_probability: natural logarithm of the probability of the sequence.
        alternatives: of a model that names the one sign of a clip: its most probable signs with
            their confidences, best first; empty for other models and for rest.

    >>> from slr_keras.recognition.recogniser import Recognition
    >>> Recognition(("RAIN",), ((0.16, 0.48),), (0.98,), -0.1).glosses
    ('RAIN',)
    """

    glosses: tuple[str, ...]
    times: tuple[tuple[float, float], ...]
    confidences: tuple[float, ...]
    log_probability: float
    alternatives: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(
        cls,
        hypothesis: Hypothesis,
        vocabulary: "Vocabulary",
        step_seconds: float,
        alternatives: tuple[tuple[str, float], ...] = (),
    ) -> "Recognition":
        """Convert a hypothesis: ids to glosses, steps to seconds."""
        return cls(
            vocabulary.decode(hypothesis.ids),
            tuple((start * step_seconds, end * step_seconds) for start, end in hypothesis.spans),
            hypothesis.confidences,
            hypothesis.log_probability,
            alternatives,
        )


def ranked_signs(
    scores: np.ndarray, vocabulary: "Vocabulary", count: int = ALTERNATIVES
) -> tuple[tuple[str, float], ...]:
    """The most probable signs of a clip with their probabilities, best first.

    Args:
        scores: `(1, tokens)` log-probabilities of a model of isolated signs.
        vocabulary: of the model.
        count: number of signs.

    >>> import numpy as np
    >>> from slr_keras.data.vocabulary import Vocabulary
    >>> from slr_keras.recognition.result import ranked_signs
    >>> ranked_signs(np.log([[1e-9, 1e-9, 0.25, 0.75]]), Vocabulary(("RAIN", "SUN")), 1)
    (('SUN', 0.75),)
    """
    signs = np.exp(np.asarray(scores[0, FIRST_GLOSS:], np.float64))
    best = np.argsort(-signs, kind="stable")[:count]
    return tuple(
        (vocabulary.decode([FIRST_GLOSS + place])[0], min(1.0, float(signs[place])))
        for place in best.tolist()
        if signs[place] > 0
    )
