"""Loading of BERT's weights and word pieces from a local keras-hub preset."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.gloss_lm.bert import NOTHING, BertContext, keras_hub
from slr_keras.models.gloss_lm.text import gloss_text
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded, read_json, sha256
from slr_keras.utils.schema import checked, one_of, record, whole

# Arguments of `BertContext` by the names of keras-hub's configuration.
_SIZES = {
    "width": "hidden_dim",
    "blocks": "num_layers",
    "heads": "num_heads",
    "feed_forward_width": "intermediate_dim",
    "pieces": "vocabulary_size",
    "longest": "max_sequence_length",
}


def preset_sizes(preset: str | Path) -> dict[str, int]:
    """Read the sizes of a preset from its configuration, as arguments of `BertContext`.

    Raises:
        UserError: the folder has no BERT backbone.
    """
    folder = Path(preset)
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder}: no BERT checkpoint (config.json is missing); give a folder written by "
            "keras-hub's save_to_preset"
        )
    value = read_json(folder / "config.json")
    sizes = record({theirs: whole(1, 2**31) for theirs in _SIZES.values()})
    schema = record({"class_name": one_of("BertBackbone"), "config": sizes})
    checked(value, schema, f"{folder}/config.json: not of a BERT backbone")
    return {ours: value["config"][theirs] for ours, theirs in _SIZES.items()}


def preset_digest(preset: str | Path) -> str:
    """SHA-256 digest of a preset's weights, configurations and word pieces."""
    digest = hashlib.sha256()
    files = [path for kind in ("*.json", "*.h5", "*.txt") for path in Path(preset).rglob(kind)]
    for path in sorted(files):
        digest.update(f"{path.relative_to(preset).as_posix()} {sha256(path)}\n".encode())
    return digest.hexdigest()


def load_bert(model: BertContext, preset: str | Path, tokens: Sequence[str]) -> None:
    """Fill a `BertContext` with a preset's weights and the glosses' word pieces.

    Args:
        model: a model of the preset's sizes.
        preset: a folder written by keras-hub's `save_to_preset`, with backbone and tokenizer.
        tokens: every token of the vocabulary by id, `Vocabulary.tokens`.

    Raises:
        UserError: keras-hub is not installed, the folder has no BERT or one of other sizes, or a
            gloss has more than `gloss_pieces` word pieces.
    """
    sizes, ours = preset_sizes(preset), model.get_config()
    if other := [f"{name} {ours[name]}" for name, size in sizes.items() if ours[name] != size]:
        raise UserError(
            f"{preset}: a BERT of {sizes}; model.options.language_model_options has "
            f"{', '.join(other)}: leave these out"
        )
    library = keras_hub().models
    with guarded(preset, "BERT cannot be loaded"):
        backbone = library.BertBackbone.from_preset(str(preset))
        tokenizer = library.BertTokenizer.from_preset(str(preset))
    table = _piece_table(model, preset, tokens, tokenizer)
    model.gloss_table.assign(table)
    model.marks.assign([tokenizer.cls_token_id, tokenizer.sep_token_id])
    for target, source in zip(model.encoder.weights, backbone.weights, strict=True):
        target.assign(source)


def _piece_table(model: BertContext, preset, tokens: Sequence[str], tokenizer: Any) -> np.ndarray:
    """`(V, gloss_pieces)`: the pieces of each gloss; the blank has none."""
    table = np.full((model.vocabulary_size, model.gloss_pieces), NOTHING, np.int64)
    for number, token in enumerate(tokens):
        if number == Vocabulary.BLANK_ID:
            continue
        if number == Vocabulary.UNKNOWN_ID:
            pieces = [tokenizer.token_to_id("[UNK]")]
        else:
            pieces = [int(piece) for piece in np.asarray(tokenizer(gloss_text(token, model.cased)))]
        if len(pieces) > model.gloss_pieces:
            raise UserError(
                f"{preset}: gloss {token!r} has {len(pieces)} word pieces; set "
                f"model.options.language_model_options.gloss_pieces to that or more"
            )
        table[number, : len(pieces)] = pieces
    return table
