"""Arrays of a gRPC request, which are compared with the model before they are decoded."""

import math

import numpy as np

from export.serving.model import Signature
from export.serving.request_shapes import Bounds, check_shape
from export.serving.tensors import from_proto
from export.serving.wire import Outline, refused

# Bytes of the longest encoded number.
_NUMBER = 10
_SLACK = 1024


def from_outline(name: str, tensor: Outline, signature: Signature, bounds: Bounds) -> np.ndarray:
    """The array of an encoded tensor, after a check of its dtype, shape and size.

    Args:
        name: of the input.
        tensor: encoded.
        signature: of the request.
        bounds: most clips, frames and bytes of a request.

    Raises:
        ServingError: the tensor does not fit the signature, or its values do not fill the shape.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    if min(tensor.shape, default=0) < 0:
        raise refused(f"input {name!r}: its shape {tensor.shape} is impossible")
    check_shape(name, tensor.shape, tensor.dtype, signature, bounds)
    count = math.prod(tensor.shape)
    if tensor.values > _NUMBER * count + _SLACK or tensor.strings > count:
        raise refused(f"input {name!r}: has more values than {tensor.shape}")
    try:
        proto = TensorProto.FromString(bytes(tensor.encoded))
    except DecodeError:
        raise refused(f"input {name!r}: is no encoded tensor") from None
    return from_proto(name, proto, bounds.bytes)
