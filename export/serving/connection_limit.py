"""A limit of the connections to the REST interface."""

import asyncio
from typing import Any


class ConnectionLimit:
    """Makes protocols for new connections; those beyond the limit are closed.

    Args:
        server: of aiohttp, whose connections are counted.
        most: number of connections.
    """

    def __init__(self, server: Any, most: int):
        self._server, self._most = server, most

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Closed() if len(self._server.connections) >= self._most else self._server()


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:
        transport.abort()
