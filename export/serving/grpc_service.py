"""gRPC interface of TensorFlow Serving: PredictionService and ModelService."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from export.serving.failure import ServingError
from export.serving.guard import Guard
from export.serving.proto_inputs import from_outline
from export.serving.repository import Served
from export.serving.request_handler import Asked, RequestHandler
from export.serving.request_shapes import check_names
from export.serving.tensors import fill_proto
from export.serving.wire import outline, refused

SIGNATURE_DEF = "signature_def"
# Bytes of a message without tensors.
_MOST_SMALL = 65_536
_STATES = {"LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}


def services(handler: RequestHandler, guard: Guard, seconds: float) -> Any:
    """Both services, as a generic handler of `grpc.aio`.

    The token is checked and a place is taken before a message is read: every method is registered
    as one that takes a stream, from which it reads one message. A client sees no difference.

    Args:
        handler: of the requests.
        guard: access control.
        seconds: time limit for sending a message.
    """
    import grpc
    from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

    handlers = _Handlers(handler, guard, seconds)

    async def metadata(message: bytes, context: Any, asked: Asked) -> Any:
        return handlers.described(_parsed(GetModelMetadataRequest, message), asked)

    async def status(message: bytes, context: Any, asked: Asked) -> Any:
        return handlers.states(_parsed(GetModelStatusRequest, message), asked)

    # Other methods respond UNIMPLEMENTED, above all the reloading of a configuration, with which a
    # client could name folders of the server.
    methods = {
        "/tensorflow.serving.PredictionService/Predict": handlers.predicted,
        "/tensorflow.serving.PredictionService/GetModelMetadata": metadata,
        "/tensorflow.serving.ModelService/GetModelStatus": status,
    }
    table = {
        path: grpc.stream_unary_rpc_method_handler(
            handlers.method(method), response_serializer=_serialised
        )
        for path, method in methods.items()
    }

    class Services(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:
            return table.get(handler_call_details.method)

    return Services()


def _serialised(response: Any) -> bytes:
    return response.SerializeToString()


def _parsed(kind: Any, message: bytes) -> Any:
    from google.protobuf.message import DecodeError

    if len(message) > _MOST_SMALL:
        raise refused(f"the message has more than {_MOST_SMALL:,} bytes")
    try:
        return kind.FromString(message)
    except DecodeError:
        raise refused("the message is not a request of the interface") from None


def model_of(spec: Any) -> tuple[str, int | None, str | None]:
    """Name, version and label that a `ModelSpec` asks for."""
    chosen = spec.WhichOneof("version_choice")
    version = spec.version.value if chosen == "version" else None
    return spec.name, version, spec.version_label if chosen == "version_label" else None


class _Handlers:
    def __init__(self, handler: RequestHandler, guard: Guard, seconds: float):
        self.handler, self.guard, self.seconds = handler, guard, seconds

    def method(self, respond: Callable[[bytes, Any, Asked], Awaitable[Any]]) -> Any:
        """The method of a stream that responds to the bytes of one message."""

        async def guarded(context: Any, asked: Asked) -> Any:
            self.guard.check(dict(context.invocation_metadata() or ()).get("authorization"))
            with self.handler.calls.place() as call:
                async with call.receiving(self.seconds):
                    message = await context.read()
                if not isinstance(message, bytes):
                    raise refused("the call has no message")
                return await respond(message, context, asked)

        async def fail(error: ServingError, context: Any) -> None:
            import grpc

            await context.abort(getattr(grpc.StatusCode, error.code), str(error))

        async def method(_: Any, context: Any) -> Any:
            asked = Asked("GRPC")
            return await self.handler.counted(
                asked, guarded(context, asked), lambda error: fail(error, context)
            )

        return method

    async def predicted(self, message: bytes, context: Any, asked: Asked) -> Any:
        from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

        rest, tensors = outline(message)
        request = _parsed(PredictRequest, rest)
        spec = request.model_spec
        asked.model = spec.name

        def inputs(served: Served) -> dict[str, np.ndarray]:
            signature = served.batcher.model.signature(spec.signature_name)
            bounds = self.handler.bounds(served, spec.signature_name)
            check_names(signature, tensors)
            return {
                name: from_outline(name, tensor, signature, bounds)
                for name, tensor in tensors.items()
            }

        served, outputs = await self.handler.predict(
            model_of(spec), spec.signature_name, inputs, context.time_remaining()
        )
        unknown = set(request.output_filter) - outputs.keys()
        if unknown:
            raise refused(f"there is no output {', '.join(sorted(unknown))[:200]}")
        response = PredictResponse()
        for name in request.output_filter or outputs:
            fill_proto(response.outputs[name], outputs[name])
        _fill_spec(response.model_spec, served, spec.signature_name)
        return response

    def described(self, request: Any, asked: Asked) -> Any:
        asked.model = request.model_spec.name
        return metadata(self.handler.repository.find(*model_of(request.model_spec)), request)

    def states(self, request: Any, asked: Asked) -> Any:
        asked.model = request.model_spec.name
        return status(self.handler.repository.status(*model_of(request.model_spec)))


def metadata(served: Served, request: Any = None) -> Any:
    """The `GetModelMetadataResponse` of a version.

    Raises:
        ServingError: the request asks for another field than `signature_def`.
    """
    from tensorflow_serving.apis.get_model_metadata_pb2 import (
        GetModelMetadataResponse,
        SignatureDefMap,
    )

    fields = [SIGNATURE_DEF] if request is None else request.metadata_field
    if list(fields) != [SIGNATURE_DEF]:
        raise ServingError("INVALID_ARGUMENT", f"metadata_field must be {SIGNATURE_DEF!r}")
    response = GetModelMetadataResponse()
    _fill_spec(response.model_spec, served, "")
    value = SignatureDefMap()
    for name, signature in served.batcher.model.signature_defs.items():
        value.signature_def[name].CopyFrom(signature)
    response.metadata[SIGNATURE_DEF].Pack(value)
    return response


def status(states: Any) -> Any:
    """The `GetModelStatusResponse` of states by version."""
    import grpc
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

    response = GetModelStatusResponse()
    for version, state in states.items():
        entry = response.model_version_status.add(version=version, state=_STATES[state.state])
        entry.status.error_code = getattr(grpc.StatusCode, state.code).value[0]
        entry.status.error_message = state.message
    return response


def _fill_spec(spec: Any, served: Served, signature: str) -> None:
    spec.name = served.name
    spec.version.value = served.version
    spec.signature_name = signature
