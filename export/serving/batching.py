"""Dynamic batching: requests that arrive at about the same time run as one batch.

A clip is padded to the next allowed length of the version, and only requests of the same length
share a batch, so that a result does not depend on other requests. The requests of a batch that
fails run one by one: a clip that the graph refuses does not affect other requests.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from export.graph.names import LENGTHS
from export.serving.config import Batching
from export.serving.failure import ServingError, of_tensorflow
from export.serving.metrics import Metrics
from export.serving.model import Arrays, ServedModel
from export.serving.request_shapes import Bounds, Key, grouped

_LOG = logging.getLogger("slr_keras.serving")
# Most clips of a request that runs alone.
_ROWS = 1024


class VersionUnloaded(Exception):
    """The version is no longer served; the caller looks for the newest version again."""


@dataclass(eq=False, slots=True)
class Task:
    """A request that waits or runs.

    Attributes:
        signature: its name.
        inputs: arrays by name.
        rows: number of clips.
        frames: padded length of the clips, None without padding.
        future: gets the outputs or the error.
        deadline: of `time.monotonic`, after which no client waits.
        since: time of arrival.
    """

    signature: str
    inputs: Mapping[str, np.ndarray]
    rows: int
    frames: int | None
    future: asyncio.Future
    deadline: float
    since: float = field(default_factory=time.monotonic)

    def expired(self, now: float) -> bool:
        """Whether no client waits for the result any more."""
        return self.future.done() or now > self.deadline


class Batcher:
    """Queue and worker threads of one version, used from an event loop.

    Args:
        model: runs the batches.
        batching: parameters of the batches; None runs every request alone.
        metrics: count the batches.
        name: of the model, for the metrics.
    """

    def __init__(self, model: ServedModel, batching: Batching | None, metrics: Metrics, name: str):
        self.model = model
        self.joins = batching is not None
        self.batching = batching or Batching()
        self._metrics, self._name = metrics, name
        self._queues: dict[Key, deque[Task]] = {}
        self._waiting = 0
        self._changed = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{name}-{number}", daemon=True)
            for number in range(self.batching.threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(
        self, signature: str, inputs: Mapping[str, np.ndarray], seconds: float | None = None
    ) -> Arrays:
        """Outputs of one request by name.

        Args:
            signature: name of the signature.
            inputs: arrays by name, with the clips along the first axis.
            seconds: time until the deadline of the client.

        Raises:
            ServingError: the inputs do not fit, the queue is full, or the model fails.
            VersionUnloaded: the version was unloaded in the meantime.
        """
        rows, key, frames = grouped(self.model, signature, inputs, self.bounds(signature))
        future = asyncio.get_running_loop().create_future()
        deadline = time.monotonic() + (3600.0 if seconds is None else seconds)
        self._enqueue(key, Task(signature, inputs, rows, frames, future, deadline))
        return await future

    def bounds(self, signature: str) -> Bounds:
        """Largest request of a signature."""
        rows = self.batching.max_batch_size if self.joins else _ROWS
        buckets = self.model.buckets
        timed = LENGTHS in self.model.signature(signature).inputs and buckets
        return Bounds(rows, buckets[-1] if timed else None)

    def close(self) -> None:
        """Run the waiting requests, then end the threads and free the model."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self.model.close()

    def _enqueue(self, key: Key, task: Task) -> None:
        batching = self.batching
        with self._changed:
            if self._closing:
                raise VersionUnloaded
            weight = self._weight(task)
            if self._waiting + weight > batching.max_enqueued_batches * batching.max_batch_size:
                raise ServingError(
                    "RESOURCE_EXHAUSTED",
                    f"the queue is full: {self._waiting} clips are waiting; try again later",
                )
            self._queues.setdefault(key, deque()).append(task)
            self._waiting += weight
            self._changed.notify()

    def _weight(self, task: Task) -> int:
        """Weight of a task in the queue: its clips, or 1 if requests run alone."""
        return task.rows if self.joins else 1

    def _work(self) -> None:
        while (tasks := self._next()) is not None:
            if tasks:
                _deliver(self._executed(tasks))

    def _next(self) -> list[Task] | None:
        """The batch that may run and has waited longest; None when the batcher is closed."""
        with self._changed:
            while True:
                now = time.monotonic()
                ready, sooner = self._ready(now)
                if ready is not None:
                    return self._taken(ready, now)
                if self._closing and not self._queues:
                    return None
                self._changed.wait(None if sooner is None else max(sooner - now, 0.0))

    def _ready(self, now: float) -> tuple[Key | None, float | None]:
        best, sooner = None, None
        for key, tasks in self._queues.items():
            due = tasks[0].since + self.batching.timeout
            full = sum(task.rows for task in tasks) >= self.batching.max_batch_size
            if (full or due <= now or self._closing or not self.joins) and (
                best is None or tasks[0].since < self._queues[best][0].since
            ):
                best = key
            sooner = due if sooner is None else min(sooner, due)
        return best, sooner

    def _taken(self, key: Key, now: float) -> list[Task]:
        tasks, chosen, rows = self._queues[key], [], 0
        while tasks and (not chosen or rows + tasks[0].rows <= self.batching.max_batch_size):
            task = tasks.popleft()
            self._waiting -= self._weight(task)
            if task.expired(now):
                continue
            chosen.append(task)
            rows += task.rows
            if not self.joins:
                break
        if not tasks:
            del self._queues[key]
        return chosen

    def _executed(self, tasks: list[Task]) -> list[tuple[Task, Arrays | ServingError]]:
        try:
            return self._together(tasks)
        except Exception as error:
            if len(tasks) == 1:
                answer = of_tensorflow(error)
                if answer.code == "INTERNAL":
                    _LOG.exception("%s: a request failed", self._name)
                return [(tasks[0], answer)]
        return [self._executed([task])[0] for task in tasks]

    def _together(self, tasks: list[Task]) -> list[tuple[Task, Arrays | ServingError]]:
        rows = sum(task.rows for task in tasks)
        padded = self.batching.padded(rows)
        inputs = {
            name: joined([task.inputs[name] for task in tasks], padded, tasks[0].frames, name)
            for name in self.model.signature(tasks[0].signature).inputs
        }
        started = time.monotonic()
        outputs = self.model.run(tasks[0].signature, inputs)
        self._metrics.ran(self._name, rows, padded, time.monotonic() - started)
        for task in tasks:
            self._metrics.waited(self._name, started - task.since)
        answers, first = [], 0
        for task in tasks:
            part = {name: value[first : first + task.rows] for name, value in outputs.items()}
            answers.append((task, self._trimmed(task.signature, part)))
            first += task.rows
        return answers

    def _trimmed(self, name: str, outputs: Arrays) -> Arrays:
        """Outputs without the steps that are padding for all clips of the request.

        The number of these steps depends on the other clips of the batch.
        """
        if LENGTHS not in outputs:
            return outputs
        steps = int(outputs[LENGTHS].max())
        described = self.model.signature(name).outputs
        return {
            key: value[:, :steps] if described[key].shape[1:2] == (None,) else value
            for key, value in outputs.items()
        }


