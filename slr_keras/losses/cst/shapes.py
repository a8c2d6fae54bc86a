"""Shapes of what a caller gives, checked as far as they are known before the graph runs."""

from collections.abc import Mapping

import tensorflow as tf

from slr_keras.utils.errors import UserError


def check_shapes(caller: str, tensors: Mapping[str, tuple[tf.Tensor, str]]) -> None:
    """Check named tensors against dimensions written as names, such as "batch steps labels+1".

    A name means the same size wherever it occurs; sizes not known yet agree with everything.

    Args:
        caller: the function that the message names.
        tensors: by argument name, the tensor and its dimensions. A name that stands alone is
            bound at its first occurrence, so put such a tensor before one that has "name+1".

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
    """A tensor of at least single precision: half precision cannot hold a lattice.

    >>> import tensorflow as tf
    >>> from slr_keras.losses.cst.shapes import as_floating
    >>> [as_floating(tf.zeros(1, kind)).dtype.name for kind in ("float16", "float64")]
    ['float32', 'float64']
    """
    x = tf.convert_to_tensor(x)
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)


def clean_labels(labels, label_lengths, blank: int) -> tf.Tensor:
    """Labels as int32 with the blank beyond their length, so that padding is always a class.

    >>> from slr_keras.losses.cst.shapes import clean_labels
    >>> clean_labels([[3, 4, -1]], [2], blank=0).numpy()
    array([[3, 4, 0]], dtype=int32)
    """
    labels = tf.cast(labels, tf.int32)
    inside = tf.sequence_mask(label_lengths, tf.shape(labels)[-1])
    return tf.where(inside, labels, blank)
