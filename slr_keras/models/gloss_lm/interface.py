"""Base class of gloss language models (docs/papers/c2st.md §3)."""

from typing import Any

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE

State = dict[str, Any]


@keras.saving.register_keras_serializable(PACKAGE)
class GlossLanguageModel(keras.layers.Layer):
    """Base of models that compute a context vector for each gloss prefix.

    Training needs the vectors of all prefixes of a reference (`encode_prefixes`); beam search
    extends prefixes gloss by gloss (`initial_state`, `extend`, `vector`). Both give the same
    vectors: `encode_prefixes(y)[:, t]` equals `vector` after t times `extend`.

    A state is a dictionary of tensors with the batch as first axis. Their shapes are constant, so
    that beams are reordered by gathering and loops compile. The blank (id 0) does not change a
    state.

    Args:
        vocabulary_size: V, ids with the blank.
        width: d, size of a vector (hidden_dim).
        kwargs: `name`, `dtype` and `trainable` of the layer.
    """

    def __init__(self, vocabulary_size: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.width = width

    def build(self, labels_shape=None, label_lengths_shape=None):
        """Do nothing: constructors make the weights, since methods are used without a call."""

    def encode_prefixes(self, labels, label_lengths, training=False):
        """Vectors of all prefixes.

        Args:
            labels: `(batch, T)` integers, glosses 1..V-1 followed by padding with any values.
            label_lengths: `(batch,)` glosses of each sentence.
            training: whether dropout is active.

        Returns:
            `(batch, T + 1, width)`; index t is the prefix of t glosses, index 0 the empty prefix.
            After the end of a sentence, the vector of the whole sentence is repeated.
        """
        raise NotImplementedError

    def encode_whole(self, labels, label_lengths):
        """Vectors of whole sentences, `(batch, width)`."""
        vectors = self.encode_prefixes(labels, label_lengths)
        last = ops.cast(label_lengths, "int32")[:, None, None]
        return ops.take_along_axis(vectors, last, axis=1)[:, 0]

    def initial_state(self, batch) -> State:
        """State of the empty prefix for a batch of this size (an int or a tensor)."""
        raise NotImplementedError

    def extend(self, state: State, gloss) -> State:
        """State after one more gloss `(batch,)` for each prefix of the batch; 0 adds none."""
        raise NotImplementedError

    def vector(self, state: State):
        """Vectors of the prefixes in a state, `(batch, width)`."""
        raise NotImplementedError

    def remember(self, limit: int = 65536) -> None:
        """Cache vectors of up to `limit` prefixes, in models whose vectors are expensive.

        The weights must not change afterwards. By default this does nothing.
        """

    def call(self, labels, label_lengths, training=False):
        return self.encode_prefixes(labels, label_lengths, training=training)

    def compute_output_shape(self, labels_shape, label_lengths_shape=None):
        batch, time = labels_shape
        return (batch, None if time is None else time + 1, self.width)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
        }
