"""Assets of a served version that a client reads: description, contract, labels.

TensorFlow Serving does not send the assets of a version. A client therefore needs a copy of them:
the folder of the model, of a version, or the folder `assets` of a version.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.graph.description import DESCRIPTION, FORMAT, FORMAT_VERSION
from export.graph.publication import versions
from slr_keras.bundle.exported_files import LABELS, read_labels, read_language_model
from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel
from slr_keras.text.phoenix import CLEAN_UP
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json
from slr_keras.utils.schema import (
    anything,
    ascending,
    checked,
    digest,
    file_name,
    mapping,
    nullable,
    one_of,
    record,
    text,
    whole,
)

CONTRACTS = {contract.modality: contract for contract in (KeypointContract, FrameContract)}
_FRAMES = whole(1, 2**20)
_SCHEMA = record(
    {
        "model": text,
        "kind": one_of("continuous", "isolated"),
        "modality": one_of(*CONTRACTS),
        "contract": record({"file": file_name, "digest": digest}),
        "stride": nullable(_FRAMES),
        "buckets": ascending(_FRAMES, 0),
        "limits": record({"longest": _FRAMES}),
        "decoding": record({"greedy": nullable(text), "recipe": mapping(anything)}),
    },
    {"scoring": one_of(*CLEAN_UP)},
)


@dataclass(frozen=True)
class Assets:
    """Labels, contract and description of a version.

    Attributes:
        path: the folder of the assets.
        description: `serving.json`, see `export.graph.description`.
        contract: how clips are given.
        vocabulary: whose tokens the columns of the scores are.

    Example::

        assets = Assets.load("served/stark")
        print(assets.description["model"], assets.buckets)
    """

    path: Path
    description: dict[str, Any]
    contract: KeypointContract | FrameContract
    vocabulary: Vocabulary

    @classmethod
    def load(cls, path: str | Path, version: int | None = None) -> "Assets":
        """Read the assets of a version.

        Args:
            path: of a model (then its newest version), of a version, or of its assets.
            version: which version, if the path is that of a model.

        Raises:
            UserError: the folder has no assets, or assets of another format.
        """
        folder = _folder(Path(path), version)
        description = read_json(folder / DESCRIPTION)
        named = isinstance(description, dict) and (
            description.get("format"),
            description.get("format_version"),
        )
        if named != (FORMAT, FORMAT_VERSION):
            raise UserError(
                f"{folder / DESCRIPTION}: this program reads {FORMAT} of version {FORMAT_VERSION}, "
                "and the file is another; export the run again"
            )
        checked(description, _SCHEMA, folder / DESCRIPTION, "export the run again")
        DecodingConfig.from_metadata(description["decoding"]["recipe"], folder / DESCRIPTION)
        contract = CONTRACTS[description["modality"]].read(folder / description["contract"]["file"])
        vocabulary = read_labels(folder / LABELS, _output(description["kind"]))
        return cls(folder, description, contract, vocabulary)

    @property
    def model_name(self) -> str:
        """Name of the registered model."""
        return self.description["model"]

    @property
    def modality(self) -> Modality:
        """What the model reads: "keypoints" or "video"."""
        return self.contract.modality

    @property
    def output(self) -> Output:
        """What the model gives for a clip: "glosses" or one "sign"."""
        return _output(self.description["kind"])

    @property
    def scoring(self) -> str:
        """Clean-up rules of the recipe; "plain" if an older version does not name them."""
        return self.description.get("scoring", "plain")

    @property
    def buckets(self) -> tuple[int, ...]:
        """Lengths in frames that clips are padded to, ascending."""
        return tuple(self.description["buckets"])

    @property
    def longest(self) -> int:
        """Frames of the longest clip that the model takes at once."""
        return self.description["limits"]["longest"]

    @property
    def decoding(self) -> DecodingConfig:
        """The decoding of the recipe."""
        return DecodingConfig(**self.description["decoding"]["recipe"])

    def language_model(self, decoding: DecodingConfig) -> NgramLanguageModel | None:
        """The gloss language model that a decoding config asks for; None if it asks for none.

        Raises:
            UserError: the assets have none, or one of another order.
        """
        return read_language_model(self.path, self.vocabulary, decoding, "serve")


def _output(kind: str) -> Output:
    return "sign" if kind == "isolated" else "glosses"


def _folder(path: Path, version: int | None) -> Path:
    available = versions(path)
    if version is not None and available and version not in available:
        raise UserError(
            f"{path}: has no version {version}; it has {', '.join(map(str, available))}"
        )
    candidates = [path, path / "assets"]
    if available:
        candidates.append(path / str(available[-1] if version is None else version) / "assets")
    for folder in candidates:
        if (folder / DESCRIPTION).is_file():
            return folder
    raise UserError(
        f"{path}: contains no {DESCRIPTION}; give the folder that `slr saved_model` "
        "wrote, one of its versions, or a copy of the assets of a version"
    )
