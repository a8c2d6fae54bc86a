"""Configuration messages of TensorFlow Serving that `tensorflow-serving-api` lacks.

Field numbers and names are those of `session_bundle_config.proto` and `monitoring_config.proto`, so
that TensorFlow Serving reads the text files.
"""

import functools
import importlib.util
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install

_INT64, _STRING, _BOOL = "Int64Value", "StringValue", "BoolValue"
# name → (number, a wrapper of google.protobuf, a message of this file, or a plain type)
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BatchingParameters": {
        "max_batch_size": (1, _INT64),
        "batch_timeout_micros": (2, _INT64),
        "max_enqueued_batches": (3, _INT64),
        "num_batch_threads": (4, _INT64),
        "thread_pool_name": (5, _STRING),
        "allowed_batch_sizes": (6, "repeated int64"),
        "pad_variable_length_inputs": (7, "bool"),
        "enable_large_batch_splitting": (8, _BOOL),
        "max_execution_batch_size": (9, _INT64),
    },
    "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
    "MonitoringConfig": {"prometheus_config": (1, "PrometheusConfig")},
}
_PACKAGE = "slr_keras.serving"


def require_serving(*modules: str) -> None:
    """Require the extra `serving`.

    Args:
        modules: to check; by default `tensorflow_serving` and `grpc`.

    Raises:
        UserError: a module is not installed; names the command that installs it.
    """
    for module in modules or ("tensorflow_serving", "grpc"):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"{module} is not installed: {install('serving')}")


def message(name: str) -> Any:
    """An empty configuration message.

    Args:
        name: `BatchingParameters` or `MonitoringConfig`.

    >>> from export.serving.protos import message
    >>> parameters = message("BatchingParameters")
    >>> parameters.max_batch_size.value = 8
    >>> print(parameters)
    max_batch_size {
      value: 8
    }
    <BLANKLINE>
    """
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))()


@functools.cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2

    kinds = descriptor_pb2.FieldDescriptorProto
    plain = {"bool": kinds.TYPE_BOOL, "string": kinds.TYPE_STRING, "int64": kinds.TYPE_INT64}
    file = descriptor_pb2.FileDescriptorProto(
        name="slr_keras/serving.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated, _, bare = kind.rpartition(" ")
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            entry = described.field.add(name=field, number=number, label=label)
            if bare in plain:
                entry.type = plain[bare]
            else:
                package = _PACKAGE if bare in _MESSAGES else "google.protobuf"
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".{package}.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool
