"""Prediction requests of both interfaces: find a version, run it, count the response."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from export.graph.names import DEFAULT
from export.serving.batching import VersionUnloaded
from export.serving.failure import ServingError
from export.serving.limits import Calls, RefusalPace
from export.serving.metrics import Metrics
from export.serving.model import Arrays
from export.serving.repository import Repository, Served
from export.serving.request_shapes import Bounds

_LOG = logging.getLogger("slr_keras.serving")
_TRIES = 3
# Errors that are not the client's.
_AT_ONCE = ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")
Inputs = Callable[[Served], Mapping[str, np.ndarray]]


@dataclass
class Asked:
    """What a call asks for, as far as it is known, for the metrics.

    Attributes:
        api: "REST" or "GRPC".
        model: name of the model.
    """

    api: str
    model: str = ""


class RequestHandler:
    """Runs prediction requests.

    Args:
        repository: of the served versions.
        metrics: count the responses.
        calls: places of the requests of both interfaces.
        pace: of the answers to refused requests.
        largest: most bytes of an input array.
        seconds: time limit of a request whose client sets no deadline.
    """

    def __init__(
        self,
        repository: Repository,
        metrics: Metrics,
        calls: Calls,
        pace: RefusalPace,
        largest: int,
        seconds: float = 60.0,
    ):
        self.repository, self.metrics, self.seconds = repository, metrics, seconds
        self.calls, self.pace, self.largest = calls, pace, largest

    def bounds(self, served: Served, signature: str) -> Bounds:
        """Largest request that a version takes, "" for the default signature."""
        return replace(served.batcher.bounds(signature), bytes=self.largest)

    async def predict(
        self,
        model: tuple[str, int | None, str | None],
        signature: str,
        inputs: Inputs,
        seconds: float | None = None,
    ) -> tuple[Served, Arrays]:
        """Outputs of a signature, and the version that computed them.

        Args:
            model: name, version and label.
            signature: name of the signature, "" for the default.
            inputs: function from the version to the input arrays.
            seconds: time until the deadline of the client.

        Raises:
            ServingError: the request cannot be answered.
        """
        limit = self.seconds if seconds is None else min(seconds, self.seconds)
        for _ in range(_TRIES):
            served = self.repository.find(*model)
            arrays = inputs(served)
            try:
                async with asyncio.timeout(limit):
                    return served, await served.batcher.run(signature or DEFAULT, arrays, limit)
            except VersionUnloaded:
                # The version was unloaded after `find`: the next try finds the newest version.
                continue
            except TimeoutError:
                raise ServingError(
                    "DEADLINE_EXCEEDED", f"no response within {limit:g} s; the server is busy"
                ) from None
        raise ServingError("UNAVAILABLE", f"{model[0]} is being unloaded; try again")

    async def counted(
        self,
        asked: Asked,
        response: Awaitable[Any],
        fail: Callable[[ServingError], Awaitable[Any]],
    ) -> Any:
        """Await a response and count it.

        Args:
            asked: filled while the request is read.
            response: to await.
            fail: makes the response to an error.
        """
        started = time.monotonic()
        code = "OK"
        try:
            return await response
        except ServingError as caught:
            error, code = caught, caught.code
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception:
            _LOG.exception("a request failed")
            error = ServingError("INTERNAL", "the server failed; see its log")
            code = error.code
        finally:
            known = asked.model if asked.model in self.repository.names else ""
            self.metrics.answered(known, asked.api, code, time.monotonic() - started)
        if code not in _AT_ONCE:
            await asyncio.sleep(self.pace.delay(time.monotonic()))
        return await fail(error)
