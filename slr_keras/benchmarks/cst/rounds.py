"""Contenders in processes of their own, one for each library, all in the same rounds.

In one process the threads of two libraries take each other's cores: beside TensorFlow, torch was
seen to take many times as long as alone. Here only one process works at a time, and the threads of
the one before it have come to rest.
"""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from slr_keras.utils.errors import UserError

# Idle OpenMP and Eigen threads spin for some milliseconds before they sleep.
REST = 0.02


class Measured(NamedTuple):
    """What the processes found at one size: by contender, seconds of each round, and memory."""

    seconds: dict[str, list[float]]
    memory: dict[str, int | None]


class Library:
    """A process that holds the contenders of one library.

    Args:
        names: of the contenders; those that cannot run here are left out.
        threads: that the library may use.
        environment: variables that the process gets on top of this one's.

    Raises:
        UserError: from any call, if a contender fails or its process ends.
    """

    def __init__(self, names: Iterable[str], threads: int, environment: Mapping[str, str]):
        self.names = list(names)
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other, self.names, threads), daemon=True
        )
        with _environment(environment):
            self._process.start()
        other.close()

    def ask(self, request: str, *values) -> Any:
        """Send a request and wait for its result: "prepare", "round" or "memory"."""
        where = f"benchmark of {', '.join(self.names)}"
        try:
            self._connection.send((request, *values))
            status, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise UserError(
                f"{where}: its process ended, for want of memory perhaps; try a smaller --size"
            ) from error
        if status == "error":
            raise UserError(f"{where}: {answer}; try a smaller --size")
        return answer

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def measured(
    libraries: Iterable[Library], size: Iterable[int], repeats: int, memory: bool = False
) -> Measured:
    """Time all contenders at a size, each library's in turn in every round.

    Args:
        libraries: the processes.
        size: batch, steps, labels and classes.
        repeats: rounds.
        memory: measure the peak of each contender instead of its time.
    """
    libraries, size = list(libraries), tuple(size)
    prepared = [library.ask("prepare", size) for library in libraries]
    names = [name for group in prepared for name in group]
    if memory:
        peaks: dict[str, int | None] = {}
        for library in libraries:
            peaks |= library.ask("memory")
        return Measured({}, peaks)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repeats):
        for library in libraries:
            time.sleep(REST)
            for name, value in library.ask("round").items():
                seconds[name].append(value)
    return Measured(seconds, {})


def _serve(connection, names: list[str], threads: int) -> None:
    """Serve requests until the other end is closed."""
    # After the start, so that a library is asked for threads before it makes any.
    from slr_keras.benchmarks.cst import contenders
    from slr_keras.benchmarks.cst.problem import Size

    try:
        contenders.limit_threads(names, threads)
        calls: dict[str, Any] = {}
        while True:
            question, *values = connection.recv()
            try:
                if question == "prepare":
                    calls = contenders.contenders(Size(*values[0]), names)
                    contenders.warm_up(calls)
                    answer: Any = list(calls)
                elif question == "memory":
                    answer = contenders.peaks(calls)
                else:
                    answer = contenders.one_round(calls)
            except Exception as error:
                connection.send(("error", f"{type(error).__name__}: {error}".splitlines()[0]))
            else:
                connection.send(("answer", answer))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
