"""Checks of arguments' shapes, as far as they are known when the graph is built."""

from collections.abc import Mapping

import tensorflow as tf

from slr_keras.utils.errors import UserError


def check_shapes(caller: str, tensors: Mapping[str, tuple[tf.Tensor, str]]) -> None:
    """Check tensors against named dimensions, such as "batch steps labels+1".

    A name has the same size wherever it occurs; unknown sizes match every size.

    Args:
        caller: function named in the message.
        tensors: maps argument name to the tensor and its dimensions. A plain name is bound at its
            first occurrence, so put such a tensor before one with "name+1".

    Raises:
        UserError: a rank or a size that does not fit.

    >>> import tensorflow as tf
    >>> from slr_keras.losses.cst.shapes import check_shapes
    >>> check_shapes("f", {"x": (tf.zeros((2, 3)), "batch n"), "y": (tf.zeros(4), "n+1")})
    >>> check_shapes("f", {"x": (tf.zeros((2, 3)), "batch n"), "y": (tf.zeros(3), "n+1")})
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: f: y has shape (3,); give (n+1), where n=3
    """
    sizes: dict[str, int] = {}
    for name, (tensor, dimensions) in tensors.items():
        shape = tensor.shape
        if shape.rank is None:
            continue
        wanted = dimensions.split()
        fits = shape.rank == len(wanted)
        for size, dimension in zip(shape, wanted) if fits else ():
            symbol, _, extra = dimension.partition("+")
            if size is not None:
                offset = int(extra or 0)
                fits = fits and sizes.setdefault(symbol, size - offset) == size - offset
        if not fits:
            known = {d.partition("+")[0] for d in wanted} & set(sizes)
            where = ", ".join(f"{symbol}={sizes[symbol]}" for symbol in sorted(known))
            raise UserError(
                f"{caller}: {name} has shape {tuple(shape)}; give ({', '.join(wanted)})"
                + (f", where {where}" if where else "")
            )


def as_floating(x) -> tf.Tensor:
    """Convert to a tensor of at least single precision; half precision is too coarse for lattices.

    >>> import tensorflow as tf
    >>> from slr_keras.losses.cst.shapes import as_floating
    >>> [as_floating(tf.zeros(1, kind)).dtype.name for kind in ("float16", "float64")]
    ['float32', 'float64']
    """
    x = tf.convert_to_tensor(x)
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)


def clean_labels(labels, label_lengths, blank: int) -> tf.Tensor:
    """Convert labels to int32 and set padding to the blank, so that every entry is a valid class.

    >>> from slr_keras.losses.cst.shapes import clean_labels
    >>> clean_labels([[3, 4, -1]], [2], blank=0).numpy()
    array([[3, 4, 0]], dtype=int32)
    """
    labels = tf.cast(labels, tf.int32)
    inside = tf.sequence_mask(label_lengths, tf.shape(labels)[-1])
    return tf.where(inside, labels, blank)
