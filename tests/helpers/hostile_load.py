"""A server under hostile requests, and a client that wants its answers meanwhile.

`python tests/helpers/hostile_load.py --count 13000` measures and prints a table. The hostile
clients are a process of low priority, since real ones have machines of their own. They send
the mixture of `hostile_requests.py` over both protocols, as fast as the server answers, and hold
slow connections open.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import hostile_requests
import numpy as np

# Products of the little model in a request: tens of milliseconds, as a small STARK takes.
WORK = 60
CLIENTS, SLOW, QUIET = 12, 16, 50
PAUSE = 0.05


@dataclass
class Measurement:
    """Seconds of the well-behaved client's requests, and what the server did meanwhile.

    Other programs of a machine change the times as well. Rounds with and without hostile requests
    therefore alternate, and a round is compared with the quiet ones before and after it.

    Attributes:
        usual: times of the quiet rounds, of which there is one more.
        under: times of the rounds under attack.
        wrong: answers that were errors or not those of the model.
        statuses: number of hostile requests by answer.
        seconds: length of the attacks.
        processor: CPU seconds of the server during the attacks.
        memory: growth of the server's largest memory in MB.
        lines: of the server's log.
    """

    usual: list[list[float]] = field(default_factory=list)
    under: list[list[float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    statuses: collections.Counter = field(default_factory=collections.Counter)
    seconds: float = 0.0
    processor: float = 0.0
    memory: float = 0.0
    lines: int = 0

    def ratios(self) -> list[float]:
        """Median time of each round under attack, as a multiple of the quiet ones beside it."""
        return [
            float(np.median(self.under[at]) / np.median(self.usual[at] + self.usual[at + 1]))
            for at in range(len(self.under))
        ]

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [("", "median ms", "95 % ms", "largest ms", "requests")]
        for name, rounds in (("usual", self.usual), ("under attack", self.under)):
            times = 1000 * np.concatenate(rounds)
            figures = (np.median(times), np.quantile(times, 0.95), times.max())
            rows.append((name, *(f"{value:.1f}" for value in figures), str(len(times))))
        lines = ["".join(f"{cell:>14}" for cell in row) for row in rows]
        lines += [
            f"median under attack / usual, by round: {[round(x, 2) for x in self.ratios()]}",
            f"hostile requests: {self.statuses.total()} in {self.seconds:.0f} s, answers "
            f"{dict(sorted(self.statuses.items()))}",
            f"wrong answers to the well-behaved client: {len(self.wrong)} {self.wrong[:3]}",
            f"server: {self.processor:.0f} s of CPU during the attacks, memory "
            f"+{self.memory:.0f} MB, {self.lines} lines in its log",
        ]
        return "\n".join(lines)


def measure(folder: Path, count: int, protocol: str = "grpc", rounds: int = 10) -> Measurement:
    """Serve a little model, attack it with `count` requests, and time a client.

    Args:
        folder: for the model and the configuration.
        count: of hostile requests, half of them over each protocol.
        protocol: of the well-behaved client: "grpc" or "rest".
        rounds: of attacks; the requests are divided into them.
    """
    import little_server as little

    from export.serving.client import Settings
    from export.serving.connect import connect

    version = little.publish(folder / "little", 1, work=WORK)
    little.configure(folder, folder / "little")
    clip = little.clips(1, 16)
    expected = little.expected(version, clip)["logits"]
    result = Measurement()
    with little.running(folder) as server:
        url = f"{getattr(server, protocol)}/little"
        with connect(url, Settings(retries=0, timeout=60.0)) as client:

            def timed() -> float:
                started = time.perf_counter()
                try:
                    answer = client.predict(clip)["logits"]
                    if np.abs(answer - expected).max() > 1e-4:
                        result.wrong.append("other numbers")
                except Exception as error:
                    result.wrong.append(str(error))
                took = time.perf_counter() - started
                time.sleep(PAUSE)
                return took

            for _ in range(20):
                timed()
            before = peak_memory(server.process.pid)
            result.usual.append([timed() for _ in range(QUIET)])
            for number in range(rounds):
                used = processor_seconds(server.process.pid)
                with attacking(server, count // rounds, number) as attack:
                    # The attack begins with this line.
                    attack.stdout.readline()
                    times = []
                    while attack.poll() is None:
                        times.append(timed())
                    told = json.loads(attack.stdout.read())
                result.processor += processor_seconds(server.process.pid) - used
                result.under.append(times)
                result.statuses.update(told["statuses"])
                result.seconds += told["seconds"]
                result.usual.append([timed() for _ in range(QUIET)])
            result.memory = peak_memory(server.process.pid) - before
            result.lines = server.log.read_text().count("\n")
    return result


@contextlib.contextmanager
def attacking(server, count, seed):
    """The process of the hostile clients."""
    command = [
        sys.executable,
        __file__,
        "--attack",
        server.rest,
        server.grpc,
        "--count",
        str(count),
    ]
    with subprocess.Popen(
        ["nice", "-n", "10", *command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ) as process:
        yield process


def peak_memory(pid: int) -> float:
    """Largest memory of a process so far in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def processor_seconds(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# === Hostile clients ===


async def attack(rest: str, grpc_url: str, count: int, seed: int) -> dict:
    """Send `count` hostile requests; returns their number by answer, and the seconds."""
    import grpc.aio  # noqa: F401  (loaded before the attack begins)

    statuses: collections.Counter = collections.Counter()
    print("begins", flush=True)
    started = time.monotonic()
    address = urlsplit(rest).hostname, urlsplit(rest).port
    slow = [asyncio.create_task(_slow(*address)) for _ in range(SLOW)]
    await asyncio.gather(
        _rest(address, count // 2, statuses, seed),
        _grpc(urlsplit(grpc_url).netloc, count // 2, statuses, seed),
    )
    for task in slow:
        task.cancel()
    return {"statuses": statuses, "seconds": time.monotonic() - started}


async def _rest(address, count, statuses, seed):
    requests = hostile_requests.rest_requests(seed)
    remaining = iter(range(count))

    async def client():
        for _ in remaining:
            answer = await _answered(*address, next(requests))
            statuses[f"REST {answer}"] += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _answered(host, port, content):
    writer = None
    try:
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(content)
            line = await reader.readline()
            return line.split()[1].decode() if line else "closed"
    except TimeoutError:
        return "no answer"
    except (OSError, IndexError):
        return "closed"
    finally:
        if writer is not None:
            writer.transport.abort()


async def _slow(host, port):
    head = b"POST /v1/models/little:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            for byte in head * 99:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)


async def _grpc(address, count, statuses, seed):
    import grpc

    messages = hostile_requests.grpc_messages(seed)
    remaining = iter(range(count))
    options = (("grpc.max_send_message_length", -1),)
    large = hostile_requests.message({b"keypoints": bytes(70 * 2**20)})

    async def client(call):
        for number in remaining:
            try:
                await call(large if number % 500 == 7 else next(messages), timeout=60)
                answer = "OK"
            except grpc.aio.AioRpcError as error:
                answer = error.code().name
            statuses[f"GRPC {answer}"] += 1

    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for number in range(CLIENTS):
            if number % 4 == 0:
                channel = await stack.enter_async_context(
                    grpc.aio.insecure_channel(address, options)
                )
            clients.append(client(channel.unary_unary(hostile_requests.PREDICT)))
        await asyncio.gather(*clients)


def main() -> None:
    """Measure, or attack a server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=13_000)
    parser.add_argument("--protocol", choices=["grpc", "rest"], default="grpc")
    parser.add_argument("--attack", nargs=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.attack:
        print(json.dumps(asyncio.run(attack(*options.attack, options.count, options.seed))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(measure(Path(folder), options.count, options.protocol).table())


if __name__ == "__main__":
    main()
