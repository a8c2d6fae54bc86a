"""Prometheus metrics, under the names that TensorFlow Serving gives them where it has such."""

from collections.abc import Iterator
from typing import Any

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_MICROSECONDS = tuple(seconds * 1e6 for seconds in _SECONDS)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What a server counts; latencies are in microseconds, as TensorFlow Serving's are.

    >>> from export.serving.metrics import Metrics
    >>> metrics = Metrics()
    >>> metrics.answered("stark", "GRPC", "OK", 0.002)
    >>> ':tensorflow:serving:request_count{model_name="stark",status="OK"} 1.0' in metrics.text()
    True
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Histogram

        self._registry = CollectorRegistry()
        self._requests: dict[tuple[str, str], int] = {}
        self._registry.register(self)
        prefix = ":tensorflow:serving:"
        one = {"registry": self._registry, "labelnames": ("model_name",)}
        self._latency = Histogram(
            f"{prefix}request_latency",
            "Microseconds from a request to its answer.",
            ("model_name", "API"),
            buckets=_MICROSECONDS,
            registry=self._registry,
        )
        self._runtime = Histogram(
            f"{prefix}runtime_latency",
            "Microseconds of the model, by batch.",
            buckets=_MICROSECONDS,
            **one,
        )
        self._queueing = Histogram(
            f"{prefix}batching_session:queuing_latency",
            "Microseconds that a request waited for its batch.",
            buckets=_MICROSECONDS,
            **one,
        )
        self._batch = Histogram(
            f"{prefix}batching_session:processed_batch_size",
            "Clips of a batch, padding included.",
            buckets=_ROWS,
            **one,
        )
        self._padding = Histogram(
            f"{prefix}batching_session:padding_size",
            "Clips that fill up a batch.",
            buckets=(0, *_ROWS),
            **one,
        )
        self._children: dict[tuple[Any, ...], Any] = {}

    def answered(self, model: str, api: str, code: str, seconds: float) -> None:
        """A request was answered, with a code."""
        self._requests[model, code] = self._requests.get((model, code), 0) + 1
        self._of(self._latency, model, api).observe(seconds * 1e6)

    def ran(self, model: str, rows: int, padded: int, seconds: float) -> None:
        """A batch ran."""
        self._of(self._runtime, model).observe(seconds * 1e6)
        self._of(self._batch, model).observe(padded)
        self._of(self._padding, model).observe(padded - rows)

    def waited(self, model: str, seconds: float) -> None:
        """A request's batch began."""
        self._of(self._queueing, model).observe(seconds * 1e6)

    def collect(self) -> Iterator[Any]:
        """For the registry: counters whose names do not end as the library would have them."""
        from prometheus_client.core import Metric

        name = ":tensorflow:serving:request_count"
        metric = Metric(name, "Requests by model and status.", "unknown")
        for (model, status), count in sorted(self._requests.items()):
            metric.add_sample(name, {"model_name": model, "status": status}, count)
        yield metric

    def text(self) -> str:
        """All of them in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry).decode()

    def _of(self, metric: Any, *labels: str) -> Any:
        key = (id(metric), *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found
