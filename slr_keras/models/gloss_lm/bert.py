"""BERT's view of a prefix, from a checkpoint on this computer (specs/c2st.md §3)."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from slr_keras.models.gloss_lm.bert_encoder import BertEncoder, preset_width
from slr_keras.models.gloss_lm.cache import PrefixCache
from slr_keras.models.gloss_lm.interface import GlossLanguageModel, State
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class BertContext(GlossLanguageModel):
    """The vector of [CLS] in "[CLS] y_1 ... y_t [SEP]", frozen, computed once per prefix.

    The encoder runs on the host side, out of the graph and without gradients, and only on prefixes
    that are not in the cache; its weights are no part of the recogniser's file. Graphs that hold
    this layer do not compile with XLA.

    Beyond `capacity` glosses the context stays that of the first `capacity`.

    Args:
        preset: a folder written by keras-hub's `save_to_preset`, with backbone and tokenizer.
        tokens: every token of the vocabulary by id, `Vocabulary.tokens`.
        cased: whether the checkpoint knows capitals, see `gloss_text`. Defaults to `True`.
        limit: prefixes kept in the cache. Defaults to `65536`.
        capacity: glosses that a context can hold. Defaults to `64`.

    Raises:
        UserError: the folder holds no BERT, or keras-hub is not installed.
    """

    def __init__(
        self,
        preset: str | Path,
        tokens: Sequence[str],
        cased: bool = True,
        limit: int = 65536,
        capacity: int = 64,
        vocabulary_size: int | None = None,
        width: int | None = None,
        **kwargs,
    ):
        tokens = tuple(tokens)
        super().__init__(len(tokens), preset_width(preset), **{**kwargs, "trainable": False})
        self.preset = str(preset)
        self.tokens = tokens
        self.cased = cased
        self.limit = limit
        self.capacity = capacity
        encoder = BertEncoder(preset, tokens, cased)
        self.cache = PrefixCache(encoder.vectors, self.width, limit)
        self.build()

    def encode_prefixes(self, labels, label_lengths, training=False):
        lengths = ops.minimum(ops.cast(label_lengths, "int32"), self.capacity)
        vectors = _on_host(self.cache.encode_prefixes, ops.cast(labels, "int32"), lengths)
        return self._shaped(vectors, (*labels.shape[:1], _one_more(labels.shape[1]), self.width))

    def initial_state(self, batch) -> State:
        return {
            "glosses": ops.zeros((batch, self.capacity), "int32"),
            "count": ops.zeros((batch,), "int32"),
        }

    def extend(self, state: State, gloss) -> State:
        gloss, count = ops.cast(gloss, "int32"), state["count"]
        goes_on = ops.logical_and(gloss > 0, count < self.capacity)
        here = ops.arange(self.capacity)[None, :] == count[:, None]
        here = ops.logical_and(here, goes_on[:, None])
        return {
            "glosses": ops.where(here, gloss[:, None], state["glosses"]),
            "count": count + ops.cast(goes_on, "int32"),
        }

    def vector(self, state: State):
        vectors = _on_host(self._whole, state["glosses"], state["count"])
        return self._shaped(vectors, (*state["count"].shape, self.width))

    def _whole(self, glosses: np.ndarray, counts: np.ndarray) -> np.ndarray:
        rows = zip(glosses.tolist(), counts.tolist(), strict=True)
        return self.cache.vectors([row[:count] for row, count in rows])

    def _shaped(self, vectors, shape):
        # What comes from the host has no static shape.
        if hasattr(vectors, "set_shape"):
            vectors.set_shape(shape)
        return ops.cast(vectors, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "preset": self.preset,
            "tokens": self.tokens,
            "cased": self.cased,
            "limit": self.limit,
            "capacity": self.capacity,
        }


def _one_more(size: int | None) -> int | None:
    return None if size is None else size + 1


def _on_host(function, *tensors):
    """Run a function of arrays now, or from within a TensorFlow graph when that runs."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            return tf.numpy_function(function, tensors, tf.float32, stateful=False)
    return ops.convert_to_tensor(function(*map(ops.convert_to_numpy, tensors)))
