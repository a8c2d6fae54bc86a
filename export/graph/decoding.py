"""Greedy decoding within the graph: glosses of the best path, or the most probable signs.

`ids` are numbers of lines in `labels.txt`, from 0. The `score` of a path is the sum of its
log-probabilities over the steps; a beam search on the client sums over all paths with the same
glosses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slr_keras.decoding.config import DecodingConfig
from slr_keras.decoding.hypothesis import BLANK

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Decoded = dict[str, "tf.Tensor"]


def greedy_ctc(logits: "tf.Tensor", steps: "tf.Tensor", merged: bool = False) -> Decoded:
    """The best class of every step, with equal neighbours merged and blanks removed.

    Args:
        logits: `(batch, steps, classes)`, logits or log-probabilities.
        steps: `(batch,)` int32, real steps of each clip; padding is ignored.
        merged: merge equal glosses with only blanks between them.

    Returns:
        `ids` `(batch, most)` int32, padded with 0; `scores` `(batch,)`; `lengths` `(batch,)` int32.

    >>> import tensorflow as tf
    >>> from export.graph.decoding import greedy_ctc
    >>> scores = tf.math.log([[[0.1, 0.8, 0.1], [0.1, 0.7, 0.2], [0.9, 0.05, 0.05]]])
    >>> greedy_ctc(scores, tf.constant([3]))["ids"].numpy().tolist()
    [[1]]
    """
    import tensorflow as tf

    log_probabilities = tf.nn.log_softmax(logits)
    path = tf.argmax(log_probabilities, axis=-1, output_type=tf.int32)
    real = tf.sequence_mask(steps, tf.shape(logits)[1])
    best = tf.reduce_max(log_probabilities, axis=-1)
    return {**_collapsed(path, real, merged), "scores": _sum(best, real)}


def best_signs(log_probabilities: "tf.Tensor", most: int = 5) -> Decoded:
    """The most probable signs of each clip, best first.

    Args:
        log_probabilities: `(batch, classes)`.
        most: largest number of signs.

    Returns:
        `ids` `(batch, k)` int32 and `scores` `(batch, k)`, log-probabilities.

    >>> import tensorflow as tf
    >>> from export.graph.decoding import best_signs
    >>> best_signs(tf.math.log([[0.2, 0.7, 0.1]]), 2)["ids"].numpy().tolist()
    [[1, 0]]
    """
    import tensorflow as tf

    values, ids = tf.math.top_k(log_probabilities, min(most, log_probabilities.shape[-1]))
    return {"ids": ids, "scores": values}


@dataclass(frozen=True)
class GreedyContext:
    """The best class of each step given the glosses before it: a beam search of beam 1.

    Attributes:
        model: a model with levels and a gloss context, such as `C2st`.
        level: level whose logits are decoded.
        decoding: of the run; its beam is ignored.
        collapses: equal neighbours are one gloss unless a blank separates them, as in CTC with
            context; otherwise each is a gloss, as in a transducer.
    """

    #: Values of `Decoder.greedy_form` that this class implements.
    FORMS: ClassVar[tuple[str, ...]] = ("transducer", "ctc_context")

    model: "keras.Model"
    level: str
    decoding: DecodingConfig
    collapses: bool

    def __call__(self, logits: "tf.Tensor", steps: "tf.Tensor") -> Decoded:
        """See `greedy_ctc`; contexts are added to the logits."""
        import tensorflow as tf

        batch = tf.shape(logits)[0]
        count = tf.shape(logits)[1]
        blank = tf.one_hot(BLANK, logits.shape[-1])
        shift = -self.decoding.blank_penalty * blank

        def step(number, path, scores, before, state, context):
            row = tf.nn.log_softmax(logits[:, number] + shift + context)
            symbol = tf.argmax(row, axis=-1, output_type=tf.int32)
            running = number < steps
            symbol = tf.where(running, symbol, BLANK)
            scores += tf.where(running, tf.gather(row, symbol, batch_dims=1), 0.0)
            new = tf.where(tf.equal(symbol, before), BLANK, symbol) if self.collapses else symbol
            state = self._extended(state, new)
            path = path.write(number, symbol)
            return number + 1, path, scores, symbol, state, self._context(state)

        state = self._initial(batch)
        path = tf.TensorArray(tf.int32, size=count, element_shape=(None,))
        nothing = tf.zeros((batch,), tf.int32)
        start = (0, path, tf.zeros((batch,)), nothing, state, self._context(state))
        _, path, scores, *_ = tf.while_loop(
            lambda number, *_: number < count,
            step,
            start,
            # The batch size is free; a state keeps its shape.
            shape_invariants=tf.nest.map_structure(_shape, start),
        )
        path = tf.transpose(path.stack())
        real = tf.sequence_mask(steps, count)
        merged = self.decoding.collapse_repeats
        decoded = _collapsed(path, real, merged) if self.collapses else _kept(path, real, merged)
        return {**decoded, "scores": scores}

    def _initial(self, batch: Any) -> dict:
        return self._branch.language_model.initial_state(batch) if self._has_context else {}

    def _extended(self, state: dict, glosses: "tf.Tensor") -> dict:
        if not self._has_context:
            return {}
        return self._branch.language_model.extend(state, glosses)

    def _context(self, state: dict) -> Any:
        import tensorflow as tf

        if not self._has_context:
            return tf.zeros((1, self.model.vocabulary_size))
        vectors = self._branch.adapted(self._branch.language_model.vector(state))
        scale = self.decoding.context_scale
        return scale * self.model.classify_context(self.level, vectors[self.level])

    @property
    def _branch(self) -> Any:
        return self.model.context

    @property
    def _has_context(self) -> bool:
        return self._branch is not None and self.level in self.model.fusion


def _shape(value: Any) -> Any:
    import tensorflow as tf

    if isinstance(value, tf.TensorArray):
        return tf.TensorShape(None)
    shape = tf.convert_to_tensor(value).shape
    return tf.TensorShape([None, *shape[1:]]) if shape.rank else shape


def _collapsed(path: "tf.Tensor", real: "tf.Tensor", merged: bool) -> Decoded:
    """The glosses of a path `(batch, steps)`: equal neighbours merged, blanks removed."""
    return _kept(path, real & _differs(path), merged)


def _kept(path: "tf.Tensor", real: "tf.Tensor", merged: bool) -> Decoded:
    import tensorflow as tf

    ids, lengths = _packed(path, real & (path != BLANK))
    if merged:
        # The blanks are removed: equal neighbours are repeated glosses.
        ids, lengths = _packed(ids, tf.sequence_mask(lengths, tf.shape(ids)[1]) & _differs(ids))
    return {"ids": ids, "lengths": lengths}


def _differs(ids: "tf.Tensor") -> "tf.Tensor":
    """Whether each class differs from its left neighbour."""
    import tensorflow as tf

    before = tf.concat([tf.zeros_like(ids[:, :1]) - 1, ids], axis=1)[:, : tf.shape(ids)[1]]
    return tf.not_equal(ids, before)


def _packed(values: "tf.Tensor", kept: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
    """The values where `kept` is true, moved to the left, and their number."""
    import tensorflow as tf

    ragged = tf.ragged.boolean_mask(values, kept)
    lengths = tf.cast(ragged.row_lengths(), tf.int32)
    return ragged.to_tensor(0), lengths


def _sum(values: "tf.Tensor", real: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.reduce_sum(tf.where(real, values, 0.0), axis=1)


Decoder = Callable[["tf.Tensor", "tf.Tensor"], Decoded]
