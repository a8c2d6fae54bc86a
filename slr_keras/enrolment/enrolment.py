"""Enrolled signs with everything that recognition needs except the encoder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.enrolment.encoding import Encoder
from slr_keras.enrolment.names import EnrolledVocabulary
from slr_keras.enrolment.rest import RestGate, rest_gate
from slr_keras.enrolment.scores import Gallery, prototype, unit
from slr_keras.enrolment.threshold import TEMPERATURE, Impostors, impostors_of
from slr_keras.utils.errors import UserError

#: Largest number of signs; every pair of them is compared.
MOST_SIGNS = 2000


@dataclass(frozen=True)
class Example:
    """One recording of a sign.

    Attributes:
        source: name of its file, for the user.
        frames: number of prepared frames.
        movement, low: see `slr_keras.enrolment.rest`.
        date: day of the recording, such as 2026-12-01; "" if unknown.
    """

    source: str
    frames: int
    movement: float
    low: float
    date: str = ""


@dataclass(frozen=True)
class EncoderIdentity:
    """Which encoder made the vectors.

    Attributes:
        name: of its preset.
        digest: of its weights.
        dimension, naming_components: see `slr_keras.enrolment.encoding.Encoder`.
    """

    name: str
    digest: str
    dimension: int
    naming_components: int

    @classmethod
    def of(cls, encoder: Encoder, name: str) -> "EncoderIdentity":
        """The identity of an encoder that was opened by a name."""
        return cls(name, encoder.digest, encoder.dimension, encoder.naming_components)


@dataclass(frozen=True, eq=False)
class Enrolment:
    """Enrolled signs; made by `enrolled`, and read and written by `slr_keras.enrolment.storage`.

    Attributes:
        encoder: which encoder made the vectors.
        contract: of the encoder.
        signs: names, in the order of their enrolment.
        owners: `(examples,)`, sign of each example.
        examples: recordings; those of one sign need not be neighbours.
        vectors, mirrored: `(examples, dimension)` float32, of the recordings and of their mirror
            images.
        impostors: scores of clips that show none of the signs.
        rest: gate for clips in which nothing is signed.
        temperature: of the softmax over naming scores.
    """

    encoder: EncoderIdentity
    contract: KeypointContract
    signs: tuple[str, ...]
    owners: np.ndarray
    examples: tuple[Example, ...]
    vectors: np.ndarray
    mirrored: np.ndarray
    impostors: Impostors
    rest: RestGate
    temperature: float = TEMPERATURE

    @property
    def vocabulary(self) -> Vocabulary:
        """The names of the signs."""
        return EnrolledVocabulary(self.signs)

    def gallery(self) -> Gallery:
        """The prototypes of all signs."""
        return Gallery.of(self.vectors, self.mirrored, self.owners, self.encoder.naming_components)

    def rows(self, sign: int) -> np.ndarray:
        """Rows of the examples of a sign."""
        return np.flatnonzero(self.owners == sign)

    def spread(self, sign: int) -> float | None:
        """Mean of 1 - cosine of each example and the prototype of the others; None for one."""
        rows = self.rows(sign)
        if len(rows) < 2:
            return None
        distances = [
            1 - float(unit(self.vectors[row]) @ prototype(self.vectors[rows[rows != row]]))
            for row in rows
        ]
        return float(np.mean(distances))

    def require_encoder(self, encoder: Encoder, where: str = "the enrolment") -> None:
        """Refuse another encoder than the one that made the vectors.

        Raises:
            UserError: the digests, dimensions or contracts differ.
        """
        other = EncoderIdentity.of(encoder, self.encoder.name)
        if other != self.encoder:
            raise UserError(
                f"{where}: was made with the encoder {self.encoder.name!r} of digest "
                f"{self.encoder.digest}, and this one has {encoder.digest}; name that encoder with "
                "--encoder, or enrol the recordings again"
            )
        self.contract.require_same(encoder.contract, where, "the encoder")

    def renamed(self, old: str, new: str) -> "Enrolment":
        """The enrolment with another name of a sign.

        Raises:
            UserError: there is no such sign, or the new name is taken.
        """
        if new in self.signs:
            raise UserError(f"{new!r} is enrolled already; choose another name")
        place = self.signs.index(old)
        return replace(self, signs=(*self.signs[:place], new, *self.signs[place + 1 :]))


def enrolled(
    encoder: EncoderIdentity,
    contract: KeypointContract,
    names: Sequence[str],
    examples: Sequence[Example],
    vectors: np.ndarray,
    mirrored: np.ndarray,
    background: np.ndarray | None = None,
) -> Enrolment:
    """Enrol recordings: estimate thresholds and the gate for rest.

    Args:
        encoder: which encoder made the vectors.
        contract: of the encoder.
        names: sign of each recording; signs keep the order in which they first occur.
        examples: the recordings.
        vectors, mirrored: `(recordings, dimension)`.
        background: `(clips, dimension)` vectors of background signs.

    Raises:
        UserError: there is no recording, or there are too many signs.
    """
    if not examples:
        raise UserError("no recording is left to enrol")
    signs = tuple(dict.fromkeys(names))
    if len(signs) > MOST_SIGNS:
        raise UserError(
            f"{len(signs)} signs are more than the {MOST_SIGNS} that a file may have; train a model"
        )
    owners = np.array([signs.index(name) for name in names])
    vectors, mirrored = (np.asarray(value, np.float32) for value in (vectors, mirrored))
    gallery = Gallery.of(vectors, mirrored, owners, encoder.naming_components)
    return Enrolment(
        encoder,
        contract,
        signs,
        owners,
        tuple(examples),
        vectors,
        mirrored,
        impostors_of(gallery, vectors, owners, background),
        rest_gate(contract, [e.movement for e in examples], [e.low for e in examples]),
    )
