"""A development server in a child process, for load tests and tests."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slr_keras.bundle.interpreter import wait_or_kill
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class LocalServer:
    """A running server.

    Attributes:
        grpc, rest: URLs of the interfaces.
        process: of the server.
        log: file of its messages.
    """

    grpc: str
    rest: str
    process: subprocess.Popen
    log: Path


@contextlib.contextmanager
def running(config: Path, *options: str) -> Iterator[LocalServer]:
    """Serve a configuration at free ports of this machine during the `with` block.

    Args:
        config: folder of the configuration; the log of the server is written there.
        options: of `slr serve`.

    Raises:
        UserError: the server did not start; quotes its last message.

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
            last = (log.read_text().strip().splitlines() or ["it wrote no message"])[-1]
            raise UserError(f"{config}: the server did not start: {last}")
        yield LocalServer(grpc, rest, process, log)
    finally:
        process.terminate()
        wait_or_kill(process, 60)
