"""A trained run: everything that evaluation, prediction and export read from a run folder."""

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
from slr_keras.training.model import description_of, remembered
from slr_keras.utils.arrays import load_arrays, read_record
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json
from slr_keras.utils.schema import checked, real, record, whole

if TYPE_CHECKING:
    import keras

    from slr_keras.models.family import ModelFamily
    from slr_keras.training.data import RunData


@dataclass(frozen=True)
class Run:
    """A trained run and the contents of its folder.

    Attributes:
        folder: paths of the files.
        config: the resolved recipe.
        vocabulary: maps glosses to ids.
        contract: how raw clips become the model's input.

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
        """Read a run folder without its weights.

        Raises:
            UserError: there is no run, or its vocabulary.txt is not the one used in training.
        """
        folder = RunFolder(path)
        if not folder.exists:
            raise UserError(
                f"{path}: no run here (no config.yaml); train one with `slr fit CONFIG --to {path}`"
            )
        config = read_run_config(folder.config)
        if not folder.model.is_file():
            raise UserError(f"{path}: the run stopped before training began; train it again")
        vocabulary = Vocabulary.read(folder.vocabulary, as_written=True)
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
        """Family of the run's model."""
        from slr_keras.models.registry import family_of

        return family_of(self.model_name)

    @property
    def modality(self) -> Modality:
        """Input of the model: "keypoints" or "video"."""
        return self.contract.modality

    @property
    def output(self) -> Output:
        """Output of the model: a sequence of "glosses", or one "sign" per clip."""
        return self.family.output

    @property
    def scoring(self) -> str:
        """Clean-up rules of the recipe, a key of `slr_keras.text.phoenix.CLEAN_UP`."""
        return self.config.data.scoring

    @property
    def decoding(self) -> DecodingConfig:
        """Decoding options of the recipe."""
        return self.config.decoding

    @property
    def best(self) -> dict[str, Any]:
        """Epoch and dev WER of the best weights.

        Raises:
            UserError: no epoch is finished.
        """
        if not self.folder.best.is_file():
            raise UserError(f"{self.path}: no epoch is finished yet; continue the training")
        schema = record({"epoch": whole(), "wer": real})
        return checked(read_record(self.folder.best), schema, self.folder.best)

    def model(self, precision: str = "float32") -> "keras.Model":
        """The model with its best weights, on the default device.

        Args:
            precision: dtype policy of Keras, such as "float32" or "mixed_bfloat16".

        Raises:
            UserError: no epoch is finished, or the weights do not fit the config.
        """
        from slr_keras.training.model import build_model

        # Checked first, so that a missing checkpoint is reported before the model is built.
        _ = self.best
        config = replace(self.config, model=remembered(self.config.model, self.folder))
        model = build_model(config, len(self.vocabulary), self.contract, precision)
        load_arrays(self.folder.best, {"model": model.variables})
        return model

    def language_model(self, decoding: DecodingConfig | None = None) -> NgramLanguageModel | None:
        """The n-gram model that the decoding options ask for; None if they ask for none.

        The run stores a model of one order. A model of another order is estimated from the run's
        train split.
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
    components: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write vocabulary, contract and model description, or check them if they exist.

    Args:
        folder: run folder.
        config: config with all options that are needed to rebuild the model.
        run_data: provides vocabulary and contract.
        parameters: number of parameters of the model.
        components: pretrained weight files, from `load_component_weights`.

    Raises:
        UserError: the vocabulary or contract of the data differs from that of the run; names both.
    """
    if folder.model.is_file():
        kept = Vocabulary.read(folder.vocabulary, as_written=True)
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
        "parts": dict(components or {}),
    }
    write_json(folder.model, description)


def train_language_model(manifest, vocabulary: Vocabulary, order: int) -> NgramLanguageModel:
    """Estimate an n-gram model from the sentences of a split."""
    sentences = [tuple(vocabulary.encode(sample.glosses, unknown="unk")) for sample in manifest]
    return NgramLanguageModel.train(
        sentences, order, vocabulary_size=len(vocabulary), vocabulary_digest=vocabulary.digest
    )


def _read_contract(folder: RunFolder) -> KeypointContract | FrameContract:
    if folder.frame_contract.is_file():
        return FrameContract.read(folder.frame_contract)
    return KeypointContract.read(folder.contract)


def _check_vocabulary(folder: RunFolder, vocabulary: Vocabulary) -> None:
    description = description_of(folder)
    size, digest = description["vocabulary_size"], description["vocabulary_digest"]
    if digest != vocabulary.digest:
        raise UserError(
            f"{folder.vocabulary}: this vocabulary has {len(vocabulary)} tokens "
            f"({vocabulary.digest}), the model was trained with {size} tokens ({digest}); "
            "restore the run's own vocabulary.txt"
        )
