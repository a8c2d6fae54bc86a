"""Which frames of a clip the model sees, within the graph; and the refusal of lengths."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slr_keras.data.sampling import REDUCTION
from slr_keras.data.segments import Segments

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Sampling:
    """How the frames of a clip become those that the model sees.

    Attributes:
        most: frames that the model takes at once.
        segments: where it takes the same number of every clip; None takes all.
        whole: whether a longer clip gives evenly spread frames, as one of a single sign does.
        repeats: whether the last frame is repeated up to a multiple of 4, as of pictures; else the
            frames beyond a multiple of 4 are left out.

    >>> import tensorflow as tf
    >>> from export.graph.sampling import Sampling
    >>> places, seen = Sampling(most=400, repeats=True).places(tf.constant([5, 3]), 5)
    >>> places.numpy().tolist(), seen.numpy().tolist()
    ([[0, 1, 2, 3, 4, 4, 4, 4], [0, 1, 2, 2, 2, 2, 2, 2]], [8, 4])
    """

    most: int
    segments: Segments | None = None
    whole: bool = False
    repeats: bool = False

    def places(self, lengths: "tf.Tensor", time: Any) -> tuple["tf.Tensor", "tf.Tensor"]:
        """Frames of each clip, and how many of them are meant.

        Args:
            lengths: `(batch,)` int32, frames of each clip, 1 at least.
            time: frames of the longest.

        Returns:
            `(batch, frames)` int32, indices into a clip's own frames; and `(batch,)` int32. What
            lies beyond repeats the last frame.
        """
        import tensorflow as tf

        lengths = lengths[:, None]
        if self.segments is not None:
            return self._of_segments(lengths, self.segments)
        seen, frames = self._rounded(lengths), self._rounded(time)
        if self.whole:
            frames = tf.minimum(frames, self.most)
        column = tf.range(frames)[None]
        places = tf.minimum(column, lengths - 1)
        if self.whole:
            spread = _centres(column, seen, self.most)
            places = tf.where(seen > self.most, tf.minimum(spread, lengths - 1), places)
            seen = tf.minimum(seen, self.most)
        return places, seen[:, 0]

    def _of_segments(self, lengths: "tf.Tensor", segments: Segments) -> Any:
        import tensorflow as tf

        column = tf.range(segments.count)[None]
        places = _centres(column, lengths, segments.count)
        if segments.rule == "consecutive":
            in_a_row = (lengths - segments.count) // 2 + column
            places = tf.where(lengths >= segments.count, in_a_row, places)
        return places, tf.zeros_like(lengths[:, 0]) + segments.count

    def _rounded(self, frames: Any) -> Any:
        import tensorflow as tf

        up = REDUCTION - 1 if self.repeats else 0
        return tf.maximum((frames + up) // REDUCTION * REDUCTION, REDUCTION)


def _centres(column: "tf.Tensor", frames: "tf.Tensor", count: int) -> "tf.Tensor":
    """`segments.centres`."""
    return (2 * column + 1) * frames // (2 * count)


def checked_shape(content: "tf.Tensor", name: str) -> "tf.Tensor":
    """The content, once it is known to have the shape that its signature says.

    Sessions run what they are fed. What is known of the shape while tracing would be taken for
    granted: a clip of another layout would give scores of other points.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs; says both shapes.
    """
    import tensorflow as tf

    expected = content.shape
    wanted = ", ".join("any" if size is None else str(size) for size in expected)
    text = f"{name}: the shape is to be ({wanted}); got"
    given = tf.raw_ops.PlaceholderWithDefault(input=content, shape=tf.TensorShape(None))
    shape = tf.shape(given)
    rank = tf.debugging.Assert(tf.equal(tf.size(shape), expected.rank), [text, shape])
    sizes = [(axis, size) for axis, size in enumerate(expected) if size is not None]
    with tf.control_dependencies(_of(rank)):
        fits = [tf.equal(tf.gather(shape, axis), size) for axis, size in sizes]
    asserted = tf.debugging.Assert(tf.reduce_all(fits), [text, shape]) if fits else rank
    with tf.control_dependencies(_of(asserted)):
        return tf.ensure_shape(tf.identity(given), expected)


def _of(*asserted: "tf.Operation | None") -> list:
    """What later operations wait for; outside a graph an assertion has been made already."""
    return [it for it in asserted if it is not None]


def checked_lengths(
    content: "tf.Tensor", lengths: "tf.Tensor", name: str, longest: int
) -> "tf.Tensor":
    """The lengths, once they are known to fit; whatever is computed from them waits for that.

    Args:
        content: `(batch, time, ...)`.
        lengths: `(batch,)` int32.
        name: of the content, for messages.
        longest: frames of a clip.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs; says which lengths do not fit.

    >>> import tensorflow as tf
    >>> from export.graph.sampling import checked_lengths
    >>> checked_lengths(tf.zeros((1, 8, 6, 3)), tf.constant([9]), "keypoints", 400)
    Traceback (most recent call last):
    ...
    tensorflow.python.framework.errors_impl.InvalidArgumentError: ...
    """
    import tensorflow as tf

    batch, time = tf.shape(content)[0], tf.shape(content)[1]
    numbers = tf.size(lengths)
    same = tf.debugging.Assert(
        tf.equal(numbers, batch),
        [f"lengths: one number is wanted for each clip of {name}; got", numbers, "for", batch],
    )
    rules = (
        (lengths >= 1, "lengths: a clip has at least 1 frame; got", ()),
        (lengths <= time, f"lengths: more frames than {name} holds; got", (time,)),
        (
            lengths <= longest,
            f"lengths: this model takes clips of up to {longest} frames, cut longer ones into "
            "windows; got",
            (),
        ),
    )
    with tf.control_dependencies(_of(same)):
        asserted = [
            tf.debugging.Assert(tf.reduce_all(rule), [text, lengths, *also], summarize=16)
            for rule, text, also in rules
        ]
    with tf.control_dependencies(_of(*asserted)):
        return tf.identity(lengths)
