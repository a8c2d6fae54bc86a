"""The sign encoder of a preset: vectors of clips by its TFLite file, without TensorFlow."""

import contextlib
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.bundle.interpreter import Interpreter
from slr_keras.data.arrays import read_array
from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import mirror
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import has_format, read_json, sha256
from slr_keras.utils.schema import any_text, checked, digest, mapping, one_of, record, whole

FORMAT, VERSION = "slr_keras.sign_encoder", 1
DESCRIPTION, CONTRACT, BACKGROUND = "encoder.json", "keypoints.json", "background.npy"
#: Encoders that are installed with the package.
SHIPPED = Path(__file__).parent.parent / "hub" / "encoders"
PRECISIONS = ("fp32", "fp16", "int8")
_AGAIN = "install the encoder again, or make it again with `slr encoder`"

_SCHEMA = record(
    {
        "format": one_of(FORMAT),
        "version": whole(),
        "dimension": whole(),
        "naming_components": whole(),
        "frames": whole(),
        "precisions": any_text,
        "digest": digest,
        "files": mapping(record({"bytes": whole(), "sha256": digest}), 1),
    },
    dict.fromkeys(("name", "title", "licence"), any_text),
)


class SignEncoder:
    """Encodes prepared clips of one sign, see `slr_keras.enrolment.encoding.Encoder`.

    The file runs in a child process, which ends with the object.

    Args:
        path: folder of the encoder.
        precision: of the file; the first of the description by default.

    Raises:
        UserError: the folder is no encoder, or is damaged.

    Attributes:
        path: the folder.
        dimension: components of a vector.
        naming_components: number of leading components that name a sign; all of them tell known
            signs from others.
        digest: SHA-256 of the weights and the contract, in hexadecimal digits.
        contract: how raw clips are prepared.
        background: `(signs, dimension)` float32, vectors of signs and of idle movement.

    >>> import numpy as np
    >>> from slr_keras.enrolment.encoder import SignEncoder
    >>> encoder = SignEncoder.from_preset("sign-encoder")
    >>> clip = np.random.default_rng(0).random((20, len(encoder.contract.points), 3))
    >>> encoder.encode([clip, clip[::2]]).shape == (2, encoder.dimension)
    True
    """

    def __init__(self, path: str | Path, precision: str | None = None):
        self.path = Path(path)
        description = _described(self.path)
        self.dimension: int = description["dimension"]
        self.naming_components: int = description["naming_components"]
        self.digest: str = description["digest"]
        self.contract = KeypointContract.read(self.path / CONTRACT)
        self.background = _background(self.path, self.dimension)
        self._frames: int = description["frames"]
        precisions = description["precisions"].split()
        precision = precision or precisions[0]
        if precision not in precisions:
            raise UserError(
                f"{self.path}: the encoder has no {precision} file; choose {', '.join(precisions)}"
            )
        self._file = self.path / file_name(precision)
        self._resources = contextlib.ExitStack()
        self._interpreter: Interpreter | None = None
        weakref.finalize(self, self._resources.close)

    @classmethod
    def from_preset(cls, name_or_path: str | Path = "sign-encoder") -> "SignEncoder":
        """Open an encoder that is installed with the package, or a folder of one.

        Raises:
            UserError: there is no such encoder, or it is damaged.
        """
        shipped = SHIPPED / str(name_or_path)
        known = sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))
        if shipped.name in known and str(name_or_path) == shipped.name:
            return cls(shipped)
        if not (Path(name_or_path) / DESCRIPTION).is_file():
            raise UserError(
                f"{name_or_path}: no sign encoder here (no {DESCRIPTION}), and none of this name "
                f"is installed; installed: {', '.join(known) or 'none'}"
            )
        return cls(name_or_path)

    def encode(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Vectors `(clips, dimension)` float32 of prepared clips `(time, points, 3)`.

        Longer clips than the file takes are read at evenly spaced frames.

        Raises:
            UserError: a clip has no frame, or other points than the contract.
        """
        vectors = np.empty((len(clips), self.dimension), np.float32)
        for row, clip in enumerate(clips):
            vectors[row] = self._run(self._padded(clip, row))
        return vectors

    def encode_mirrored(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """The same of the mirrored clips."""
        return self.encode([mirror(np.asarray(clip), self.contract.mirror) for clip in clips])

    def close(self) -> None:
        """End the child process; the next clip starts another."""
        self._resources.close()
        self._interpreter = None

    def _padded(self, clip: np.ndarray, row: int) -> dict[str, np.ndarray]:
        clip = np.asarray(clip, np.float32)
        wanted = (len(self.contract.points), len(self.contract.channels))
        if clip.ndim != 3 or clip.shape[1:] != wanted or not len(clip):
            raise UserError(
                f"clip {row} has shape {clip.shape}, the encoder reads (frames, {wanted[0]}, "
                f"{wanted[1]}) with at least one frame; prepare it by the encoder's contract"
            )
        if len(clip) > self._frames:
            clip = clip[np.linspace(0, len(clip) - 1, self._frames).round().astype(int)]
        keypoints = np.zeros((1, self._frames, *wanted), np.float32)
        keypoints[0, : len(clip)] = np.nan_to_num(clip)
        mask = (np.arange(self._frames) < len(clip)).astype(np.float32)[None]
        return {"keypoints": keypoints, "mask": mask}

    def _run(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        if self._interpreter is None:
            self._interpreter = self._resources.enter_context(Interpreter(self._file))
        (vector,) = self._interpreter.run(**inputs).values()
        return vector[0]


def file_name(precision: str) -> str:
    """Name of the file of a precision.

    >>> from slr_keras.enrolment.encoder import file_name
    >>> file_name("int8")
    'encoder_int8.tflite'
    """
    return f"encoder_{precision}.tflite"


def _described(path: Path) -> dict[str, Any]:
    """The description of an encoder whose files are all as it says."""
    if not has_format(path / DESCRIPTION, FORMAT):
        raise UserError(f"{path}: no sign encoder here (no {DESCRIPTION} of one); {_AGAIN}")
    description = read_json(path / DESCRIPTION)
    if description.get("version") != VERSION:
        raise UserError(
            f"{path / DESCRIPTION}: the encoder has version {description.get('version')!r}, this "
            f"program reads version {VERSION}; {_AGAIN}"
        )
    checked(description, _SCHEMA, path / DESCRIPTION, _AGAIN)
    for name, about in description["files"].items():
        file = path / Path(name).name
        if not file.is_file() or file.stat().st_size != about["bytes"]:
            raise UserError(f"{file}: the file is missing or has another size; {_AGAIN}")
        if sha256(file) != about["sha256"]:
            raise UserError(f"{file}: the file is damaged (another digest); {_AGAIN}")
    return description


def _background(path: Path, dimension: int) -> np.ndarray | None:
    file = path / BACKGROUND
    if not file.is_file():
        return None
    vectors = read_array(file)
    if vectors.ndim != 2 or vectors.shape[1] != dimension or not np.isfinite(vectors).all():
        raise UserError(f"{file}: not an array (signs, {dimension}) of finite numbers; {_AGAIN}")
    return vectors.astype(np.float32)
