"""What a served version says of itself, read from its folder: it travels beside the URL.

TensorFlow Serving does not hand out a version's assets, so that a client has a copy of them: the
model's folder, one of its versions, or the `assets` of one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.graph.description import (
    DESCRIPTION,
    FORMAT,
    FORMAT_VERSION,
    LABELS,
)
from export.graph.publication import versions
from slr_keras.bundle.bundle import LANGUAGE_MODEL
from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, read_text

CONTRACTS = {contract.modality: contract for contract in (KeypointContract, FrameContract)}


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
        """Read them.

        Args:
            path: of a model (then its newest version), of a version, or of its assets.
            version: which, of a model.

        Raises:
            UserError: there are none, or they are of another format.
        """
        folder = _folder(Path(path), version)
        description = read_json(folder / DESCRIPTION)
        found = isinstance(description, dict) and (
            description.get("format"),
            description.get("format_version"),
        )
        if found != (FORMAT, FORMAT_VERSION):
            raise UserError(
                f"{folder / DESCRIPTION}: not of {FORMAT} {FORMAT_VERSION}, which this program "
                "reads; export the run again"
            )
        contract = CONTRACTS[description["modality"]].read(folder / description["contract"]["file"])
        if description["kind"] == "isolated":
            vocabulary = Vocabulary(tuple(read_text(folder / LABELS).splitlines()))
        else:
            vocabulary = Vocabulary.read(folder / LABELS)
        return cls(folder, description, contract, vocabulary)

    @property
    def model_name(self) -> str:
        """As registered."""
        return self.description["model"]

    @property
    def modality(self) -> Modality:
        """What the model reads: "keypoints" or "video"."""
        return self.contract.modality

    @property
    def output(self) -> Output:
        """What the model gives for a clip: "glosses" or one "sign"."""
        return "sign" if self.description["kind"] == "isolated" else "glosses"

    @property
    def scoring(self) -> str:
        """The clean-up rules of the recipe; none where an older version does not say them."""
        return self.description.get("scoring", "plain")

    @property
    def buckets(self) -> tuple[int, ...]:
        """Frames that clips are padded to, ascending."""
        return tuple(self.description["buckets"])

    @property
    def longest(self) -> int:
        """Frames of a clip."""
        return self.description["limits"]["longest"]

    @property
    def decoding(self) -> DecodingConfig:
        """How the run decodes."""
        return DecodingConfig(**self.description["decoding"]["recipe"])

    def language_model(self, decoding: DecodingConfig) -> NgramLanguageModel | None:
        """The gloss language model that a decoding asks for; None if it asks for none.

        Raises:
            UserError: there is none among the assets, or one of another order.
        """
        order = decoding.language_model_order
        if not order:
            return None
        file = self.path / LANGUAGE_MODEL
        kept = NgramLanguageModel.kept(file, self.vocabulary.digest, order)
        if kept is None:
            raise UserError(
                f"{self.path}: holds no gloss language model of order {order}; decode without, or "
                "serve a run that decodes with it"
            )
        return kept


def _folder(path: Path, version: int | None) -> Path:
    there = versions(path)
    if version is not None and there and version not in there:
        raise UserError(f"{path}: has no version {version}; it has {', '.join(map(str, there))}")
    tries = [path, path / "assets"]
    if there:
        tries.append(path / str(there[-1] if version is None else version) / "assets")
    for folder in tries:
        if (folder / DESCRIPTION).is_file():
            return folder
    raise UserError(
        f"{path}: no {DESCRIPTION} in it; give the folder that `python -m export.saved_model` "
        "wrote, one of its versions, or a copy of a version's assets"
    )
