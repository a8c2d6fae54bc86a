"""What both interfaces of the server share: find a version, ask it, count the answer."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

import numpy as np

from export.graph.names import DEFAULT
from export.serving.batching import Retired
from export.serving.failure import ServingError
from export.serving.metrics import Metrics
from export.serving.model import Arrays
from export.serving.repository import Repository, Served

_LOG = logging.getLogger("slr_keras.serving")
_TRIES = 3
Inputs = Callable[[Served], Mapping[str, np.ndarray]]


class Answering:
    """Answers prediction requests.

    Args:
        repository: of the versions.
        metrics: told of every answer.
        seconds: that a request may take where its client sets no deadline.
    """

    def __init__(self, repository: Repository, metrics: Metrics, seconds: float = 60.0):
        self.repository, self.metrics, self.seconds = repository, metrics, seconds

    async def predict(
        self,
        model: tuple[str, int | None, str | None],
        signature: str,
        inputs: Inputs,
        seconds: float | None = None,
    ) -> tuple[Served, Arrays]:
        """Outputs of a signature, and the version that gave them.

        Args:
            model: name, version and label.
            signature: its name, "" for the default one.
            inputs: makes the arrays, given the version.
            seconds: until the client gives up.

        Raises:
            ServingError: the answer is an error.
        """
        limit = self.seconds if seconds is None else min(seconds, self.seconds)
        for _ in range(_TRIES):
            served = self.repository.find(*model)
            arrays = inputs(served)
            try:
                async with asyncio.timeout(limit):
                    return served, await served.batcher.run(signature or DEFAULT, arrays, limit)
            except Retired:
                # Unloaded between being found and being asked: the newest is another by now.
                continue
            except TimeoutError:
                raise ServingError(
                    "DEADLINE_EXCEEDED", f"no answer within {limit:g} s; the server is busy"
                ) from None
        raise ServingError("UNAVAILABLE", f"{model[0]} is being unloaded; try again")

    async def counted(self, name: str, api: str, answer, fail):
        """Await an answer, count it, and turn what went wrong into a `ServingError` for `fail`."""
        started = time.monotonic()
        code = "OK"
        try:
            return await answer
        except ServingError as error:
            code = error.code
            return await fail(error)
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception:
            _LOG.exception("a request failed")
            code = "INTERNAL"
            return await fail(ServingError("INTERNAL", "the server failed; its log says why"))
        finally:
            known = name if name in self.repository.names else ""
            self.metrics.answered(known, api, code, time.monotonic() - started)
