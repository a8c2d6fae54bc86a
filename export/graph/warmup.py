"""Warm-up requests, which TensorFlow Serving runs before it reports a version as available.

The first request of a shape is slow: kernels are chosen and memory is allocated. The warm-up has
one request for each shape that clients should send.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.graph.names import (
    CONTEXT,
    FILES,
    FRAMES,
    LENGTHS,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install

FILE = "assets.extra/tf_serving_warmup_requests"
# TensorFlow Serving's limit.
MOST = 1000


def write_warmup(
    folder: Path,
    signatures: Mapping[str, Any],
    buckets: Sequence[int],
    example: np.ndarray,
) -> int:
    """Write one record for every signature and bucket.

    Args:
        folder: of the version.
        signatures: result of `endpoints.described`.
        buckets: lengths in frames.
        example: a frame of keypoints `(points, channels)`, or a picture.

    Returns:
        The number of records.

    Raises:
        UserError: tensorflow-serving-api is not installed, or the limit of records is exceeded.
    """
    import tensorflow as tf

    prediction_log_pb2 = _protos()
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    records = list(_requests(signatures, buckets, example))
    if len(records) > MOST:
        raise UserError(
            f"{len(buckets)} buckets need {len(records)} warm-up records, TensorFlow Serving takes "
            f"up to {MOST}; give fewer lengths with --frames"
        )
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in records:
            log = prediction_log_pb2.PredictLog(request=request)
            record = prediction_log_pb2.PredictionLog(predict_log=log)
            writer.write(record.SerializeToString())
    return len(records)


def _requests(
    signatures: Mapping[str, Any], buckets: Sequence[int], example: np.ndarray
) -> Iterator[Any]:
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    for name, signature in signatures.items():
        if name == CONTEXT:
            yield PredictRequest(
                model_spec={"signature_name": name},
                inputs={
                    "prefixes": tf.make_tensor_proto(np.zeros((1, 4), np.int32)),
                    LENGTHS: tf.make_tensor_proto(np.zeros(1, np.int32)),
                },
            )
            continue
        (content,) = (key for key in signature["inputs"] if key != LENGTHS)
        for frames in buckets:
            yield PredictRequest(
                model_spec={"signature_name": name},
                inputs={
                    content: _content(content, example, frames),
                    LENGTHS: tf.make_tensor_proto(np.int32([frames])),
                },
            )


def _content(name: str, example: np.ndarray, frames: int) -> Any:
    import tensorflow as tf

    if name == FILES:
        file = tf.io.encode_jpeg(example).numpy()
        return tf.make_tensor_proto(np.full((1, frames), file, object), tf.string)
    if name == FRAMES:
        # A tensor of equal numbers is stored as one number.
        return tf.make_tensor_proto(127, tf.uint8, (1, frames, *example.shape))
    return tf.make_tensor_proto(np.repeat(example[None, None], frames, 1))


def _protos() -> Any:
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError as error:
        raise UserError(
            f"warm-up records need tensorflow-serving-api: {install('serving')}, or --no-warmup"
        ) from error
    return prediction_log_pb2
