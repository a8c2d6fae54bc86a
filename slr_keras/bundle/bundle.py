"""A bundle's folder: its files, what they hold, and whether they are still what was verified."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.sampling import REDUCTION, evaluation_length
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, read_text, sha256

FORMAT, VERSION = "slr_keras.tflite", 1
METADATA, CONTRACT, LABELS = "metadata.json", "keypoints.json", "labels.txt"
LANGUAGE_MODEL, MODEL_CARD = "language_model.json", "MODEL_CARD.md"
GOLDEN_ARRAYS, GOLDEN_TEXT = "golden.npz", "golden.json"
SENTENCES, SIGN = "sentences", "sign"


def is_bundle(path: str | Path) -> bool:
    """Whether a folder says that it is a bundle.

    >>> from slr_keras.bundle.bundle import is_bundle
    >>> is_bundle("no such folder")
    False
    """
    file = Path(path) / METADATA
    if not file.is_file():
        return False
    value = read_json(file)
    return isinstance(value, dict) and value.get("format") == FORMAT


@dataclass(frozen=True)
class Bundle:
    """What `python -m export.tflite` wrote.

    Attributes:
        path: its folder.
        metadata: see `export.lite.metadata`.
        contract: how raw points are given; the files prepare them.
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
        """Read a bundle; no `.tflite` file yet.

        Raises:
            UserError: there is none, it is of another version, or its parts do not go together.
        """
        path = Path(path)
        if not is_bundle(path):
            raise UserError(
                f"{path}: no bundle here; `python -m export.tflite RUN --to {path}` makes one"
            )
        metadata = read_json(path / METADATA)
        if metadata.get("version") != VERSION:
            raise UserError(
                f"{path / METADATA}: a bundle of version {metadata.get('version')!r}, this program "
                f"reads version {VERSION}; export the run again"
            )
        contract = KeypointContract.read(path / CONTRACT)
        vocabulary = _vocabulary(path / LABELS, metadata["task"])
        for file, kind, found in (
            (CONTRACT, "contract", contract.digest),
            (LABELS, "vocabulary", vocabulary.digest),
        ):
            if found != metadata[kind]["digest"]:
                raise UserError(
                    f"{path / file}: its digest is {found}, the bundle was made with "
                    f"{metadata[kind]['digest']}; put the bundle's own {file} back"
                )
        return cls(path, metadata, contract, vocabulary)

    @property
    def model_name(self) -> str:
        """Of the run's model."""
        return self.metadata["run"]["model"]

    @property
    def buckets(self) -> tuple[int, ...]:
        """Frames that the files take, ascending."""
        return tuple(self.metadata["buckets"])

    @property
    def precisions(self) -> tuple[str, ...]:
        """Which there are; the first is the default."""
        return tuple(self.metadata["precisions"])

    @property
    def modality(self) -> Modality:
        """What the model reads."""
        return self.contract.modality

    @property
    def output(self) -> Output:
        """What the model gives for a clip: "glosses" or one "sign"."""
        return "sign" if self.metadata["task"] == SIGN else "glosses"

    @property
    def step_frames(self) -> int:
        """Frames of a step of the scores."""
        return self.metadata["step_frames"]

    def steps(self, frames: int) -> int:
        """Steps of the scores of a clip of so many frames that are not padding."""
        if self.output == "sign":
            return 1
        return evaluation_length(frames, frames + REDUCTION) // self.step_frames

    @property
    def decoding(self) -> DecodingConfig:
        """How the run decodes."""
        return DecodingConfig(**self.metadata["decoding"])

    @property
    def scoring(self) -> str:
        """The clean-up rules of the run's recipe."""
        return self.metadata["scoring"]

    def require_head(self, head: str) -> None:
        """Refuse a head whose scores are not in the files.

        Args:
            head: "ensemble" for what the files give, or the name of a head.

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
        """A precision that the bundle has; its first by default.

        Raises:
            UserError: it has no such precision; says which it has.
        """
        if precision is None:
            return self.precisions[0]
        if precision not in self.precisions:
            raise UserError(
                f"{self.path}: has no precision {precision!r}; it has {', '.join(self.precisions)}"
            )
        return precision

    def file(self, precision: str, bucket: int) -> Path:
        """A `.tflite` file, checked against its digest.

        Raises:
            UserError: it is not there, or not the file that was verified.
        """
        return self._checked(self.metadata["precisions"][precision]["files"][str(bucket)])

    def stream_file(self, precision: str | None = None) -> Path:
        """The `.tflite` file of the streaming form, checked; of the first precision by default.

        Raises:
            UserError: the bundle has none, or not of this precision; as `file`.
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
        order = decoding.language_model_order
        if not order:
            return None
        file = self.path / LANGUAGE_MODEL
        kept = NgramLanguageModel.kept(file, self.vocabulary.digest, order)
        if kept is None:
            raise UserError(
                f"{self.path}: holds no gloss language model of order {order}; decode without, or "
                "export a run that decodes with it"
            )
        return kept


def labels(vocabulary: Vocabulary, output: Output) -> tuple[str, ...]:
    """The meaning of each column of the scores: tokens, or the signs alone.

        >>> from slr_keras.bundle.bundle import labels
        >>> from slr_keras.data.sampling import REDUCTION, evaluation_length
    from slr_keras.data.vocabulary import Vocabulary
        >>> labels(Vocabulary(("RAIN",)), "glosses")
        ('<blank>', '<unk>', 'RAIN')
    """
    return vocabulary.glosses if output == "sign" else vocabulary.tokens


def _vocabulary(path: Path, task: str) -> Vocabulary:
    if task == SENTENCES:
        return Vocabulary.read(path)
    return Vocabulary(tuple(read_text(path).splitlines()))
