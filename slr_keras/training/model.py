"""Build the model and the decoder of a recipe or of a run."""

import dataclasses
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slr_keras.config import Config, ModelConfig
from slr_keras.data.contract import KeypointContract
from slr_keras.data.loaders.options import RGB
from slr_keras.data.sampling import REDUCTION
from slr_keras.data.skeleton import Skeleton
from slr_keras.data.video.contract import FrameContract
from slr_keras.decoding.factory import DECODERS
from slr_keras.decoding.outputs import Decoder
from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json
from slr_keras.utils.schema import anything, checked, digest, mapping, record, whole

if TYPE_CHECKING:
    import keras

Contract = KeypointContract | FrameContract
_DESCRIPTION = record(
    {"options": mapping(anything), "vocabulary_size": whole(1), "vocabulary_digest": digest}
)


def build_model(
    config: Config, vocabulary_size: int, contract: Contract, precision: str = "float32"
) -> "keras.Model":
    """Build the model of a config for the keypoints or frames of a contract.

    Args:
        config: the recipe.
        vocabulary_size: number of classes, including blank and <unk>.
        contract: contract of the data folder.
        precision: dtype policy of Keras, such as "mixed_bfloat16".

    Raises:
        UserError: the model or an option does not exist, or an option is determined by the
            contract.
    """
    from slr_keras.models.options import accepts
    from slr_keras.models.registry import create_model, family_of

    options = dict(completed(config.model).options)
    for name in ("streams", "points", "channels", "skeleton", "image_size"):
        if name in options:
            raise UserError(
                f"model.options.{name}: the contract of the data folder determines this option; "
                "remove it"
            )
    if precision != "float32":
        options["dtype"] = precision
    if contract.modality == "keypoints":
        options["streams"] = contract.streams
        options["points"] = len(contract.points)
        options["channels"] = len(contract.channels)
        if accepts(family_of(config.model.name).build, "skeleton"):
            options["skeleton"] = Skeleton.of(contract).for_model()
    else:
        options["image_size"] = contract.shape[:2]
        if config.data.stream != RGB or "stream" in options:
            _match_stream(options, config.data.stream)
        if config.training.jit_compile:
            # Which frames are padding is known only when the step runs; XLA needs static shapes.
            options.setdefault("skip_padding", False)
    model = create_model(config.model.name, vocabulary_size=vocabulary_size, **options)
    if REDUCTION % getattr(model, "stride", 1):
        raise UserError(
            f"model.options.stride: {model.stride} frames per step; clips are padded to multiples "
            f"of {REDUCTION} frames, so use 1, 2 or {REDUCTION}"
        )
    return model


def _match_stream(options: dict[str, Any], stream: str) -> None:
    """Set the model's input stream to that of the data."""
    if options.setdefault("stream", stream) != stream:
        raise UserError(
            f"model.options.stream is {options['stream']}, but data.stream is {stream}; make them "
            "equal, or remove model.options.stream"
        )


def completed(config: ModelConfig) -> ModelConfig:
    """Complete the options of a BERT language model with the sizes of its preset.

    Other configurations are returned unchanged.

    Raises:
        UserError: `language_model` is "bert" and no preset folder is given, or the folder has no
            preset.
    """
    if config.options.get("language_model") != "bert":
        return config
    given = config.options.get("language_model_options") or {}
    if {"width", "blocks", "pieces"} <= set(given):
        return config
    if not config.language_model:
        raise UserError(
            "model.language_model: model.options.language_model is bert; name the folder of a BERT "
            "preset (written by keras-hub's save_to_preset)"
        )
    from slr_keras.models.gloss_lm import preset_sizes

    sizes = {**preset_sizes(config.language_model), **given}
    return dataclasses.replace(config, options={**config.options, "language_model_options": sizes})


def description_of(folder: RunFolder) -> dict[str, Any]:
    """Read the description of a run's model, `model.json`.

    Raises:
        UserError: the file is missing or damaged; names the field.
    """
    return checked(read_json(folder.model), _DESCRIPTION, folder.model, "restore the file")


def remembered(config: ModelConfig, folder: RunFolder) -> ModelConfig:
    """The model config of a run, completed with the sizes stored in the run's description.

    The file that the sizes were read from need not exist any more.
    """
    options = dict(config.options)
    for name, known in description_of(folder)["options"].items():
        if isinstance(known, dict) and isinstance(options.get(name), dict | None):
            known = {**known, **(options.get(name) or {})}
            options[name] = known
        options.setdefault(name, known)
    return replace(config, options=options)


def model_config(config: Config, folder: RunFolder) -> ModelConfig:
    """The model config with every size, from the run's description if the run is resumed."""
    if folder.resumable and folder.model.is_file():
        return remembered(config.model, folder)
    return completed(config.model)


def make_decoder(model: "keras.Model", config: Config) -> Decoder:
    """The decoder of a model, chosen by its family and configured by the recipe.

    Raises:
        UserError: the model does not support the decoding of the recipe.
    """
    from slr_keras.models.registry import family_of

    build = family_of(config.model.name).decoder
    if isinstance(build, str):
        build = DECODERS[build]
    return build(model, config.decoding, config.transduction.loss)
