"""What of a model was trained before: its backbone, its gloss language model, most of it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from slr_keras.config.schema import ModelConfig, TrainingConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.errors import UserError
from slr_keras.suggestions import nearest
from slr_keras.training.run import Run


def load_parts(model: keras.Model, config: ModelConfig, vocabulary: Vocabulary) -> None:
    """Fill the parts of a new model that a recipe names files for.

    Raises:
        UserError: the model has no such part, or the file does not fit it.
    """
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


def load_initial(model: keras.Model, config: TrainingConfig, vocabulary: Vocabulary) -> None:
    """Start from the best weights of `initial_run`, but for the layers of `initial_except`.

    Raises:
        UserError: there is no such run or layer, its vocabulary is another, or its weights are not
            those of this model; names the first that differs.
    """
    where = f"training.initial_run: {config.initial_run}"
    run = Run.load(Path(config.initial_run))
    run.vocabulary.require_same(vocabulary, f"the run {config.initial_run}", "the data")
    sources = _weights_by_layer(run.model())
    targets = _weights_by_layer(model)
    _require_layers("initial_except", config.initial_except, targets)
    kept = [name for name in targets if name not in config.initial_except]
    values = []
    for name in kept:
        theirs, ours = sources.get(name, []), targets[name]
        if [w.shape for w in theirs] != [w.shape for w in ours]:
            raise UserError(
                f"{where}: its layer {name!r} has weights {_shapes(theirs)}, this model's "
                f"{_shapes(ours)}; make the models alike or name it in training.initial_except"
            )
        values += zip(ours, theirs)
    for target, source in values:
        target.assign(source)


def freeze(model: keras.Model, names: Sequence[str]) -> None:
    """Keep the weights of these layers, and their running statistics, as they are.

    Raises:
        UserError: the model has no such layer, or nothing would be left to learn.
    """
    layers = {layer.name: layer for layer in model.layers if layer.variables}
    _require_layers("frozen", names, layers)
    for name in names:
        layers[name].trainable = False
    if not model.trainable_variables:
        raise UserError("training.frozen: these are all layers of the model; let one of them learn")


def _require_layers(option: str, names: Sequence[str], layers: Mapping[str, Any]) -> None:
    for name in names:
        if name not in layers:
            raise UserError(
                f"training.{option}: the model has no layer {name!r}{nearest(name, layers)}"
            )


def _weights_by_layer(model: keras.Model) -> Mapping[str, list[keras.Variable]]:
    """All variables, the state of dropout included, by the model's own layer that holds them."""
    return {layer.name: layer.variables for layer in model.layers if layer.variables}


def _shapes(weights: Sequence[keras.Variable]) -> str:
    shapes = [tuple(weight.shape) for weight in weights]
    more = f" and {len(shapes) - 3} more" * (len(shapes) > 3)
    return ", ".join(map(str, shapes[:3])) + more if shapes else "of no kind"
