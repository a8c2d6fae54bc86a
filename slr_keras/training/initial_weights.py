"""Load pretrained weights: a whole model, a backbone, a gloss language model, or another run."""

import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from slr_keras.config.schema import ModelConfig, TrainingConfig
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256
from slr_keras.utils.suggestions import nearest


def load_component_weights(
    model: keras.Model, config: ModelConfig, vocabulary: Vocabulary
) -> dict[str, dict[str, str]]:
    """Load the weight files that the `model` section of a recipe names into a new model.

    Returns:
        File and SHA-256 by key of the recipe (`weights`, `backbone_weights`, `language_model`).

    Raises:
        UserError: the model has no such component, or the file does not fit the component.
    """
    loaded = {}
    if config.weights:
        from slr_keras.weights import load_model_weights

        digest = load_model_weights(model, config.weights, vocabulary)
        _print_loaded(f"weights of {config.weights}", digest)
        loaded["weights"] = {"file": str(config.weights), "sha256": digest}
    if config.backbone_weights:
        loaded["backbone_weights"] = _load_backbone(model, config)
    if config.language_model:
        loaded["language_model"] = _load_language_model(model, config, vocabulary)
    return loaded


def adapt_inputs(model: keras.Model, train: ClipDataset) -> None:
    """Let a new model of keypoints learn the statistics of its inputs, if it has any."""
    if hasattr(model, "adapt"):
        model.adapt(train.clips.whole_batches())


def _load_backbone(model: keras.Model, config: ModelConfig) -> dict[str, str]:
    encoder = getattr(model, "frame_encoder", None)
    if encoder is None:
        raise UserError(
            f"model.backbone_weights: {config.name} reads keypoints and has no backbone; remove "
            "this key"
        )
    from slr_keras.weights import load_backbone_weights

    record = load_backbone_weights(encoder.backbone, config.backbone_weights)
    print(
        f"backbone {record.backbone}: {record.numbers:,} parameters from {record.file} "
        f"({record.library}, sha256 {record.sha256[:16]})"
        + f"; taken: {record.taken}" * bool(record.taken)
        + "; the first kernel is the mean over RGB" * bool(record.spread),
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
            "set model.options.language_model to words, causal or bert, or remove this key"
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
    _print_loaded(f"gloss language model: BERT of {target.block_count} blocks from {path}", digest)
    return digest


def _load_word_vectors(target: Any, path: Path, vocabulary: Vocabulary) -> str:
    """Load word vectors from a fastText or GloVe text file."""
    from slr_keras.models.gloss_lm import gloss_vectors

    # The unknown gloss comes first; some files have a vector for it.
    vectors, missing = gloss_vectors(path, vocabulary.tokens[1:])
    if vectors.shape[1] != target.width:
        raise UserError(
            f"{path}: the vectors have {vectors.shape[1]} dimensions, but the model expects "
            f"{target.width}; set model.options.language_model_options.width to "
            f"{vectors.shape[1]}"
        )
    target.set_vectors(vectors)
    without = [gloss for gloss in missing if gloss != Vocabulary.UNKNOWN]
    listed = ", ".join(without[:20]) + (", ..." if len(without) > 20 else "")
    rest = f"; random vectors for {len(without)}: {listed}" if without else ""
    digest = sha256(path)
    known = len(vocabulary.glosses) - len(without)
    _print_loaded(f"gloss language model: vectors of {known} glosses from {path}{rest}", digest)
    return digest


def _load_own(target: Any, path: Path, vocabulary: Vocabulary) -> str:
    """Load a file written by `slr gloss_lm`."""
    from slr_keras.models.gloss_lm import load_language_model

    loaded = load_language_model(path, vocabulary)
    ours, theirs = target.weights, loaded.weights
    same = type(loaded) is type(target)
    if not same or [w.shape for w in ours] != [w.shape for w in theirs]:
        sizes = {k: v for k, v in loaded.get_config().items() if isinstance(v, int | float)}
        raise UserError(
            f"{path}: holds a {type(loaded).__name__} with {sizes}; set "
            "model.options.language_model and language_model_options to the same values"
        )
    for mine, given in zip(ours, theirs):
        mine.assign(given)
    return sha256(path)


def load_initial_run(model: keras.Model, config: TrainingConfig, vocabulary: Vocabulary) -> None:
    """Load the best weights of `initial_run`, except for the layers in `initial_except`.

    Raises:
        UserError: the run or a layer does not exist; the run has another vocabulary although its
            heads are loaded; or the weights of a layer have other shapes than in this model.
            Names the first layer that differs.
    """
    where = f"training.initial_run: {config.initial_run}"
    run = Run.load(Path(config.initial_run))
    if not _excludes_all_heads(model, config.initial_except):
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
                f"{where}: layer {name!r} has weights of shapes {_shapes(theirs)} in the run and "
                f"{_shapes(ours)} in this model; use the same architecture, or add the layer to "
                "training.initial_except"
            )
        values += zip(ours, theirs)
    for target, source in values:
        target.assign(source)


def _excludes_all_heads(model: keras.Model, names: Sequence[str]) -> bool:
    """Whether `names` has all heads: only then may the run have another vocabulary."""
    heads = getattr(model, "head_layers", {})
    return bool(heads) and all(head.name in names for head in heads.values())


def freeze(model: keras.Model, names: Sequence[str]) -> None:
    """Freeze layers: their weights and running statistics do not change in training.

    Raises:
        UserError: the model has no such layer, or no trainable layer would remain.
    """
    layers = {layer.name: layer for layer in model.layers if layer.variables}
    _require_layers("frozen", names, layers)
    for name in names:
        layers[name].trainable = False
    if not model.trainable_variables:
        raise UserError("training.frozen: all layers of the model are frozen; remove one of them")


def _require_layers(option: str, names: Sequence[str], layers: Mapping[str, Any]) -> None:
    for name in names:
        if name not in layers:
            raise UserError(
                f"training.{option}: the model has no layer {name!r}{nearest(name, layers)}"
            )


def _weights_by_layer(model: keras.Model) -> Mapping[str, list[keras.Variable]]:
    """All variables, including the state of dropout, by top-level layer of the model."""
    return {layer.name: layer.variables for layer in model.layers if layer.variables}


def _shapes(weights: Sequence[keras.Variable]) -> str:
    shapes = [tuple(weight.shape) for weight in weights]
    more = f" and {len(shapes) - 3} more" * (len(shapes) > 3)
    return ", ".join(map(str, shapes[:3])) + more if shapes else "(none)"


def _print_loaded(text: str, digest: str) -> None:
    print(f"{text} (sha256 {digest[:16]})", file=sys.stderr)
