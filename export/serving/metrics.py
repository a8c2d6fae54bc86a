"""Prometheus metrics, with the names of TensorFlow Serving."""

from collections.abc import Iterator
from typing import Any

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_MICROSECONDS = tuple(seconds * 1e6 for seconds in _SECONDS)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters and histograms of a server; latencies are in microseconds, as in TensorFlow Serving.

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

        def histogram(name: str, text: str, buckets: tuple, *labels: str) -> Histogram:
            labels = ("model_name", *labels)
            return Histogram(prefix + name, text, labels, buckets=buckets, registry=self._registry)

        session = "batching_session:"
        self._latency = histogram(
            "request_latency", "Microseconds from a request to its response.", _MICROSECONDS, "API"
        )
        self._runtime = histogram(
            "runtime_latency", "Microseconds of the model for a batch.", _MICROSECONDS
        )
        self._queueing = histogram(
            f"{session}queuing_latency",
            "Microseconds that a request waited for its batch.",
            _MICROSECONDS,
        )
        self._batch = histogram(
            f"{session}processed_batch_size", "Clips of a batch, including padding.", _ROWS
        )
        self._padding = histogram(f"{session}padding_size", "Clips that pad a batch.", (0, *_ROWS))
        self._children: dict[tuple[Any, ...], Any] = {}

    def answered(self, model: str, api: str, code: str, seconds: float) -> None:
        """Count a response.

        Args:
            model: its name, "" for an unknown model.
            api: "REST" or "GRPC".
            code: gRPC status code.
            seconds: from the request to the response.
        """
        self._requests[model, code] = self._requests.get((model, code), 0) + 1
        self._child(self._latency, model, api).observe(seconds * 1e6)

    def ran(self, model: str, rows: int, padded: int, seconds: float) -> None:
        """Count a batch.

        Args:
            model: its name.
            rows: clips of the requests.
            padded: clips of the batch, including padding.
            seconds: of the model.
        """
        self._child(self._runtime, model).observe(seconds * 1e6)
        self._child(self._batch, model).observe(padded)
        self._child(self._padding, model).observe(padded - rows)

    def waited(self, model: str, seconds: float) -> None:
        """Count the time that a request waited for its batch."""
        self._child(self._queueing, model).observe(seconds * 1e6)

    def collect(self) -> Iterator[Any]:
        """Counters for the registry, whose names lack the suffix that the library adds."""
        from prometheus_client.core import Metric

        name = ":tensorflow:serving:request_count"
        metric = Metric(name, "Requests by model and status.", "unknown")
        for (model, status), count in sorted(self._requests.items()):
            metric.add_sample(name, {"model_name": model, "status": status}, count)
        yield metric

    def text(self) -> str:
        """All metrics in the text format of Prometheus."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry).decode()

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (id(metric), *labels)
        if key not in self._children:
            self._children[key] = metric.labels(*labels)
        return self._children[key]
