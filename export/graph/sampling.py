"""Frame sampling and checks of clip lengths within the graph."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slr_keras.data.sampling import REDUCTION
from slr_keras.data.segments import Segments

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Sampling:
    """Rule that selects the frames of a clip for the model.

    Attributes:
        most: largest number of frames that the model takes at once.
        segments: rule of models that take the same number of frames from every clip; None takes all
            frames.
        evenly: take evenly spaced frames from a longer clip, as for clips of one sign.
        repeats: repeat the last frame up to a multiple of 4, as for pictures; otherwise the frames
            beyond the last multiple of 4 are dropped.

    >>> import tensorflow as tf
    >>> from export.graph.sampling import Sampling
    >>> places, seen = Sampling(most=400, repeats=True).places(tf.constant([5, 3]), 5)
    >>> places.numpy().tolist(), seen.numpy().tolist()
    ([[0, 1, 2, 3, 4, 4, 4, 4], [0, 1, 2, 2, 2, 2, 2, 2]], [8, 4])
    """

    most: int
    segments: Segments | None = None
    evenly: bool = False
    repeats: bool = False

    def places(self, lengths: "tf.Tensor", time: Any) -> tuple["tf.Tensor", "tf.Tensor"]:
        """Frames to take from each clip, and how many of them are real.

        Args:
            lengths: `(batch,)` int32, frames of each clip, at least 1.
            time: frames of the longest clip.

        Returns:
            `(batch, frames)` int32, indices of frames; and `(batch,)` int32, the number of real
            indices. Padding repeats the last frame.
        """
        import tensorflow as tf

        lengths = lengths[:, None]
        if self.segments is not None:
            return self._of_segments(lengths, self.segments)
        seen, frames = self._rounded(lengths), self._rounded(time)
        if self.evenly:
            frames = tf.minimum(frames, self.most)
        column = tf.range(frames)[None]
        places = tf.minimum(column, lengths - 1)
        if self.evenly:
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
    """The content, after a check at run time that its shape fits the signature.

    A session does not check the shapes of its feeds. Without this check, shapes known from tracing
    are taken as given, and a clip of another layout gives the scores of other points.

    Args:
        content: input of a signature.
        name: of the content, for messages.

    Raises:
        tf.errors.InvalidArgumentError: at run time; states both shapes.
    """
    import tensorflow as tf

    expected = content.shape
    wanted = ", ".join("any" if size is None else str(size) for size in expected)
    text = f"{name}: the shape must be ({wanted}); got"
    given = tf.raw_ops.PlaceholderWithDefault(input=content, shape=tf.TensorShape(None))
    shape = tf.shape(given)
    rank = tf.debugging.Assert(tf.equal(tf.size(shape), expected.rank), [text, shape])
    sizes = [(axis, size) for axis, size in enumerate(expected) if size is not None]
    with tf.control_dependencies(_assertions(rank)):
        fits = [tf.equal(tf.gather(shape, axis), size) for axis, size in sizes]
    asserted = tf.debugging.Assert(tf.reduce_all(fits), [text, shape]) if fits else rank
    with tf.control_dependencies(_assertions(asserted)):
        return tf.ensure_shape(tf.identity(given), expected)


def _assertions(*operations: "tf.Operation | None") -> list:
    """Operations to wait for; outside a graph assertions run at once and give None."""
    return [operation for operation in operations if operation is not None]


def checked_lengths(
    content: "tf.Tensor", lengths: "tf.Tensor", name: str, longest: int
) -> "tf.Tensor":
    """The lengths, after a check at run time that they fit the content.

    Args:
        content: `(batch, time, ...)`.
        lengths: `(batch,)` int32.
        name: of the content, for messages.
        longest: largest number of frames of a clip.

    Raises:
        tf.errors.InvalidArgumentError: at run time; states the lengths that do not fit.

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
    with tf.control_dependencies(_assertions(same)):
        asserted = [
            tf.debugging.Assert(tf.reduce_all(rule), [text, lengths, *also], summarize=16)
            for rule, text, also in rules
        ]
    with tf.control_dependencies(_assertions(*asserted)):
        return tf.identity(lengths)
