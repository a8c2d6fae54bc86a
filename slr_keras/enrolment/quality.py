"""What is wrong with an enrolment: signs that are too alike, and recordings that fit no sign."""

from dataclasses import dataclass

import numpy as np

from slr_keras.enrolment.enrolment import Enrolment
from slr_keras.enrolment.scores import Gallery
from slr_keras.enrolment.threshold import ACCEPT, TOO_ALIKE, alikeness


@dataclass(frozen=True)
class Alike:
    """Two signs that the encoder hardly tells apart.

    Attributes:
        one, other: their names.
        cosine: of their prototypes.
    """

    one: str
    other: str
    cosine: float

    def __str__(self) -> str:
        return (
            f"{self.one} and {self.other} are too alike (cosine {self.cosine:.2f}): sign them more "
            "differently, or keep one of them"
        )


@dataclass(frozen=True)
class Outlier:
    """A recording that the other recordings do not confirm.

    Attributes:
        sign: its sign.
        source: its file.
        looks_like: the sign that the other recordings name; the own one if they refuse it.
        score: its rejection score against the other recordings of its sign.
    """

    sign: str
    source: str
    looks_like: str
    score: float

    def __str__(self) -> str:
        like = (
            f"looks more like {self.looks_like}"
            if self.looks_like != self.sign
            else f"is unlike the other recordings of {self.sign} (score {self.score:.2f})"
        )
        return f"{self.source}: {like}; look at it, and record it again if it is wrong"


def alike_signs(enrolment: Enrolment) -> list[Alike]:
    """Pairs of signs whose prototypes have a naming cosine above `TOO_ALIKE`, nearest first."""
    cosines = alikeness(enrolment.gallery())
    pairs = [
        Alike(enrolment.signs[one], enrolment.signs[other], float(cosines[one, other]))
        for one, other in zip(*np.nonzero(np.triu(cosines > TOO_ALIKE, 1)), strict=True)
    ]
    return sorted(pairs, key=lambda pair: -pair.cosine)


def outliers(enrolment: Enrolment) -> list[Outlier]:
    """Recordings that the others of their sign do not confirm, by leaving each of them out.

    A recording of a sign with at least two is an outlier if the others give it the name of another
    sign; one of a sign with at least three, if they refuse it at the default false-accept rate.
    """
    threshold = enrolment.impostors.threshold(ACCEPT)
    whole = enrolment.gallery()
    unconfirmed = []
    for sign, name in enumerate(enrolment.signs):
        rows = enrolment.rows(sign)
        for row in rows if len(rows) > 1 else ():
            named, score = _left_out(enrolment, whole, sign, row)
            if named != sign or (len(rows) > 2 and score < threshold):
                source = enrolment.examples[row].source
                unconfirmed.append(Outlier(name, source, enrolment.signs[named], score))
    return unconfirmed


def _left_out(enrolment: Enrolment, whole: Gallery, sign: int, row: int) -> tuple[int, float]:
    """Which sign names an example that is left out, and its score against its own sign."""
    rows = enrolment.rows(sign)
    others = rows[rows != row]
    own = Gallery.of(
        enrolment.vectors[others],
        enrolment.mirrored[others],
        np.zeros(len(others), int),
        enrolment.encoder.naming_components,
    )
    naming, rejection = whole.scores(enrolment.vectors[[row]])
    own_naming, own_rejection = own.scores(enrolment.vectors[[row]])
    naming[0, sign], rejection[0, sign] = own_naming[0, 0], own_rejection[0, 0]
    return int(naming[0].argmax()), float(rejection[0, sign])
