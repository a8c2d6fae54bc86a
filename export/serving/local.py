"""A development server in a process of its own, for load and for tests."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class LocalServer:
    """A running server.

    Attributes:
        grpc, rest: its URLs.
        process: it.
        log: what it said.
    """

    grpc: str
    rest: str
    process: subprocess.Popen
    log: Path


@contextlib.contextmanager
def running(config: Path, *options: str) -> Iterator[LocalServer]:
    """Serve a configuration at free ports of this machine while the block runs.

    Args:
        config: folder of the configuration; the server's log is written into it.
        options: of `python -m export.serve`.

    Raises:
        UserError: it did not start; says what it said last.

    Example::

        with running(Path("serving"), "--mount", "served/stark:/models/stark") as server:
            print(server.grpc)
    """
    command = [sys.executable, "-m", "export.serve", str(config), *options]
    log = Path(config) / "server.log"
    with open(log, "w") as errors:
        process = subprocess.Popen(
            [*command, "--grpc-port", "0", "--rest-port", "0"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        grpc, rest = (process.stdout.readline().strip() for _ in range(2))
        if not rest.startswith("http"):
            process.wait(10)
            last = (log.read_text().strip().splitlines() or ["it said nothing"])[-1]
            raise UserError(f"{config}: the server did not start: {last}")
        yield LocalServer(grpc, rest, process, log)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
