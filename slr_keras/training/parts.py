"""Parts of a model that were trained before: its backbone, its gloss language model."""

import dataclasses
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras

from slr_keras.config.schema import ModelConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.errors import UserError
from slr_keras.files import sha256


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


def load_parts(
    model: keras.Model, config: ModelConfig, vocabulary: Vocabulary
) -> dict[str, dict[str, str]]:
    """Fill the parts of a new model that a recipe names files for.

    Returns:
        By key of the recipe, the file and its SHA-256.

    Raises:
        UserError: the model has no such part, or the file does not fit it.
    """
    found = {}
    if config.backbone_weights:
        found["backbone_weights"] = _load_backbone(model, config)
    if config.language_model:
        found["language_model"] = _load_language_model(model, config, vocabulary)
    return found


def _load_backbone(model: keras.Model, config: ModelConfig) -> dict[str, str]:
    encoder = getattr(model, "frame_encoder", None)
    if encoder is None:
        raise UserError(
            f"model.backbone_weights: {config.name} sees keypoints and has no backbone; remove it"
        )
    from slr_keras.weights import load_backbone_weights

    record = load_backbone_weights(encoder.backbone, config.backbone_weights)
    print(
        f"backbone {record.backbone}: {record.numbers:,} numbers from {record.file} "
        f"({record.library}, sha256 {record.sha256[:16]})",
        file=sys.stderr,
    )
    return {"file": str(record.file), "sha256": record.sha256}


def _load_language_model(
    model: keras.Model, config: ModelConfig, vocabulary: Vocabulary
) -> dict[str, str]:
    context = getattr(model, "context", None)
    if context is None:
        raise UserError(
            f"model.language_model: {config.name} as configured has no gloss language model; "
            "set model.options.language_model to words, causal or bert, or remove the file"
        )
    from slr_keras.models.gloss_lm import BertContext, WordVectorLanguageModel

    target, path = context.language_model, Path(config.language_model)
    if isinstance(target, BertContext):
        digest = _load_bert(target, path, vocabulary)
    elif isinstance(target, WordVectorLanguageModel) and not zipfile.is_zipfile(path):
        digest = _load_word_vectors(target, path, vocabulary)
    else:
        digest = _load_own(target, path, vocabulary)
    return {"file": str(path), "sha256": digest}


def _load_bert(target: Any, path: Path, vocabulary: Vocabulary) -> str:
    from slr_keras.models.gloss_lm import load_bert, preset_digest

    load_bert(target, path, vocabulary.tokens)
    digest = preset_digest(path)
    _say(f"gloss language model: BERT of {target.block_count} blocks from {path}", digest)
    return digest


def _load_word_vectors(target: Any, path: Path, vocabulary: Vocabulary) -> str:
    """Vectors of a text file, fastText's or GloVe's."""
    from slr_keras.models.gloss_lm import gloss_vectors

    # The unknown gloss comes first; some files have a vector for it.
    vectors, missing = gloss_vectors(path, vocabulary.tokens[1:])
    if vectors.shape[1] != target.width:
        raise UserError(
            f"{path}: its vectors have {vectors.shape[1]} numbers, the model's {target.width}; set "
            f"model.options.language_model_options.width to {vectors.shape[1]}"
        )
    target.set_vectors(vectors)
    without = [gloss for gloss in missing if gloss != Vocabulary.UNKNOWN]
    listed = ", ".join(without[:20]) + (", ..." if len(without) > 20 else "")
    rest = f"; at random for {len(without)}: {listed}" if without else ""
    digest = sha256(path)
    known = len(vocabulary.glosses) - len(without)
    _say(f"gloss language model: vectors of {known} glosses from {path}{rest}", digest)
    return digest


def _load_own(target: Any, path: Path, vocabulary: Vocabulary) -> str:
    """A file of `slr_keras.gloss_lm`."""
    from slr_keras.models.gloss_lm import load_language_model

    loaded = load_language_model(path, vocabulary)
    ours, theirs = target.weights, loaded.weights
    same = type(loaded) is type(target)
    if not same or [w.shape for w in ours] != [w.shape for w in theirs]:
        sizes = {k: v for k, v in loaded.get_config().items() if isinstance(v, int | float)}
        raise UserError(
            f"{path}: a {type(loaded).__name__} with {sizes}; "
            "model.options.language_model and language_model_options must say the same"
        )
    for mine, given in zip(ours, theirs):
        mine.assign(given)
    return sha256(path)


def _say(text: str, digest: str) -> None:
    print(f"{text} (sha256 {digest[:16]})", file=sys.stderr)
