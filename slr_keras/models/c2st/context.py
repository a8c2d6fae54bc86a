"""Context of the gloss prefix: a gloss language model and one adapter per level.

See docs/papers/c2st.md §3, eq. 3.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.gloss_lm import (
    BertContext,
    CausalLanguageModel,
    GlossLanguageModel,
    WordVectorLanguageModel,
)
from slr_keras.models.layers import PACKAGE, Linear

LANGUAGE_MODELS = {
    "words": WordVectorLanguageModel,
    "causal": CausalLanguageModel,
    "bert": BertContext,
}


@keras.saving.register_keras_serializable(PACKAGE)
class ContextBranch(keras.layers.Layer):
    """Adapter(LM(y_1..y_t)) for every level that uses the context.

    Args:
        language_model: computes a vector for each gloss prefix.
        width: channels of the context and of the gloss features (hidden_dim).
        levels: names of the adapters.
        scale: scale of the adapters' initial weights; small, so that training starts almost
            without context (docs/papers/c2st.md §9). Defaults to `0.1`.

    Call arguments:
        labels: `(batch, T)` gloss ids, padded at the end.
        label_lengths: `(batch,)` glosses of each sentence.

    Returns:
        by level, the contexts `(batch, T + 1, width)` of all prefixes; the empty one is first.

    >>> import numpy as np
    >>> from slr_keras.models.c2st.context import ContextBranch
    >>> from slr_keras.models.gloss_lm import WordVectorLanguageModel
    >>> branch = ContextBranch(WordVectorLanguageModel(5, width=3), 8, ("video",))
    >>> branch(np.array([[1, 2]]), np.array([2]))["video"].shape
    TensorShape([1, 3, 8])
    """

    def __init__(
        self,
        language_model: GlossLanguageModel,
        width: int,
        levels: Sequence[str],
        scale: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.language_model = language_model
        self.width = width
        self.levels = tuple(levels)
        self.scale = scale
        self.adapters = [
            Linear(width, dtype=self.dtype_policy, name=f"adapter_{level}") for level in levels
        ]

    def build(self, labels_shape=None, label_lengths_shape=None):
        if not self.language_model.built:
            self.language_model(np.zeros((1, 1), "int32"), np.zeros((1,), "int32"))
        for adapter in self.adapters:
            if not adapter.built:
                adapter.build((None, None, self.language_model.width))
                adapter.kernel.assign(adapter.kernel * self.scale)
                adapter.bias.assign(adapter.bias * self.scale)
        self.built = True

    def call(self, labels, label_lengths):
        return self.adapted(self.language_model.encode_prefixes(labels, label_lengths))

    def adapted(self, vectors) -> dict[str, Any]:
        """Contexts `(..., width)` by level, from vectors of the language model."""
        vectors = ops.cast(vectors, self.compute_dtype)
        return {level: adapter(vectors) for level, adapter in zip(self.levels, self.adapters)}

    def compute_output_shape(self, labels_shape, label_lengths_shape=None):
        batch, glosses = labels_shape
        after = None if glosses is None else glosses + 1
        return dict.fromkeys(self.levels, (batch, after, self.width))

    def multiply_adds(self, labels_shape, label_lengths_shape=None) -> int:
        """Multiply-adds of the adapters for labels `(batch, T)`, one context per gloss."""
        return math.prod(labels_shape) * self.language_model.width * self.width * len(self.levels)

    def get_config(self):
        return {
            **super().get_config(),
            "language_model": keras.saving.serialize_keras_object(self.language_model),
            "width": self.width,
            "levels": self.levels,
            "scale": self.scale,
        }

    @classmethod
    def from_config(cls, config):
        model = keras.saving.deserialize_keras_object(config["language_model"])
        return cls(**{**config, "language_model": model})


def make_language_model(
    name: str, vocabulary_size: int, frozen: bool = False, **options: Any
) -> GlossLanguageModel:
    """Make a gloss language model by name.

    Args:
        name: "words", "causal" or "bert".
        vocabulary_size: V, ids with the blank.
        frozen: whether the weights are frozen; set it for a pretrained model. The empty prefix's
            vector of "words" is always trained, "bert" never.
        options: arguments of the model's class.

    Raises:
        ValueError: an unknown name.
    """
    if name not in LANGUAGE_MODELS:
        known = ", ".join(LANGUAGE_MODELS)
        raise OptionError(f"language_model {name!r} is not one of none, {known}")
    if name == "words":
        options["frozen"] = frozen
    model = LANGUAGE_MODELS[name](vocabulary_size, name="language_model", **options)
    if frozen and name == "causal":
        model.trainable = False
    return model
