"""What every gloss language model can do (specs/c2st.md §3)."""

from typing import Any

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE

State = dict[str, Any]


@keras.saving.register_keras_serializable(PACKAGE)
class GlossLanguageModel(keras.layers.Layer):
    """Vectors of gloss prefixes: all of a reference at once, or one gloss after the other.

    Both ways agree: `encode_prefixes(y)[:, t]` is the `vector` after t times `extend`. In training
    the lattice needs all prefixes of the reference; a beam search extends its own.

    A state is a dictionary of tensors whose first axis is the batch, of shapes that never change:
    beams are reordered by gathering, and loops compile. The blank (id 0) leaves a state as it is.

    Attributes:
        vocabulary_size: V, ids with the blank.
        width: d, size of a vector.
    """

    def __init__(self, vocabulary_size: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.width = width

    def build(self, labels_shape=None, label_lengths_shape=None):
        """Nothing is left to build: constructors do it, since methods are used without a call."""

    def encode_prefixes(self, labels, label_lengths, training=False):
        """Vectors of all prefixes.

        Args:
            labels: `(batch, T)` integers, glosses 1..V-1 and then padding of any content.
            label_lengths: `(batch,)` glosses of each.
            training: whether dropout acts.

        Returns:
            `(batch, T + 1, width)`; place t is the prefix of t glosses, the first the empty one.
            Beyond a sentence's end the vector of the whole sentence is repeated.
        """
        raise NotImplementedError

    def encode_whole(self, labels, label_lengths):
        """The vectors of whole sentences alone, `(batch, width)`."""
        vectors = self.encode_prefixes(labels, label_lengths)
        last = ops.cast(label_lengths, "int32")[:, None, None]
        return ops.take_along_axis(vectors, last, axis=1)[:, 0]

    def initial_state(self, batch) -> State:
        """The state of the empty prefix, for a batch of this size (an int or a tensor)."""
        raise NotImplementedError

    def extend(self, state: State, gloss) -> State:
        """The state once each prefix of the batch is longer by a gloss `(batch,)`; 0 adds none."""
        raise NotImplementedError

    def vector(self, state: State):
        """Vectors of the prefixes, `(batch, width)`."""
        raise NotImplementedError

    def remember(self, limit: int = 65536) -> None:
        """Keep vectors of prefixes, up to a limit, where computing them again costs much.

        Only for weights that stay as they are from now on.
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
