"""The model of a recipe or of a run."""

import dataclasses
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slr_keras.config import Config, ModelConfig
from slr_keras.data.contract import KeypointContract
from slr_keras.data.loaders.options import RGB
from slr_keras.data.sampling import REDUCTION
from slr_keras.data.video.contract import FrameContract
from slr_keras.decoding.factory import DECODERS
from slr_keras.decoding.outputs import Decoder
from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json

if TYPE_CHECKING:
    import keras

Contract = KeypointContract | FrameContract


def build_model(
    config: Config, vocabulary_size: int, contract: Contract, precision: str = "float32"
) -> "keras.Model":
    """The model that a config names, for the points or frames of a contract.

    Raises:
        UserError: no such model or option, or an option that the contract decides.
    """
    from slr_keras.models.registry import create_model

    options = dict(completed(config.model).options)
    for name in ("streams", "points", "channels", "image_size"):
        if name in options:
            raise UserError(
                f"model.options.{name}: the contract of the data folder decides it; remove it"
            )
    if precision != "float32":
        options["dtype"] = precision
    if contract.modality == "keypoints":
        options["streams"] = contract.streams
        options["points"] = len(contract.points)
        options["channels"] = len(contract.channels)
    else:
        options["image_size"] = contract.shape[:2]
        if config.data.stream != RGB or "stream" in options:
            _match_stream(options, config.data.stream)
        if config.training.jit_compile:
            # Which frames are padding is known only when the step runs, too late for XLA.
            options.setdefault("skip_padding", False)
    model = create_model(config.model.name, vocabulary_size=vocabulary_size, **options)
    if REDUCTION % getattr(model, "stride", 1):
        raise UserError(
            f"model.options.stride: {model.stride} frames a step; clips have multiples of "
            f"{REDUCTION} frames, so that a step has 1, 2 or {REDUCTION} of them"
        )
    return model


def _match_stream(options: dict[str, Any], stream: str) -> None:
    """Let a model see what the data gives."""
    if options.setdefault("stream", stream) != stream:
        raise UserError(
            f"model.options.stream is {options['stream']}, but data.stream is {stream}; make them "
            "equal, or leave the model's out"
        )


def completed(config: ModelConfig) -> ModelConfig:
    """The configuration with the sizes of BERT, which those of its preset's folder are.

    Raises:
        UserError: BERT is asked for and no preset is named, or the folder holds none.
    """
    if config.options.get("language_model") != "bert":
        return config
    given = config.options.get("language_model_options") or {}
    if {"width", "blocks", "pieces"} <= set(given):
        return config
    if not config.language_model:
        raise UserError(
            "model.language_model: name the folder of a BERT preset (keras-hub's save_to_preset) "
            "for model.options.language_model: bert"
        )
    from slr_keras.models.gloss_lm import preset_sizes

    sizes = {**preset_sizes(config.language_model), **given}
    return dataclasses.replace(config, options={**config.options, "language_model_options": sizes})


def remembered(config: ModelConfig, folder: RunFolder) -> ModelConfig:
    """A run's model as its recipe says it, with sizes that the recipe left to a file.

    The file may no longer be there; the run's description knows what it said.
    """
    options = dict(config.options)
    for name, known in read_json(folder.model)["options"].items():
        if isinstance(known, dict):
            known = {**known, **(options.get(name) or {})}
            options[name] = known
        options.setdefault(name, known)
    return replace(config, options=options)


def model_config(config: Config, folder: RunFolder) -> ModelConfig:
    """The model's configuration with every size; a run that goes on remembers its own."""
    if folder.last.is_file() and folder.model.is_file():
        return remembered(config.model, folder)
    return completed(config.model)


def make_decoder(model: "keras.Model", config: Config) -> Decoder:
    """The decoder of a model, as its family and the recipe say.

    Raises:
        UserError: the recipe asks for a decoding that the model does not have.
    """
    from slr_keras.models.registry import family_of

    build = family_of(config.model.name).decoder
    if isinstance(build, str):
        build = DECODERS[build]
    return build(model, config.decoding, config.transduction.loss)
