"""Bag-of-words language model of glosses (docs/papers/c2st.md §3)."""

import math

import keras
import numpy as np
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.gloss_lm.interface import GlossLanguageModel, State
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class WordVectorLanguageModel(GlossLanguageModel):
    """Mean of word vectors, (e_1 + ... + e_t) / t, with a learned vector for the empty prefix.

    Args:
        vocabulary_size: V, ids with the blank.
        width: size of a vector (embed_dim). Defaults to `300`, as in fastText.
        frozen: whether the glosses' vectors are frozen, as for vectors from a file (see
            `set_vectors`); the empty prefix's vector is always trained. Defaults to `False`.

    >>> import numpy as np
    >>> from slr_keras.models.gloss_lm import WordVectorLanguageModel
    >>> model = WordVectorLanguageModel(4, width=2)
    >>> model.set_vectors(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]))
    >>> np.asarray(model(np.array([[1, 2]]), np.array([2])))[0]
    array([[0. , 0. ],
           [1. , 0. ],
           [0.5, 0.5]], dtype=float32)
    """

    def __init__(self, vocabulary_size: int, width: int = 300, frozen: bool = False, **kwargs):
        super().__init__(vocabulary_size, width, **kwargs)
        self.frozen = frozen
        # Sums over a prefix need float32 under any policy.
        self.empty = self.add_weight(
            name="empty", shape=(width,), initializer="zeros", dtype="float32", autocast=False
        )
        self.words = self.add_weight(
            name="words",
            shape=(vocabulary_size - 1, width),
            initializer=keras.initializers.RandomNormal(stddev=1 / math.sqrt(width)),
            trainable=not frozen,
            dtype="float32",
            autocast=False,
        )
        self.build()

    def set_vectors(self, vectors: np.ndarray) -> None:
        """Set the vectors of the glosses 1..V-1.

        Args:
            vectors: `(V - 1, width)`.

        Raises:
            OptionError: another shape.
        """
        if np.shape(vectors) != tuple(self.words.shape):
            raise OptionError(
                f"word vectors have shape {np.shape(vectors)}; the model needs {self.words.shape}"
            )
        self.words.assign(vectors)

    def encode_prefixes(self, labels, label_lengths, training=False):
        labels = ops.cast(labels, "int32")
        lengths = ops.expand_dims(ops.cast(label_lengths, "int32"), 1)
        real = ops.arange(ops.shape(labels)[1])[None, :] < lengths
        values, counts = self._looked_up(ops.where(real, labels, 0))
        totals = ops.pad(ops.cumsum(values, axis=1), ((0, 0), (1, 0), (0, 0)))
        return self._mean(totals, ops.pad(ops.cumsum(counts, axis=1), ((0, 0), (1, 0))))

    def initial_state(self, batch) -> State:
        return {
            "total": ops.zeros((batch, self.width), "float32"),
            "count": ops.zeros((batch,), "int32"),
        }

    def extend(self, state: State, gloss) -> State:
        values, counts = self._looked_up(ops.cast(gloss, "int32"))
        return {"total": state["total"] + values, "count": state["count"] + counts}

    def vector(self, state: State):
        return self._mean(state["total"], state["count"])

    def _looked_up(self, ids):
        """Vectors of ids, 0 for the blank, and a mask that is 1 for a gloss."""
        values = ops.take(self.words, ops.maximum(ids - 1, 0), axis=0)
        present = ops.cast(ids > 0, "int32")
        return values * ops.expand_dims(ops.cast(present, "float32"), -1), present

    def _mean(self, totals, counts):
        counts = ops.expand_dims(counts, -1)
        means = totals / ops.cast(ops.maximum(counts, 1), "float32")
        empty = ops.broadcast_to(ops.convert_to_tensor(self.empty), ops.shape(means))
        return ops.cast(ops.where(counts > 0, means, empty), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "frozen": self.frozen}
