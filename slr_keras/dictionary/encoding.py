"""What look-up needs of a sign encoder, and the vectors that are compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.utils.errors import UserError

#: The encoder of a command that is given none.
DEFAULT = "sign-encoder"
_SHORTEST = 1e-12
_HAND = ("hand", "thumb", "index", "middle", "ring", "little")


class Encoder(Protocol):
    """Maps prepared clips of one sign to vectors that are near for the same sign.

    Attributes:
        naming_components: number of leading components that name a sign.
        digest: identifies the weights, in hexadecimal digits.
        contract: how raw clips are prepared.
    """

    @property
    def naming_components(self) -> int:
        """See the class."""

    @property
    def digest(self) -> str:
        """See the class."""

    @property
    def contract(self) -> KeypointContract:
        """See the class."""

    def encode(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Vectors `(clips, dimension)` float32 of prepared clips `(time, points, 3)`."""

    def encode_mirrored(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """The same of the mirrored clips."""


def naming_vectors(
    encoder: Encoder, clips: Sequence[np.ndarray], mirrored: bool = False
) -> np.ndarray:
    """The components that name a sign, at unit length.

    Args:
        encoder: encodes the clips.
        clips: `(time, points, 3)` each, prepared.
        mirrored: encode the mirrored clips.

    Returns:
        `(clips, naming_components)` float32; a vector of zeros stays one.

    Raises:
        UserError: the encoder gives another shape, or values that are not finite.
    """
    width = encoder.naming_components
    if not clips:
        return np.zeros((0, width), np.float32)
    encode = encoder.encode_mirrored if mirrored else encoder.encode
    vectors = np.asarray(encode(clips), np.float32)
    if vectors.ndim != 2 or len(vectors) != len(clips) or vectors.shape[1] < width:
        raise UserError(
            f"the encoder gave vectors of shape {vectors.shape} for {len(clips)} clips, of which "
            f"{width} components name a sign; install the encoder again"
        )
    vectors = vectors[:, :width]
    if not np.isfinite(vectors).all():
        raise UserError("the encoder gave values that are not finite; install the encoder again")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, _SHORTEST)


def hand_rows(contract: KeypointContract) -> list[int]:
    """Rows of the points of both hands; of the wrists where the hands have no points.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.dictionary.encoding import hand_rows
    >>> len(hand_rows(contract("mediapipe_75")))
    42
    """
    return _rows(contract, _HAND) or _rows(contract, ("wrist",))


def require_hand(clip: np.ndarray, contract: KeypointContract, where: str) -> None:
    """Refuse a prepared clip in which neither a hand nor a wrist is seen.

    Args:
        clip: `(time, points, 3)`, prepared.
        contract: names the points.
        where: the clip, for messages.

    Raises:
        UserError: no such point is present in any frame.
    """
    hands = hand_rows(contract) + _rows(contract, ("wrist",))
    if hands and not (clip[:, hands, -1] > 0).any():
        raise UserError(f"{where}: no hand is seen in any frame; record the sign again")


def _rows(contract: KeypointContract, parts: Sequence[str]) -> list[int]:
    named = enumerate(contract.points)
    return [row for row, name in named if any(part in name for part in parts)]


def open_encoder(name: str | Path = DEFAULT) -> Encoder:
    """Open an encoder by the name or the folder of its preset.

    Raises:
        UserError: there is no such encoder, or it is damaged.
    """
    from slr_keras.enrolment.encoder import SignEncoder

    return SignEncoder.from_preset(name)
