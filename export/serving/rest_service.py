"""REST interface of TensorFlow Serving, v1: status, metadata, predict and metrics."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from export.serving.failure import ServingError
from export.serving.guard import Guard
from export.serving.json_inputs import JsonLimits, from_json
from export.serving.metrics import CONTENT_TYPE
from export.serving.model import Signature
from export.serving.repository import Served
from export.serving.request_handler import Asked, RequestHandler
from export.serving.request_shapes import Bounds, check_names
from export.serving.tensors import rows_of, to_json
from export.serving.wire import refused

if TYPE_CHECKING:
    from aiohttp import web

_MODEL = r"/v1/models/{name:[^/:]+}"
_VERSIONS = ("", r"/versions/{version:\d{1,19}}", r"/labels/{label:[^/:]+}")
# Smaller bodies are parsed on the event loop, larger ones in a thread.
_SMALL = 65536


class RestService:
    """Handlers of aiohttp.

    Args:
        handler: of the predictions.
        guard: access control.
        largest: largest body in bytes.
        seconds: time limit for sending a body.
        metrics_path: path of the metrics; None for no metrics.
    """

    def __init__(
        self,
        handler: RequestHandler,
        guard: Guard,
        largest: int,
        seconds: float,
        metrics_path: str | None,
    ):
        self.handler, self.guard = handler, guard
        self.largest, self.seconds, self.metrics_path = largest, seconds, metrics_path
        # A single thread: Python parses one text at a time anyway, and the others wait in a queue.
        self._thread = ThreadPoolExecutor(1, "json")

    def application(self) -> "web.Application":
        """The application of aiohttp."""
        from aiohttp import web

        app = web.Application(client_max_size=self.largest, middlewares=[self._middleware()])
        for version in _VERSIONS:
            app.router.add_get(_MODEL + version, self._status)
            app.router.add_get(_MODEL + version + "/metadata", self._metadata)
            app.router.add_post(_MODEL + version + ":predict", self._predict)
        if self.metrics_path:
            app.router.add_get(self.metrics_path, self._metrics)
        return app

    def _middleware(self) -> Any:
        from aiohttp import web

        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            async def respond() -> web.StreamResponse:
                self.guard.check(request.headers.get("Authorization"))
                try:
                    return await handler(request)
                except web.HTTPException as error:
                    raise _of_http(error.status, error.reason) from None

            async def fail(error: ServingError) -> web.Response:
                response = _json({"error": str(error)}, error.http_status)
                if error.http_status in _BUSY:
                    response.headers["Retry-After"] = "1"
                if error.http_status in _UNREAD:
                    # The rest of the body is not read.
                    response.force_close()
                return response

            asked = Asked("REST", request.match_info.get("name", ""))
            response = await self.handler.counted(asked, respond(), fail)
            return await self._sent(request, response)

        return middleware

    async def _status(self, request: "web.Request") -> "web.Response":
        from google.protobuf.json_format import MessageToDict

        from export.serving.grpc_service import status

        states = self.handler.repository.status(*_model(request))
        value = MessageToDict(status(states), preserving_proto_field_name=True)
        for entry in value.get("model_version_status", ()):
            entry["status"] = {"error_code": "OK", "error_message": "", **entry.get("status", {})}
        return _json(value)

    async def _metadata(self, request: "web.Request") -> "web.Response":
        from google.protobuf.json_format import MessageToDict

        from export.serving.grpc_service import SIGNATURE_DEF, metadata

        value = MessageToDict(
            metadata(self.handler.repository.find(*_model(request))),
            preserving_proto_field_name=True,
        )
        value["metadata"][SIGNATURE_DEF].pop("@type")
        return _json(value)

    async def _metrics(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        text = await asyncio.to_thread(self.handler.metrics.text)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _predict(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        if (request.content_length or 0) > self.largest:
            raise web.HTTPRequestEntityTooLarge(self.largest, request.content_length)
        # An unknown model is refused before the body is read.
        served = self.handler.repository.find(*_model(request))
        with self.handler.calls.place() as call:
            async with call.receiving(self.seconds):
                body = await request.read()
            return await self._predicted(request, body, served)

    async def _predicted(
        self, request: "web.Request", body: bytes, served: Served
    ) -> "web.Response":
        from aiohttp import web

        parsed = await self._sized(len(body), self._parsed, body, served)
        signature = parsed.get("signature_name", "")
        if not isinstance(signature, str):
            raise refused("signature_name must be text")

        described = served.batcher.model.signature(signature)
        bounds = self.handler.bounds(served, signature)
        arrays = await self._sized(len(body), _arrays, parsed, described, bounds)
        served, outputs = await self.handler.predict(_model(request), signature, lambda _: arrays)
        size = sum(array.nbytes for array in outputs.values())
        text = await self._sized(4 * size, _response, outputs, "instances" in parsed)
        return web.Response(body=text, content_type="application/json")

    def _parsed(self, body: bytes, served: Served) -> dict[str, Any]:
        signatures = served.batcher.model.signatures
        bounds = [self.handler.bounds(served, name) for name in signatures]
        JsonLimits.of(signatures, bounds).check(body)
        return _parsed(body)

    async def _sized(self, size: int, function: Any, *arguments: Any) -> Any:
        """Call a function on `size` bytes: small ones here, large ones in the thread."""
        if size <= _SMALL:
            return function(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *arguments)

    async def _sent(
        self, request: "web.Request", response: "web.StreamResponse"
    ) -> "web.StreamResponse":
        """Send a response; a client that does not read it loses the connection."""
        try:
            async with asyncio.timeout(self.seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return response


_UNREAD = (401, 404, 408, 413, 503)
_BUSY = (429, 503)
_REASONS = {
    404: ("NOT_FOUND", "this path does not exist; see /v1/models/NAME"),
    405: (
        "UNIMPLEMENTED",
        "this method is not supported; use POST for :predict and GET for all else",
    ),
    413: (
        "RESOURCE_EXHAUSTED",
        "the body is too large; send fewer or smaller clips, or encoded pictures",
    ),
}


def _of_http(status: int, reason: str) -> ServingError:
    return ServingError(*_REASONS.get(status, ("UNKNOWN", reason)), status)


def _model(request: "web.Request") -> tuple[str, int | None, str | None]:
    path = request.match_info
    version = path.get("version")
    return path["name"], None if version is None else int(version), path.get("label")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise refused(f"the body is not valid JSON{where}") from None
    if not isinstance(value, dict) or ("instances" in value) == ("inputs" in value):
        raise refused('the body must be an object with either "instances" or "inputs"')
    return value


def _arrays(
    parsed: Mapping[str, Any], signature: Signature, bounds: Bounds
) -> dict[str, np.ndarray]:
    named = parsed["inputs"] if "inputs" in parsed else _columns(parsed["instances"], signature)
    if not isinstance(named, dict) or (len(signature.inputs) == 1 and list(named) == ["b64"]):
        if len(signature.inputs) != 1:
            names = ", ".join(signature.inputs)
            raise refused(f'"inputs" must be an object of {names}')
        named = {next(iter(signature.inputs)): named}
    check_names(signature, named)
    return {name: from_json(name, value, signature, bounds) for name, value in named.items()}


def _columns(instances: Any, signature: Signature) -> dict[str, list[Any]]:
    """The inputs of all rows by name."""
    if not isinstance(instances, list) or not instances:
        raise refused('"instances" must be a list of at least one clip')
    if not isinstance(instances[0], dict) or list(instances[0]) == ["b64"]:
        if len(signature.inputs) != 1:
            raise refused(f"an instance is an object of {', '.join(signature.inputs)}")
        return {next(iter(signature.inputs)): instances}
    names = instances[0].keys()
    if any(not isinstance(row, dict) or row.keys() != names for row in instances):
        raise refused("instances differ in the names of their inputs")
    return {name: [row[name] for row in instances] for name in names}


def _response(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    if by_row:
        value = {"predictions": rows_of(outputs)}
    else:
        columns = {name: to_json(array) for name, array in outputs.items()}
        value = {"outputs": columns if len(columns) > 1 else next(iter(columns.values()))}
    return json.dumps(value).encode()


def _json(value: Any, status: int = 200) -> "web.Response":
    from aiohttp import web

    return web.Response(
        status=status, body=json.dumps(value, indent=1).encode(), content_type="application/json"
    )
