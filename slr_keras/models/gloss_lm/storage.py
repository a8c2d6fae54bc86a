"""Files of gloss language models: weights, sizes and vocabulary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.gloss_lm.causal import CausalLanguageModel
from slr_keras.models.gloss_lm.interface import GlossLanguageModel
from slr_keras.models.gloss_lm.word_vectors import WordVectorLanguageModel
from slr_keras.utils import schema as schemas
from slr_keras.utils.arrays import load_arrays, read_record, save_arrays
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded

FORMAT = "slr_keras neural gloss language model 1"
KINDS: Mapping[str, type[GlossLanguageModel]] = {
    "causal": CausalLanguageModel,
    "word_vectors": WordVectorLanguageModel,
}
_DAMAGED = ("a damaged gloss language model", "train it again")
# Arguments that the loading process decides.
_OWN = ("name", "dtype", "trainable")


def save_language_model(
    path: str | Path,
    model: GlossLanguageModel,
    vocabulary: Vocabulary,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a gloss language model as a NumPy archive, atomically.

    Args:
        path: the file.
        model: a `CausalLanguageModel` or a `WordVectorLanguageModel`.
        vocabulary: the vocabulary of the model's ids.
        notes: JSON values to store in the file, such as perplexities. Defaults to `None`.

    Raises:
        UserError: the file cannot be written.
        ValueError: a model of another kind, or one whose size is not that of the vocabulary.
    """
    kinds = [kind for kind, cls in KINDS.items() if type(model) is cls]
    if not kinds or model.vocabulary_size != len(vocabulary):
        raise ValueError(
            f"cannot save a {type(model).__name__} of {model.vocabulary_size} ids with a "
            f"vocabulary of {len(vocabulary)}"
        )
    config = {key: value for key, value in model.get_config().items() if key not in _OWN}
    record = {
        "format": FORMAT,
        "kind": kinds[0],
        "config": config,
        "glosses": list(vocabulary.glosses),
        "vocabulary_digest": vocabulary.digest,
        "notes": dict(notes or {}),
    }
    save_arrays(path, {"weights": model.weights}, record)


def load_language_model(
    path: str | Path,
    vocabulary: Vocabulary | None = None,
    frozen: bool = True,
    dtype: str | None = None,
) -> GlossLanguageModel:
    """Read a gloss language model that `save_language_model` wrote.

    Args:
        path: the file.
        vocabulary: the recogniser's vocabulary. Defaults to `None`: vocabularies are not compared.
        frozen: whether the weights are frozen, as in the training of a recogniser. The empty
            prefix's vector of a `WordVectorLanguageModel` is always trained. Defaults to `True`.
        dtype: dtype policy of the model. Defaults to `None`, Keras' own.

    Raises:
        UserError: another kind of file, a damaged file, or a model for another vocabulary.

    >>> import numpy as np
    >>> from slr_keras.data.vocabulary import Vocabulary
    >>> from slr_keras.models.gloss_lm import (
    ...     WordVectorLanguageModel, load_language_model, save_language_model)
    >>> vocabulary = Vocabulary(("RAIN", "NORTH"))
    >>> save_language_model("lm.npz", WordVectorLanguageModel(4, width=2), vocabulary)
    >>> load_language_model("lm.npz", vocabulary).width
    2
    """
    record = _record(path)
    if vocabulary is not None:
        theirs = Vocabulary(tuple(record["glosses"]))
        vocabulary.require_same(theirs, "the recogniser", f"the language model {path}")
    with guarded(path, *_DAMAGED):
        model_class = KINDS[record["kind"]]
        config = dict(record["config"])
        if model_class is WordVectorLanguageModel:
            config["frozen"] = frozen
        model = model_class(**config, dtype=dtype)
    load_arrays(path, {"weights": model.weights})
    if frozen and model_class is not WordVectorLanguageModel:
        model.trainable = False
    return model


def _record(path: str | Path) -> dict[str, Any]:
    record = read_record(path)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UserError(f"{path}: not a gloss language model; make one with `slr gloss_lm`")
    schema = schemas.record(
        {
            "kind": schemas.one_of(*KINDS),
            "config": schemas.mapping(schemas.anything),
            "glosses": schemas.sequence(schemas.text),
        }
    )
    return schemas.checked(record, schema, path, "train it again")
