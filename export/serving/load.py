"""Load test of local servers: throughput, latency, errors and memory, compared with the model."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.graph.names import FILES, FRAMES, KEYPOINTS, LENGTHS
from export.graph.publication import versions
from export.serving.config import Batching
from export.serving.deployment import Deployment, write_deployment
from export.serving.load_table import ALONE, BARE, BATCHES, ROWS, SINGLY, Row
from export.serving.local import LocalServer, running
from export.serving.model import ServedModel
from slr_keras.utils.errors import UserError

# Of log-probabilities: detects the response of another clip, not differences in the last bit.
TOLERANCE = 1e-4
# Number of different clips, so that a response to the wrong client is detected.
CLIPS = 8
# Seconds that a clip waits for others.
BATCH_TIMEOUT = 0.005
_CHANNELS = 8
# Clients of the server without batching, whose queue cannot be configured and is shorter.
MOST_SINGLY = 32


@dataclass(frozen=True)
class Requests:
    """Requests of the clients and the expected scores.

    Attributes:
        messages: requests of one clip each.
        expected: scores of each clip.
    """

    messages: Sequence[Any]
    expected: Sequence[np.ndarray]


def newest(base: Path) -> Path:
    """The newest version in the folder of a model.

    Raises:
        UserError: the folder has no versions.
    """
    available = versions(base)
    if not available:
        raise UserError(f"{base}: has no versions; make one with `slr saved_model`")
    return base / str(available[-1])


def measure(
    version: Path,
    clients: int,
    seconds: float,
    rounds: int,
    frames: int | None,
    batch: int,
    threads: int,
    report: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Measure the model and both servers in turn, `rounds` times.

    Args:
        version: folder of a SavedModel of keypoints or raw frames.
        clients: number of concurrent clients.
        seconds: of load on each server, in all rounds together.
        rounds: number of rounds.
        frames: of a clip; None for the smallest bucket.
        batch: largest batch.
        threads: of the model.
        report: called with a message before each round.

    Raises:
        UserError: the model does not take clips with lengths, or a server did not start.
    """
    model = ServedModel(version, threads)
    clips = _clips(model, frames)
    name = version.resolve().parent.name
    requests = Requests(
        [_request(name, clip) for clip in clips],
        [model.run("", clip)["logits"] for clip in clips],
    )
    many = _batch(clips, batch)
    rows = {name: Row(name) for name in ROWS}
    span = seconds / rounds
    with (
        _server(version, batch, clients, threads) as batches,
        _server(version, batch, clients, threads, "--no-batching") as singly,
    ):
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            _bare(model, many, span / 4, rows[BARE])
            _load(batches, requests, clients, span, rows[BATCHES])
            _load(singly, requests, min(clients, MOST_SINGLY), span, rows[SINGLY])
            _bare(model, clips[0], span / 4, rows[ALONE])
    model.close()
    return list(rows.values())


def _clips(model: ServedModel, frames: int | None) -> list[dict[str, np.ndarray]]:
    signature = model.signature("")
    if FILES in signature.inputs or LENGTHS not in signature.inputs:
        raise UserError(f"{model.folder}: the default signature takes no clips with lengths")
    if frames is None:
        frames = model.buckets[0] if model.buckets else 64
    (name,) = {KEYPOINTS, FRAMES} & signature.inputs.keys()
    tensor = signature.inputs[name]
    shape = (1, frames, *(size or 64 for size in tensor.shape[2:]))
    rng = np.random.default_rng(0)
    values = rng.random((CLIPS, *shape)) * 255 + 1
    lengths = np.full(1, frames, signature.inputs[LENGTHS].dtype)
    return [{name: clip.astype(tensor.dtype), LENGTHS: lengths} for clip in values]


def _batch(clips: Sequence[Mapping[str, np.ndarray]], rows: int) -> dict[str, np.ndarray]:
    chosen = [clips[row % len(clips)] for row in range(rows)]
    return {name: np.concatenate([clip[name] for clip in chosen]) for name in clips[0]}


def _bare(model: ServedModel, inputs: Mapping[str, np.ndarray], span: float, row: Row) -> None:
    model.run("", inputs)
    clips, began, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < span:
        model.run("", inputs)
        clips += len(inputs[LENGTHS])
    row.rates.append(clips / (time.perf_counter() - began))
    row.processor.append((time.process_time() - used) / clips)
    row.answered += clips


# === Servers ===


@contextlib.contextmanager
def _server(
    version: Path, batch: int, clients: int, threads: int, *options: str
) -> Iterator[LocalServer]:
    base = version.resolve().parent
    sizes = (*(2**power for power in range(batch.bit_length()) if 2**power < batch), batch)
    queue = -(-2 * clients // batch) + 1
    batching = Batching(batch, BATCH_TIMEOUT, queue, allowed_batch_sizes=sizes)
    mounted = ["--mount", f"{base}:/models/{base.name}", "--threads", str(threads)]
    mounted += ["--calls", str(2 * clients)]
    with tempfile.TemporaryDirectory() as folder:
        write_deployment(Deployment({base.name: base}, {}, 1, batching), folder)
        with running(Path(folder), *mounted, *options) as server:
            yield server


def _used(process: Any) -> float:
    """CPU seconds of a process; 0 if they are unknown."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: Any) -> int:
    """Memory of a process in bytes; 0 if it is unknown."""
    try:
        pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


# === Clients ===


def _load(
    server: LocalServer,
    requests: Requests,
    clients: int,
    span: float,
    row: Row,
) -> None:
    used, before = _used(server.process), row.answered
    took = asyncio.run(_send(server, requests, clients, span, row))
    answered = row.answered - before
    row.rates.append(answered / took)
    row.processor.append((_used(server.process) - used) / max(answered, 1))
    row.memory.append(_memory(server.process))


async def _send(
    server: LocalServer,
    requests: Requests,
    clients: int,
    span: float,
    row: Row,
) -> float:
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    channels = [
        grpc.aio.insecure_channel(server.grpc.removeprefix("grpc://")) for _ in range(_CHANNELS)
    ]
    stubs = [prediction_service_pb2_grpc.PredictionServiceStub(channel) for channel in channels]
    began = time.perf_counter()

    async def client(number: int) -> None:
        stub, which = stubs[number % len(stubs)], number % len(requests.messages)
        while (sent := time.perf_counter()) - began < span:
            try:
                response = await stub.Predict(requests.messages[which], timeout=60)
            except grpc.aio.AioRpcError:
                row.lost += 1
                await asyncio.sleep(0.05)
                continue
            row.delays.append(time.perf_counter() - sent)
            row.answered += 1
            row.wrong += not same(response.outputs["logits"], requests.expected[which])

    await asyncio.gather(*(client(number) for number in range(clients)))
    took = time.perf_counter() - began
    for channel in channels:
        await channel.close()
    return took


def _request(name: str, clip: Mapping[str, np.ndarray]) -> Any:
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    from export.serving.tensors import fill_proto

    request = PredictRequest()
    request.model_spec.name = name
    for key, value in clip.items():
        fill_proto(request.inputs[key], value)
    return request


def same(proto: Any, expected: np.ndarray) -> bool:
    """Whether a response holds the expected scores."""
    from export.serving.tensors import from_proto

    scores = from_proto("logits", proto)
    return scores.shape == expected.shape and bool(np.allclose(scores, expected, 1e-4, TOLERANCE))
