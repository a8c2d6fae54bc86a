"""What of a model was trained before: its backbone, its gloss language model, most of it."""

import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from slr_keras.config.schema import ModelConfig, TrainingConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256
from slr_keras.utils.suggestions import nearest


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
    if config.weights:
        from slr_keras.weights import load_model_weights

        digest = load_model_weights(model, config.weights, vocabulary)
        _say(f"weights of {config.weights}", digest)
        found["weights"] = {"file": str(config.weights), "sha256": digest}
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
        f"({record.library}, sha256 {record.sha256[:16]})"
        + "; its first kernel as the mean over RGB"
        * bool(record.spread),
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


def load_initial(model: keras.Model, config: TrainingConfig, vocabulary: Vocabulary) -> None:
    """Start from the best weights of `initial_run`, but for the layers of `initial_except`.

    Raises:
        UserError: there is no such run or layer, its vocabulary is another although heads are
            taken over, or its weights are not those of this model; names the first that differs.
    """
    where = f"training.initial_run: {config.initial_run}"
    run = Run.load(Path(config.initial_run))
    if not _heads_begin_anew(model, config.initial_except):
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


def _heads_begin_anew(model: keras.Model, names: Sequence[str]) -> bool:
    """Whether no layer that counts glosses is taken over: then another vocabulary does no harm."""
    heads = getattr(model, "head_layers", {})
    return bool(heads) and all(head.name in names for head in heads.values())


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


def _say(text: str, digest: str) -> None:
    print(f"{text} (sha256 {digest[:16]})", file=sys.stderr)
