"""The folder of a TFLite bundle: its files, their meaning, and the check of their digests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.bundle.exported_files import LABELS, read_labels, read_language_model
from slr_keras.bundle.schema import METADATA as SCHEMA, SENTENCES, SIGN
from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.sampling import REDUCTION, evaluation_length
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import has_format, read_json, sha256
from slr_keras.utils.schema import checked

FORMAT, VERSION = "slr_keras.tflite", 1
METADATA, CONTRACT, MODEL_CARD = "metadata.json", "keypoints.json", "MODEL_CARD.md"
GOLDEN_ARRAYS, GOLDEN_TEXT = "golden.npz", "golden.json"
__all__ = ["SENTENCES", "SIGN", "Bundle", "is_bundle"]


def is_bundle(path: str | Path) -> bool:
    """Whether a folder holds the `metadata.json` of a bundle.

    >>> from slr_keras.bundle.bundle import is_bundle
    >>> is_bundle("no such folder")
    False
    """
    return has_format(Path(path) / METADATA, FORMAT)


@dataclass(frozen=True)
class Bundle:
    """A TFLite bundle, written by `slr tflite`.

    Attributes:
        path: the folder.
        metadata: content of `metadata.json`, see `export.lite.metadata`.
        contract: format of the raw points; the files prepare the points themselves.
        vocabulary: of the run.

    Example::

        bundle = Bundle.load("runs/demo/tflite")
        print(bundle.buckets, bundle.precisions)
    """

    path: Path
    metadata: dict[str, Any]
    contract: KeypointContract
    vocabulary: Vocabulary

    @classmethod
    def load(cls, path: str | Path) -> "Bundle":
        """Read the description of a bundle; no `.tflite` file is read yet.

        Raises:
            UserError: the folder is no bundle, has another version, or holds files of another
                bundle.
        """
        path = Path(path)
        if not is_bundle(path):
            raise UserError(f"{path}: no bundle here; `slr tflite RUN --to {path}` makes one")
        metadata = read_json(path / METADATA)
        if metadata.get("version") != VERSION:
            raise UserError(
                f"{path / METADATA}: the bundle has version {metadata.get('version')!r}, this "
                f"program reads version {VERSION}; export the run again"
            )
        checked(metadata, SCHEMA, path / METADATA, "export the run again")
        _check_files(metadata, path / METADATA)
        DecodingConfig.from_metadata(metadata["decoding"], path / METADATA)
        contract = KeypointContract.read(path / CONTRACT)
        vocabulary = read_labels(path / LABELS, _output(metadata["task"]))
        for file, kind, digest in (
            (CONTRACT, "contract", contract.digest),
            (LABELS, "vocabulary", vocabulary.digest),
        ):
            if digest != metadata[kind]["digest"]:
                raise UserError(
                    f"{path / file}: its digest is {digest}, the bundle was made with "
                    f"{metadata[kind]['digest']}; restore the {file} of the bundle"
                )
        return cls(path, metadata, contract, vocabulary)

    @property
    def model_name(self) -> str:
        """Name of the registered model."""
        return self.metadata["run"]["model"]

    @property
    def buckets(self) -> tuple[int, ...]:
        """Input lengths of the files in frames, ascending."""
        return tuple(self.metadata["buckets"])

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions of the files; the first is the default."""
        return tuple(self.metadata["precisions"])

    @property
    def modality(self) -> Modality:
        """What the model reads: "keypoints"."""
        return self.contract.modality

    @property
    def output(self) -> Output:
        """What the model gives for a clip: "glosses" or one "sign"."""
        return _output(self.metadata["task"])

    @property
    def step_frames(self) -> int:
        """Frames for each step of the scores (the model's stride)."""
        return self.metadata["step_frames"]

    def steps(self, frames: int) -> int:
        """Number of steps of the scores, without padding, of a clip of `frames` frames."""
        if self.output == "sign":
            return 1
        return evaluation_length(frames, frames + REDUCTION) // self.step_frames

    @property
    def decoding(self) -> DecodingConfig:
        """The decoding of the recipe."""
        return DecodingConfig(**self.metadata["decoding"])

    @property
    def scoring(self) -> str:
        """The clean-up rules of the run's recipe."""
        return self.metadata["scoring"]

    def require_head(self, head: str) -> None:
        """Refuse a head whose scores the files do not compute.

        Args:
            head: "ensemble" for the scores that the files give, or the name of a head.

        Raises:
            UserError: names the heads that were exported.
        """
        heads = self.metadata["heads"]
        if head != "ensemble" and heads != [head]:
            raise UserError(
                f"--head {head}: {self.path} holds the scores of {', '.join(heads)} alone; leave "
                "--head out, or export the run with another --head"
            )

    def chosen(self, precision: str | None) -> str:
        """The precision that is asked for; the first of the bundle by default.

        Raises:
            UserError: the bundle has no such precision; names those it has.
        """
        if precision is None:
            return self.precisions[0]
        if precision not in self.precisions:
            raise UserError(
                f"{self.path}: has no precision {precision!r}; it has {', '.join(self.precisions)}"
            )
        return precision

    def file(self, precision: str, bucket: int) -> Path:
        """The path of a `.tflite` file whose digest has been checked.

        Raises:
            UserError: the file is missing, or differs from the one that was verified.
        """
        return self._checked(self.metadata["precisions"][precision]["files"][str(bucket)])

    def stream_file(self, precision: str | None = None) -> Path:
        """The path of the streaming form, checked like `file`; the first precision by default.

        Raises:
            UserError: the bundle has no streaming form of this precision; or as `file`.
        """
        files = self.metadata.get("streaming", {}).get("files", {})
        if not files:
            raise UserError(
                f"{self.path}: has no streaming form; export the run again with --streaming ema"
            )
        precision = precision or next(iter(files))
        if precision not in files:
            raise UserError(f"{self.path}: streams in {', '.join(files)}, not in {precision!r}")
        return self._checked(files[precision])

    def _checked(self, entry: dict[str, Any]) -> Path:
        name = entry["file"]
        if Path(name).name != name:
            raise UserError(f"{self.path / METADATA}: {name!r} is not the name of a file here")
        path = self.path / name
        if not path.is_file():
            raise UserError(f"{path}: the file is missing; export the run again")
        if sha256(path) != entry["sha256"]:
            raise UserError(f"{path}: not the file that was verified; export the run again")
        return path

    def language_model(self, decoding: DecodingConfig) -> NgramLanguageModel | None:
        """The gloss language model that a decoding config asks for; None if it asks for none.

        Raises:
            UserError: the bundle has none, or one of another order.
        """
        return read_language_model(self.path, self.vocabulary, decoding, "export")


def _check_files(metadata: dict[str, Any], where: Path) -> None:
    """Refuse a bundle that lacks the file of a precision and a bucket."""
    for precision, entry in metadata["precisions"].items():
        for bucket in metadata["buckets"]:
            if str(bucket) not in entry["files"]:
                raise UserError(
                    f"{where}: 'precisions.{precision}.files' lacks {bucket}, one of 'buckets'; "
                    "export the run again"
                )


def _output(task: str) -> Output:
    return "sign" if task == SIGN else "glosses"
