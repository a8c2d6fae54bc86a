"""A trained run, as everything after training uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.config import Config, read_run_config
from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel
from slr_keras.training.folder import RunFolder
from slr_keras.training.model import remembered
from slr_keras.utils.arrays import load_arrays, read_record
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json

if TYPE_CHECKING:
    import keras

    from slr_keras.models.family import ModelFamily
    from slr_keras.training.data import RunData


@dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
        folder: paths of its files.
        config: the resolved recipe.
        vocabulary: glosses by number.
        contract: what the model sees of a clip.

    Example::

        run = Run.load("runs/demo")
        model = run.model()              # best weights, float32
        glosses = run.vocabulary.decode([5, 7])
    """

    folder: RunFolder
    config: Config
    vocabulary: Vocabulary
    contract: KeypointContract | FrameContract

    @classmethod
    def load(cls, path: str | Path) -> "Run":
        """Read a run folder; no weights yet.

        Raises:
            UserError: there is no run, or its vocabulary is not the one it was trained with.
        """
        folder = RunFolder(path)
        if not folder.exists:
            raise UserError(
                f"{path}: no run here (no config.yaml); `python -m slr_keras.fit CONFIG --to "
                f"{path}` makes one"
            )
        config = read_run_config(folder.config)
        if not folder.model.is_file():
            raise UserError(f"{path}: the run stopped before training began; fit it again")
        vocabulary = Vocabulary.read(folder.vocabulary)
        _check_vocabulary(folder, vocabulary)
        return cls(folder, config, vocabulary, _read_contract(folder))

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def model_name(self) -> str:
        """Name of the registered model."""
        return self.config.model.name

    @property
    def family(self) -> "ModelFamily":
        """What the run's model is."""
        from slr_keras.models.registry import family_of

        return family_of(self.model_name)

    @property
    def modality(self) -> Modality:
        """What the model reads: "keypoints" or "video"."""
        return self.contract.modality

    @property
    def output(self) -> Output:
        """What the model gives for a clip: "glosses" or one "sign"."""
        return self.family.output

    @property
    def scoring(self) -> str:
        """The clean-up rules of the recipe."""
        return self.config.data.scoring

    @property
    def decoding(self) -> DecodingConfig:
        """How the run decodes."""
        return self.config.decoding

    @property
    def best(self) -> dict[str, Any]:
        """Epoch and dev WER of the best weights.

        Raises:
            UserError: no epoch is finished yet.
        """
        if not self.folder.best.is_file():
            raise UserError(f"{self.path}: no epoch is finished yet; fit it further")
        return read_record(self.folder.best)

    def model(self, precision: str = "float32") -> "keras.Model":
        """The model with its best weights, on the default device.

        Args:
            precision: Keras' name of a policy: of arithmetic and, but for mixed ones, of weights.

        Raises:
            UserError: no epoch is finished, or the weights do not fit the config.
        """
        from slr_keras.training.model import build_model

        # First, so that a missing checkpoint does not cost the making of a model.
        _ = self.best
        config = replace(self.config, model=remembered(self.config.model, self.folder))
        model = build_model(config, len(self.vocabulary), self.contract, precision)
        load_arrays(self.folder.best, {"model": model.variables})
        return model

    def language_model(self, decoding: DecodingConfig | None = None) -> NgramLanguageModel | None:
        """The gloss language model that a decoding config asks for; None if it asks for none.

        It is kept in the run; another order is trained from the run's train split.
        """
        order = (decoding or self.decoding).language_model_order
        if not order:
            return None
        file = self.folder.language_model
        kept = NgramLanguageModel.kept(file, self.vocabulary.digest, order)
        if kept is not None:
            return kept
        from slr_keras.training.data import read_split

        train = read_split(self.config.data, self.config.data.train)
        return train_language_model(train, self.vocabulary, order)


def write_description(
    folder: RunFolder,
    config: Config,
    run_data: "RunData",
    parameters: int,
    parts: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write vocabulary, contract and model description, or check those that are there.

    Args:
        folder: of the run.
        config: with all options that the model needs to be made again.
        run_data: names glosses and contract.
        parameters: of the model.
        parts: what was trained before, from `load_parts`.

    Raises:
        UserError: the data's vocabulary or contract is no longer the run's; names both.
    """
    if folder.model.is_file():
        kept = Vocabulary.read(folder.vocabulary)
        kept.require_same(run_data.vocabulary, f"the run {folder.path}", f"{config.data.folder}")
        contract = _read_contract(folder)
        contract.require_same(run_data.contract, f"the run {folder.path}", f"{config.data.folder}")
        return
    run_data.vocabulary.write(folder.vocabulary)
    run_data.contract.write(folder.path / run_data.contract.file)
    description = {
        "name": config.model.name,
        "options": dict(config.model.options),
        "vocabulary_size": len(run_data.vocabulary),
        "vocabulary_digest": run_data.vocabulary.digest,
        "contract_digest": run_data.contract.digest,
        "parameters": parameters,
        "parts": dict(parts or {}),
    }
    write_json(folder.model, description)


def train_language_model(manifest, vocabulary: Vocabulary, order: int) -> NgramLanguageModel:
    """A gloss language model of a split's sentences."""
    sentences = [tuple(vocabulary.encode(sample.glosses, unknown="unk")) for sample in manifest]
    return NgramLanguageModel.train(
        sentences, order, vocabulary_size=len(vocabulary), vocabulary_digest=vocabulary.digest
    )


def _read_contract(folder: RunFolder) -> KeypointContract | FrameContract:
    if folder.frame_contract.is_file():
        return FrameContract.read(folder.frame_contract)
    return KeypointContract.read(folder.contract)


def _check_vocabulary(folder: RunFolder, vocabulary: Vocabulary) -> None:
    description = read_json(folder.model)
    size, digest = description.get("vocabulary_size"), description.get("vocabulary_digest")
    if digest != vocabulary.digest:
        raise UserError(
            f"{folder.vocabulary}: this vocabulary has {len(vocabulary)} tokens "
            f"({vocabulary.digest}), the model was trained with {size} tokens ({digest}); "
            "put the run's own vocabulary.txt back"
        )
