"""Parts of a model that were trained before: its backbone, its gloss language model."""

import sys

import keras

from slr_keras.config.schema import ModelConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.errors import UserError


def load_parts(model: keras.Model, config: ModelConfig, vocabulary: Vocabulary) -> None:
    """Fill the parts of a new model that a recipe names files for.

    Raises:
        UserError: the model has no such part, or the file does not fit it.
    """
    if config.weights:
        from slr_keras.weights import load_model_weights

        digest = load_model_weights(model, config.weights, vocabulary)
        print(f"weights of {config.weights} (sha256 {digest[:16]})", file=sys.stderr)
    if config.backbone_weights:
        _load_backbone(model, config)
    if config.language_model:
        _load_language_model(model, config, vocabulary)


def _load_backbone(model: keras.Model, config: ModelConfig) -> None:
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


def _load_language_model(model: keras.Model, config: ModelConfig, vocabulary: Vocabulary) -> None:
    context = getattr(model, "context", None)
    if context is None:
        raise UserError(
            f"model.language_model: {config.name} as configured has no gloss language model; "
            "set model.options.language_model to words or causal, or remove the file"
        )
    from slr_keras.models.gloss_lm import load_language_model

    loaded = load_language_model(config.language_model, vocabulary)
    ours, theirs = context.language_model.weights, loaded.weights
    same = type(loaded) is type(context.language_model)
    if not same or [w.shape for w in ours] != [w.shape for w in theirs]:
        sizes = {k: v for k, v in loaded.get_config().items() if isinstance(v, int | float)}
        raise UserError(
            f"{config.language_model}: a {type(loaded).__name__} with {sizes}; "
            "model.options.language_model and language_model_options must say the same"
        )
    for target, source in zip(ours, theirs):
        target.assign(source)
