"""Preparation of raw or encoded pictures for video models, by the frame contract."""

from typing import TYPE_CHECKING

from export.graph.lanczos import resized
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.scans import SCANS

if TYPE_CHECKING:
    import tensorflow as tf

#: Largest side of an encoded picture in pixels.
LARGEST = 4096
_START_OF_SCAN = b"\xff\xda"
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


def seen(content: "tf.Tensor", places: "tf.Tensor", contract: FrameContract) -> "tf.Tensor":
    """Pictures for the model; each picture that is needed is decoded and resized once.

    Args:
        content: `(batch, time, height, width, 3)` uint8, or `(batch, time)` JPEG or PNG files whose
            pictures may differ in size. Frames that `places` does not name may hold anything.
        places: `(batch, frames)` int32, indices of the frames to take from each clip.
        contract: of resizing and cropping.

    Returns:
        `(batch, frames, *contract.shape)` uint8.

    Raises:
        tf.errors.InvalidArgumentError: at run time: a file is damaged or has another format.

    >>> import tensorflow as tf
    >>> from export.graph.pictures import seen
    >>> from slr_keras.data.video.contract import FrameContract
    >>> clips = tf.zeros((2, 5, 48, 64, 3), tf.uint8)
    >>> seen(clips, tf.constant([[0, 4], [0, 1]]), FrameContract((64, 48), crop=(32, 32))).shape
    TensorShape([2, 2, 32, 32, 3])
    """
    import tensorflow as tf

    shape = tf.shape(content)
    batch, time = shape[0], shape[1]
    flat = tf.reshape(tf.range(batch)[:, None] * time + places, (-1,))
    wanted, back = tf.unique(flat)
    if content.dtype == tf.string:
        files = tf.gather(tf.reshape(content, (-1,)), wanted)
        pictures = _decoded(files, contract)
    else:
        together = tf.reshape(content, tf.concat([[batch * time], shape[2:]], 0))
        together = tf.ensure_shape(together, (None, None, None, 3))
        pictures = resized(tf.gather(together, wanted), contract.resize, contract.crop)
    pictures = tf.gather(pictures, back)
    return tf.reshape(pictures, tf.concat([tf.shape(places), contract.shape], 0))


def _decoded(files: "tf.Tensor", contract: FrameContract) -> "tf.Tensor":
    """Pictures of different sizes, decoded one after another."""
    import tensorflow as tf

    def one(file: "tf.Tensor") -> "tf.Tensor":
        with tf.control_dependencies(_checks(file)):
            file = tf.identity(file)
        # Reads PNG, too. INTEGER_ACCURATE is the default of other decoders.
        picture = tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")
        return resized(picture[None], contract.resize, contract.crop)[0]

    spec = tf.TensorSpec(contract.shape, tf.uint8)
    return tf.map_fn(one, files, fn_output_signature=spec)


def _checks(file: "tf.Tensor") -> list:
    """Refuse other file formats, and small files that decode to huge pictures."""
    import tensorflow as tf

    is_jpeg = tf.equal(tf.strings.substr(file, 0, 3), _JPEG)
    is_png = tf.equal(tf.strings.substr(file, 0, 8), _PNG) & (tf.strings.length(file) >= 24)
    kind = tf.debugging.Assert(
        is_jpeg | is_png, ["encoded: every picture must be a whole JPEG or PNG file"]
    )

    def size_of_png() -> "tf.Tensor":
        return tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.int32, little_endian=False)

    scans = tf.cond(
        is_jpeg,
        lambda: tf.size(tf.strings.split(file, _START_OF_SCAN)) - 1,
        lambda: tf.constant(0),
    )
    scanned = tf.debugging.Assert(
        scans <= SCANS.default, [f"encoded: a JPEG picture has at most {SCANS.default} scans"]
    )
    with tf.control_dependencies([check for check in (kind, scanned) if check is not None]):
        size = tf.cond(
            is_jpeg,
            lambda: tf.io.extract_jpeg_shape(file)[:2],
            lambda: tf.ensure_shape(size_of_png(), (2,)),
        )
    small = tf.debugging.Assert(
        tf.reduce_all((size > 0) & (size <= LARGEST)),
        [f"encoded: a picture's sides are 1 to {LARGEST} pixels; got", size],
    )
    return [] if small is None else [small]
