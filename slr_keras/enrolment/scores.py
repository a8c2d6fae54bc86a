"""Scores of clips against enrolled signs: cosines to prototypes (enrolment-file.md, "Scores")."""

from dataclasses import dataclass

import numpy as np

_SMALLEST = 1e-12


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors `(..., dimension)` at unit length, float64; a vector of zeros stays zero.

    >>> from slr_keras.enrolment.scores import unit
    >>> unit([3.0, 4.0]).tolist()
    [0.6, 0.8]
    """
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _SMALLEST)


def prototype(vectors: np.ndarray) -> np.ndarray:
    """The prototype `(dimension,)` of examples `(examples, dimension)`: unit(mean(unit(v)))."""
    return unit(unit(vectors).mean(axis=0))


@dataclass(frozen=True)
class Gallery:
    """Prototypes of signs, of their examples and of the mirrored examples.

    Attributes:
        naming: `(signs, 2, naming components)`, unit length.
        rejection: `(signs, 2, dimension)`, unit length.

    >>> import numpy as np
    >>> from slr_keras.enrolment.scores import Gallery
    >>> vectors = np.eye(3)[[0, 0, 1]]
    >>> gallery = Gallery.of(vectors, vectors[:, ::-1], np.array([0, 0, 1]), 3)
    >>> gallery.scores(np.array([[2.0, 0.0, 0.0]]))[0].tolist()
    [[1.0, 0.0]]
    """

    naming: np.ndarray
    rejection: np.ndarray

    @classmethod
    def of(
        cls, vectors: np.ndarray, mirrored: np.ndarray, owners: np.ndarray, naming_components: int
    ) -> "Gallery":
        """Prototypes of signs from their examples.

        Args:
            vectors: `(examples, dimension)` of the examples.
            mirrored: the same of the mirrored examples.
            owners: `(examples,)`, the sign of each example, 0 to signs - 1.
            naming_components: number of leading components that name a sign.
        """
        both = np.stack([vectors, mirrored])
        count = int(owners.max()) + 1 if len(owners) else 0

        def prototypes(width: int) -> np.ndarray:
            rows = [
                [prototype(side[owners == sign][:, :width]) for side in both]
                for sign in range(count)
            ]
            return np.array(rows, np.float64).reshape(count, 2, width)

        return cls(prototypes(naming_components), prototypes(vectors.shape[1]))

    def scores(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Naming and rejection scores, each `(clips, signs)` in [-1, 1].

        Args:
            vectors: `(clips, dimension)` of the encoder.
        """
        width = self.naming.shape[-1]
        return (
            _largest_cosines(vectors[:, :width], self.naming),
            _largest_cosines(vectors, self.rejection),
        )

    def named(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sign that names each clip `(clips,)`, and its rejection score `(clips,)`."""
        naming, rejection = self.scores(vectors)
        best = naming.argmax(axis=1)
        return best, rejection[np.arange(len(best)), best]


def _largest_cosines(vectors: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    return np.einsum("qd,csd->qcs", unit(vectors), prototypes).max(axis=-1)
