"""Answers of enrolled signs to clips (enrolment-file.md, "Answer")."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.enrolment.encoding import Encoder, encoded
from slr_keras.enrolment.enrolment import Enrolment
from slr_keras.enrolment.threshold import ACCEPT
from slr_keras.utils.errors import UserError

# Clips of fewer frames show no movement.
LEAST_FRAMES = 2


@dataclass(frozen=True, eq=False)
class Answer:
    """What a clip shows.

    Attributes:
        sign: the sign that names the clip, even if it is refused; -1 for rest.
        score: its rejection score, in [-1, 1].
        confidences: confidence of each sign `(signs,)`; with `unknown`, the sum is 1.
        unknown: confidence that the clip shows none of the signs.
        accepted: whether the clip shows `sign`; otherwise the clip is unknown or rest.
        rest: whether the clip shows rest.
    """

    sign: int
    score: float
    confidences: np.ndarray
    unknown: float
    accepted: bool
    rest: bool = False


class Matcher:
    """Answers clips with enrolled signs.

    Args:
        enrolment: the signs.
        encoder: that made their vectors.
        accept: fraction of unknown clips that may be accepted, between 0 and 1.

    Attributes:
        threshold: lowest rejection score of an accepted clip.

    Raises:
        UserError: the encoder is another one, or the fraction is out of range.
    """

    def __init__(self, enrolment: Enrolment, encoder: Encoder, accept: float = ACCEPT):
        if not 0 < accept < 1:
            raise UserError(f"accept is {accept}; it must be a number between 0 and 1")
        enrolment.require_encoder(encoder)
        self.enrolment = enrolment
        self.encoder = encoder
        self.threshold = enrolment.impostors.threshold(accept)
        self._gallery = enrolment.gallery()
        self._limit = enrolment.impostors.limit(accept)

    @property
    def limit(self) -> float:
        """Highest `unknown` of an accepted clip; equivalent to `threshold`."""
        return self._limit

    def __call__(self, clips: Sequence[np.ndarray]) -> list[Answer]:
        """The answer of each prepared clip `(time, points, 3)`."""
        resting = [len(clip) < LEAST_FRAMES or self.enrolment.rest(clip) for clip in clips]
        signing = [clip for clip, rests in zip(clips, resting, strict=True) if not rests]
        answers = iter(self.answers(encoded(self.encoder, signing)) if signing else ())
        return [self._rest() if rests else next(answers) for rests in resting]

    def answers(self, vectors: np.ndarray) -> list[Answer]:
        """The answers of clips of vectors `(clips, dimension)`, none of which shows rest."""
        naming, rejection = self._gallery.scores(vectors)
        exponents = naming / self.enrolment.temperature
        weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        shares = weights / weights.sum(axis=1, keepdims=True)
        answers = []
        for row, sign in enumerate(naming.argmax(axis=1).tolist()):
            score = float(rejection[row, sign])
            unknown = float(self.enrolment.impostors.unknown(score))
            confidences = shares[row] * (1 - unknown)
            answers.append(Answer(sign, score, confidences, unknown, unknown <= self._limit))
        return answers

    def _rest(self) -> Answer:
        return Answer(-1, 0.0, np.zeros(len(self.enrolment.signs)), 0.0, False, True)
