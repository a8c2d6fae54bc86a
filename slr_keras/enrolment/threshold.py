"""From rejection scores to "unknown": threshold at a false-accept rate, and confidence.

Scores of unknown clips are modelled from two sources (enrolment-file.md, "Threshold"):

* the enrolled signs themselves, each example against the other signs, as a logistic distribution F
  with mean m and scale b = d √3/π; the best of C signs has the distribution F^C;
* background signs that come with the encoder, each against the sign that would name it.

The threshold is the larger of the two quantiles.
"""

import math
from dataclasses import dataclass

import numpy as np

from slr_keras.enrolment.scores import Gallery

#: False-accept rate of commands that are given none.
ACCEPT = 0.05
#: Temperature of the softmax over naming scores.
TEMPERATURE = 0.08
#: Signs whose prototypes have a larger cosine are too alike to be impostors of each other.
TOO_ALIKE = 0.7
# With one sign and no background: of pairs of different signs of the development sets.
_MEAN, _DEVIATION = 0.2, 0.15
# Few examples may happen to have equal scores.
_LEAST_DEVIATION = 0.05
_HIGHEST = 0.95


@dataclass(frozen=True)
class Impostors:
    """Rejection scores of clips that show none of the enrolled signs.

    Attributes:
        signs: C, number of enrolled signs.
        mean: m, of the scores of examples against other signs.
        deviation: d, standard deviation of these scores.
        background: scores of background signs, ascending `(clips,)`; may be empty.

    >>> from slr_keras.enrolment.threshold import Impostors
    >>> impostors = Impostors(signs=1, mean=0.2, deviation=0.1, background=())
    >>> round(impostors.threshold(0.5), 6), round(impostors.unknown(0.2), 6)
    (0.2, 0.5)
    """

    signs: int
    mean: float
    deviation: float
    background: np.ndarray

    @property
    def scale(self) -> float:
        """b of the logistic distribution."""
        return self.deviation * math.sqrt(3) / math.pi

    def unknown(self, score: float | np.ndarray) -> np.ndarray:
        """Probability `1 - F(score)^C` that an unknown clip scores higher.

        This is also the confidence that a clip of this score is unknown.
        """
        exponent = (self.mean - np.asarray(score, np.float64)) / self.scale
        return -np.expm1(-self.signs * np.logaddexp(0, exponent))

    def threshold(self, accept: float) -> float:
        """The lowest rejection score of an answer.

        Args:
            accept: fraction of unknown clips that may be accepted, between 0 and 1.
        """
        below = (1 - accept) ** (1 / max(self.signs, 1))
        threshold = self.mean + self.scale * math.log(below / (1 - below))
        if len(self.background):
            threshold = max(threshold, float(np.quantile(self.background, 1 - accept)))
        return min(threshold, _HIGHEST)

    def limit(self, accept: float) -> float:
        """The highest `unknown` of an answer; the threshold in terms of probability."""
        return float(self.unknown(self.threshold(accept)))


def impostors_of(
    gallery: Gallery,
    vectors: np.ndarray,
    owners: np.ndarray,
    background: np.ndarray | None = None,
) -> Impostors:
    """Estimate the scores of unknown clips.

    Args:
        gallery: of the enrolled signs.
        vectors: `(examples, dimension)`.
        owners: `(examples,)`, sign of each example.
        background: `(clips, dimension)` vectors of background signs; None: there are none. One
            that scores above `TOO_ALIKE` is taken for an enrolled sign, and left out.
    """
    signs = len(gallery.naming)
    _, scores = gallery.scores(vectors)
    others = scores[~too_alike(gallery)[owners]]
    deviations = [_LEAST_DEVIATION]
    if len(others):
        deviations.append(float(others.std()))
    maxima = np.zeros(0)
    if background is not None and len(background) and signs:
        background = background[gallery.scores(background)[1].max(axis=1) <= TOO_ALIKE]
    if background is not None and len(background) and signs:
        _, all_scores = gallery.scores(background)
        deviations.append(float(all_scores.std()))
        maxima = np.sort(gallery.named(background)[1])
        mean = float(others.mean() if len(others) else all_scores.mean())
    else:
        mean = float(others.mean()) if len(others) else _MEAN
        deviations += [] if len(others) else [_DEVIATION]
    return Impostors(signs, mean, max(deviations), maxima)


def too_alike(gallery: Gallery) -> np.ndarray:
    """Which signs are one sign or nearly so, `(signs, signs)` booleans; true on the diagonal."""
    return alikeness(gallery) > TOO_ALIKE


def alikeness(gallery: Gallery) -> np.ndarray:
    """Largest naming cosine of the prototypes of two signs, `(signs, signs)`; 1 on the diagonal."""
    prototypes = gallery.naming
    pairs = [(one, other) for one in range(2) for other in range(2)]
    cosines = np.maximum.reduce(
        [prototypes[:, one] @ prototypes[:, other].T for one, other in pairs]
    )
    np.fill_diagonal(cosines, 1.0)
    return cosines
