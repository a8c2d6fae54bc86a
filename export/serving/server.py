"""Server for development and tests: both interfaces of TensorFlow Serving on one event loop.

Use TensorFlow Serving for production. This server handles the same requests with the same files
without a container: on a laptop, in tests, in continuous integration.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from export.serving.connection_limit import ConnectionLimit
from export.serving.grpc_service import services
from export.serving.guard import Guard
from export.serving.limits import Calls, RefusalPace
from export.serving.metrics import Metrics
from export.serving.protos import require_serving
from export.serving.repository import Repository
from export.serving.request_handler import RequestHandler
from export.serving.rest_service import RestService
from slr_keras.utils.errors import UserError

MEBIBYTE = 2**20
# Time limit of a connection without a request, and of the header of a request.
_HEADER_SECONDS = 30.0


@dataclass(frozen=True)
class Options:
    """Options of a server.

    Attributes:
        host: address to listen at.
        grpc_port, rest_port: 0 for any free port, None for no such interface.
        largest: largest request in bytes.
        seconds: time limit of a request.
        body_seconds: time limit for sending a body.
        grace: seconds that open requests get at the end.
        metrics_path: path of the metrics; None for no metrics.
        calls: most requests at once; further ones are refused.
        connections: most connections to each interface; further ones are closed.
        refusals: bad requests that are answered per second; the answers to others wait.
    """

    host: str = "127.0.0.1"
    grpc_port: int | None = 8500
    rest_port: int | None = 8501
    largest: int = 64 * MEBIBYTE
    seconds: float = 60.0
    body_seconds: float = 30.0
    grace: float = 30.0
    metrics_path: str | None = "/monitoring/prometheus/metrics"
    calls: int = 64
    connections: int = 512
    refusals: float = 50.0


class Server:
    """Serves a repository until `stop`.

    Args:
        repository: of the versions.
        metrics: of the repository.
        options: of the server.
        guard: access control.

    Attributes:
        grpc_port, rest_port: ports of the started server.

    Example::

        server = Server(repository, metrics, Options(rest_port=0), Guard())
        await server.start()
        await server.stop()
    """

    def __init__(self, repository: Repository, metrics: Metrics, options: Options, guard: Guard):
        require_serving("tensorflow_serving", "grpc", "aiohttp")
        self.options, self.guard = options, guard
        self.handler = RequestHandler(
            repository,
            metrics,
            Calls(options.calls),
            RefusalPace(options.refusals),
            options.largest,
            options.seconds,
        )
        self.grpc_port, self.rest_port = options.grpc_port, options.rest_port
        self._grpc: Any = None
        self._runner: Any = None
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen at the ports.

        Raises:
            UserError: a port is in use, or certificate and key do not match.
        """
        # Refuses invalid files before the server listens.
        context = self.guard.ssl_context()
        if self.options.rest_port is not None:
            await self._start_rest(context)
        if self.options.grpc_port is not None:
            await self._start_grpc()

    async def stop(self) -> None:
        """Refuse new requests, finish the open ones, then end."""
        if self._grpc is not None:
            await self._grpc.stop(self.options.grace)
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _start_rest(self, context: Any) -> None:
        from aiohttp import web

        options = self.options
        service = RestService(
            self.handler, self.guard, options.largest, options.body_seconds, options.metrics_path
        )
        self._runner = web.AppRunner(
            service.application(),
            access_log=None,
            keepalive_timeout=_HEADER_SECONDS,
            lingering_time=0,
            shutdown_timeout=options.grace,
            handler_cancellation=True,
        )
        await self._runner.setup()
        connections = ConnectionLimit(self._runner.server, options.connections)
        try:
            self._listening = await asyncio.get_running_loop().create_server(
                connections, options.host, options.rest_port, ssl=context, backlog=1024
            )
        except OSError as error:
            raise _taken(options.host, options.rest_port, error) from None
        self.rest_port = self._listening.sockets[0].getsockname()[1]

    async def _start_grpc(self) -> None:
        import grpc

        options = self.options
        self._grpc = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", options.largest),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 16384),
                # Further calls of a connection wait at the client.
                ("grpc.max_concurrent_streams", 2 * options.calls),
                ("grpc.max_allowed_incoming_connections", options.connections),
                ("grpc.server_handshake_timeout_ms", int(1000 * _HEADER_SECONDS)),
                # Otherwise two servers at one port share its requests without an error.
                ("grpc.so_reuseport", 0),
            )
        )
        self._grpc.add_generic_rpc_handlers(
            [services(self.handler, self.guard, options.body_seconds)]
        )
        address = f"{options.host}:{options.grpc_port}"
        try:
            if self.guard.certificate is None:
                self.grpc_port = self._grpc.add_insecure_port(address)
            else:
                pair = (self.guard.key.read_bytes(), self.guard.certificate.read_bytes())
                self.grpc_port = self._grpc.add_secure_port(
                    address, grpc.ssl_server_credentials([pair])
                )
        except RuntimeError as error:
            raise _taken(options.host, options.grpc_port, error) from None
        await self._grpc.start()


def _taken(host: str, port: int | None, error: Exception) -> UserError:
    reason = getattr(error, "strerror", None) or "the port is in use"
    return UserError(f"cannot listen at {host}:{port} ({reason}); choose another port")


async def serve(
    server: Server, repository: Repository, poll: float, stopped: asyncio.Event
) -> None:
    """Serve until the event is set, then end the server and the repository.

    Args:
        server: started.
        repository: of the server.
        poll: seconds between two scans for versions.
        stopped: ends the server.
    """
    repository.watch(poll)
    await stopped.wait()
    await server.stop()
    await asyncio.to_thread(repository.close)
