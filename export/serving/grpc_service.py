"""gRPC interface of TensorFlow Serving: PredictionService and ModelService."""

from typing import Any

import numpy as np

from export.serving.failure import ServingError
from export.serving.guard import Guard
from export.serving.repository import Served
from export.serving.request_handler import RequestHandler
from export.serving.tensors import fill_proto, from_proto

SIGNATURE_DEF = "signature_def"
_STATES = {"LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}


def add_services(server: Any, handler: RequestHandler, guard: Guard) -> None:
    """Register both services with a server of `grpc.aio`."""
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    handlers = _Handlers(handler, guard)
    # Other methods respond UNIMPLEMENTED, above all the reloading of a configuration, with which a
    # client could name folders of the server.
    prediction = prediction_service_pb2_grpc.PredictionServiceServicer()
    prediction.Predict = handlers.predict
    prediction.GetModelMetadata = handlers.metadata
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(prediction, server)
    model = model_service_pb2_grpc.ModelServiceServicer()
    model.GetModelStatus = handlers.status
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(model, server)


def model_of(spec: Any) -> tuple[str, int | None, str | None]:
    """Name, version and label that a `ModelSpec` asks for."""
    chosen = spec.WhichOneof("version_choice")
    version = spec.version.value if chosen == "version" else None
    return spec.name, version, spec.version_label if chosen == "version_label" else None


class _Handlers:
    def __init__(self, handler: RequestHandler, guard: Guard):
        self.handler, self.guard = handler, guard

    async def predict(self, request: Any, context: Any) -> Any:
        return await self._respond(request, context, self._predicted(request, context))

    async def metadata(self, request: Any, context: Any) -> Any:
        return await self._respond(request, context, self._described(request))

    async def status(self, request: Any, context: Any) -> Any:
        return await self._respond(request, context, self._states(request))

    async def _respond(self, request: Any, context: Any, response: Any) -> Any:
        async def guarded() -> Any:
            try:
                given = dict(context.invocation_metadata() or ()).get("authorization")
                self.guard.check(given)
            except ServingError:
                response.close()
                raise
            return await response

        async def fail(error: ServingError) -> None:
            import grpc

            await context.abort(getattr(grpc.StatusCode, error.code), str(error))

        return await self.handler.counted(request.model_spec.name, "GRPC", guarded(), fail)

    async def _predicted(self, request: Any, context: Any) -> Any:
        from tensorflow_serving.apis.predict_pb2 import PredictResponse

        spec = request.model_spec

        def inputs(served: Served) -> dict[str, np.ndarray]:
            return {name: from_proto(name, proto) for name, proto in request.inputs.items()}

        served, outputs = await self.handler.predict(
            model_of(spec), spec.signature_name, inputs, context.time_remaining()
        )
        unknown = set(request.output_filter) - outputs.keys()
        if unknown:
            raise ServingError(
                "INVALID_ARGUMENT", f"there is no output {', '.join(sorted(unknown))}"
            )
        response = PredictResponse()
        for name in request.output_filter or outputs:
            fill_proto(response.outputs[name], outputs[name])
        _fill_spec(response.model_spec, served, spec.signature_name)
        return response

    async def _described(self, request: Any) -> Any:
        return metadata(self.handler.repository.find(*model_of(request.model_spec)), request)

    async def _states(self, request: Any) -> Any:
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
