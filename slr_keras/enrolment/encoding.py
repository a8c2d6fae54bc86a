"""What enrolment needs of a sign encoder, and how one is opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from slr_keras.data.arrays import read_array
from slr_keras.data.contract import KeypointContract
from slr_keras.hub import shipped
from slr_keras.utils.errors import UserError

#: The encoder of commands that are given none.
DEFAULT = "sign-encoder"
#: Vectors of background signs in the folder of an encoder.
BACKGROUND = "background.npy"


class Encoder(Protocol):
    """Maps prepared clips of one sign to vectors that are near for the same sign.

    Attributes:
        dimension: number of components of a vector.
        naming_components: number of leading components that name a sign.
        digest: identifies the weights, in hexadecimal digits.
        contract: how raw clips are prepared.
    """

    @property
    def dimension(self) -> int:
        """See the class."""

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


def encoded(encoder: Encoder, clips: Sequence[np.ndarray], mirrored: bool = False) -> np.ndarray:
    """Vectors of prepared clips, checked.

    Args:
        encoder: to use.
        clips: `(time, points, 3)` each.
        mirrored: encode the mirrored clips.

    Raises:
        UserError: the encoder gives another shape, or values that are not finite.
    """
    encode = encoder.encode_mirrored if mirrored else encoder.encode
    vectors = np.asarray(encode(clips), np.float32)
    if vectors.shape != (len(clips), encoder.dimension):
        raise UserError(
            f"the encoder gave vectors of shape {vectors.shape} for {len(clips)} clips, not "
            f"({len(clips)}, {encoder.dimension}); install the encoder again"
        )
    if not np.isfinite(vectors).all():
        raise UserError("the encoder gave values that are not finite; install the encoder again")
    return vectors


def background_of(encoder: Encoder) -> np.ndarray | None:
    """Vectors `(clips, dimension)` of background signs; None if the encoder has none.

    Raises:
        UserError: they have another dimension than the encoder.
    """
    vectors = getattr(encoder, "background", None)
    if vectors is None:
        return None
    if vectors.ndim != 2 or vectors.shape[1] != encoder.dimension:
        raise UserError(
            f"the background of the encoder has shape {vectors.shape}, its vectors have "
            f"{encoder.dimension} components; install the encoder again"
        )
    return vectors


def open_encoder(name_or_path: str | Path = DEFAULT) -> Encoder:
    """Open an encoder by the name or the folder of its preset.

    Raises:
        UserError: there is no such encoder, or it is damaged.
    """
    from slr_keras.enrolment.encoder import SignEncoder

    encoder = SignEncoder.from_preset(name_or_path)
    if getattr(encoder, "background", None) is not None:
        return encoder
    folder = Path(name_or_path)
    if not folder.is_dir():
        folder = shipped.folders().get(str(name_or_path), folder)
    file = folder / BACKGROUND
    return _WithBackground(encoder, read_array(file)) if file.is_file() else encoder


class _WithBackground:
    """An encoder with the background signs that its folder holds."""

    def __init__(self, encoder: Encoder, background: np.ndarray):
        self._encoder = encoder
        self.background = background

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)
