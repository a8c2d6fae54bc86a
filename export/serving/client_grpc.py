"""gRPC client."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from export.serving.client import Client, RetryableError, Settings, Target
from export.serving.protos import require_serving
from export.serving.tensors import fill_proto, from_proto
from slr_keras.utils.errors import UserError

_TOO_LARGE = "larger than max"


class GrpcClient(Client):
    """Client for the gRPC interface.

    Args:
        target: the model.
        settings: of the client.

    Raises:
        UserError: the extra `serving` is not installed, or the file of the authority is missing.
    """

    def __init__(self, target: Target, settings: Settings):
        super().__init__(target, settings)
        require_serving()
        import grpc
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        options = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
        if target.scheme == "grpcs":
            self._channel = grpc.secure_channel(target.address, _credentials(settings), options)
        else:
            self._channel = grpc.insecure_channel(target.address, options)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(self._channel)
        token = settings.token
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def close(self) -> None:
        """See `Client`."""
        self._channel.close()

    def _predict(self, inputs: Mapping[str, np.ndarray], signature: str) -> dict[str, np.ndarray]:
        from tensorflow_serving.apis.predict_pb2 import PredictRequest

        request = PredictRequest()
        self._fill(request.model_spec)
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            fill_proto(request.inputs[name], np.asarray(value))
        response = self._call(self._prediction.Predict, request)
        return {name: from_proto(name, proto) for name, proto in response.outputs.items()}

    def _states(self) -> dict[int, str]:
        from tensorflow_serving.apis.get_model_status_pb2 import (
            GetModelStatusRequest,
            ModelVersionStatus,
        )

        request = GetModelStatusRequest()
        self._fill(request.model_spec)
        response = self._call(self._model.GetModelStatus, request)
        name = ModelVersionStatus.State.Name
        return {entry.version: name(entry.state) for entry in response.model_version_status}

    def _fill(self, spec: Any) -> None:
        spec.name = self.target.model
        if self.target.version is not None:
            spec.version.value = self.target.version
        if self.target.label is not None:
            spec.version_label = self.target.label

    def _call(self, method: Any, request: Any) -> Any:
        import grpc

        code = grpc.StatusCode
        try:
            return method(request, timeout=self.settings.timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            message = error.details() or error.code().name
            if error.code() is code.DEADLINE_EXCEEDED:
                raise self.refused(f"no response within {self.settings.timeout:g} s") from None
            if error.code() is code.RESOURCE_EXHAUSTED and _TOO_LARGE not in message:
                raise RetryableError(f"is overloaded ({message})") from None
            if error.code() is code.UNAVAILABLE:
                raise RetryableError(f"cannot be reached ({message})") from None
            raise self.refused(message) from None


def _credentials(settings: Settings) -> Any:
    import grpc

    roots = None
    if settings.authority is not None:
        try:
            roots = settings.authority.read_bytes()
        except OSError as error:
            raise UserError(f"{settings.authority}: cannot be read ({error.strerror})") from None
    return grpc.ssl_channel_credentials(roots)