def _deliver(answers: Sequence[tuple[Task, Arrays | ServingError]]) -> None:
    def resolve() -> None:
        for task, answer in answers:
            if task.future.done():
                continue
            if isinstance(answer, ServingError):
                task.future.set_exception(answer)
            else:
                task.future.set_result(answer)

    loop = answers[0][0].future.get_loop()
    # No client waits on a closed loop.
    if not loop.is_closed():
        loop.call_soon_threadsafe(resolve)


def joined(parts: Sequence[np.ndarray], rows: int, frames: int | None, name: str) -> np.ndarray:
    """One array of `rows` clips of `frames` frames; additional clips repeat the first.

    Numbers are padded with zeros over time. Strings are padded with a string of the clip, since a
    graph may decode each of them.

    Args:
        parts: arrays of the requests.
        rows: clips of the batch.
        frames: padded length, None without padding.
        name: of the input.

    >>> import numpy as np
    >>> from export.serving.batching import joined
    >>> joined([np.ones((1, 2)), np.ones((1, 3))], 3, 3, "keypoints").tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]
    """
    clips = sum(len(part) for part in parts)
    timed = frames is not None and name != LENGTHS
    if clips == rows and (not timed or all(part.shape[1] == frames for part in parts)):
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    shape = (rows, frames, *parts[0].shape[2:]) if timed else (rows, *parts[0].shape[1:])
    batch = np.empty(shape, parts[0].dtype)
    first = 0
    for part in parts:
        space = batch[first : first + len(part)]
        if timed:
            space[:, : part.shape[1]] = part
            space[:, part.shape[1] :] = part[:, :1] if part.dtype == object else 0
        else:
            space[:] = part
        first += len(part)
    batch[first:] = batch[:1]
    return batch
