"""A `.tflite` file in a process of its own.

TensorFlow, tensorflow-io and the TFLite runtimes do not end cleanly in one process, and a runtime
that meets an operation it does not know may take its process down: each file runs in a child.
"""

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.bundle import worker
from slr_keras.utils.errors import UserError

# Runtime → the package that has it, and what to install.
RUNTIMES: Mapping[str, tuple[str, str]] = {
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "tflite_runtime": ("tflite_runtime", "tflite-runtime==2.14.0"),
    "tensorflow_2_16": ("tensorflow", "tensorflow-cpu==2.16.1"),
}
SHIPPED = "litert"
# Runtimes that do not go with this project's own packages → the variable that names their Python.
ELSEWHERE: Mapping[str, str] = {"tensorflow_2_16": "SLR_TENSORFLOW_2_16"}


class RuntimeFailure(Exception):
    """A runtime refused a file, or its process died; says what it said."""


def has_runtime(runtime: str) -> bool:
    """Whether a runtime is installed.

    >>> from slr_keras.bundle.interpreter import has_runtime
    >>> has_runtime("a runtime of no name")
    False
    """
    if runtime in ELSEWHERE:
        return bool(os.environ.get(ELSEWHERE[runtime]))
    return runtime in RUNTIMES and importlib.util.find_spec(RUNTIMES[runtime][0]) is not None


def runtime_version(runtime: str) -> str:
    """The installed version, such as `ai-edge-litert 2.3.0`.

    Raises:
        UserError: the Python that a variable of `ELSEWHERE` names does not have the runtime.
    """
    from importlib.metadata import version

    name, _, promised = RUNTIMES[runtime][1].partition("==")
    if runtime not in ELSEWHERE:
        return f"{name} {version(name)}"
    found = _version_elsewhere(runtime, name)
    if found != promised:
        raise UserError(
            f"{ELSEWHERE[runtime]}={os.environ[ELSEWHERE[runtime]]}: "
            f"{f'has {name} {found}' if found else f'is no Python that has {name}'}; make an "
            f"environment with {name}=={promised}, or clear the variable"
        )
    return f"{name} {found}"


def _version_elsewhere(runtime: str, name: str) -> str:
    """Version of a package in the Python that a variable names; empty where there is none."""
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    try:
        done = subprocess.run(
            [os.environ[ELSEWHERE[runtime]], "-c", code], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclass(frozen=True)
class Launcher:
    """A Python in which the runtime is installed, possibly of another machine's kind.

    Attributes:
        command: what starts it, without its arguments.
        environment: variables that it needs.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Interpreter:
    """Runs one file; a context manager, for its process ends with the block.

    Args:
        path: of the `.tflite` file, with one signature.
        runtime: a key of `RUNTIMES`.
        threads: of the runtime.
        launcher: the Python that has the runtime; this one by default.

    Raises:
        UserError: the runtime is not installed.
        RuntimeFailure: the runtime does not load the file.

    Attributes:
        inputs, outputs: by name, `{"shape": [...], "dtype": "..."}`.
        start_seconds: from the start of the process until it had its runtime.
        load_seconds: of reading the file and making its tensors.
        idle_memory: bytes, the peak of the process before it read the file.

    Example::

        with Interpreter("model.tflite") as interpreter:
            logits = interpreter.run(keypoints=clip, frames=count)["logits"]
    """

    def __init__(
        self,
        path: str | Path,
        runtime: str = SHIPPED,
        threads: int = 1,
        launcher: Launcher | None = None,
    ):
        if launcher is None and not has_runtime(runtime):
            what = RUNTIMES.get(runtime, ("", runtime))[1]
            raise UserError(f"the runtime {what} is not installed: pip install '{what}'")
        self.path = Path(path)
        self.runtime = runtime
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        python = os.environ[ELSEWHERE[runtime]] if runtime in ELSEWHERE else sys.executable
        launcher = launcher or Launcher((python,))
        started = time.perf_counter()
        self._process = subprocess.Popen(
            # -P: the folder of the worker has modules with names that others use.
            [*launcher.command, "-P", "-W", "ignore", worker.__file__, runtime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**_environment(threads), **launcher.environment},
        )
        try:
            ready, _ = self._received()
            self.start_seconds = time.perf_counter() - started
            self.idle_memory = ready["peak_memory"]
            found = self._asked("load", path=str(self.path), threads=threads)[0]
        except BaseException:
            self.close()
            raise
        self.inputs = found["inputs"]
        self.outputs = found["outputs"]
        self.load_seconds = found["seconds"]

    def run(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs, by name.

        Raises:
            RuntimeFailure: inputs that do not fit, or the process died.
        """
        return self._asked("run", arrays)[1]

    def time(self, repeats: int, warm_up: int = 2) -> np.ndarray:
        """Seconds of each of `repeats` runs on the last inputs, measured within the process."""
        return np.array(self._asked("time", warm_up=warm_up, repeats=repeats)[0]["seconds"])

    def time_alone(self, path: str | Path, repeats: int, threads: int = 1) -> float:
        """Seconds of the fastest run of another file in the same process, on random inputs.

        Raises:
            RuntimeFailure: the runtime does not run it.
        """
        request = {"path": str(path), "threads": threads, "repeats": repeats}
        return self._asked("time_alone", **request)[0]["seconds"]

    def peak_memory(self) -> int:
        """Bytes that the process has had in memory at most."""
        return self._asked("memory")[0]["peak_memory"]

    def close(self) -> None:
        """End the process."""
        process = self._process
        if process.stdin and not process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._said.close()

    def __enter__(self) -> "Interpreter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _asked(
        self, do: str, arrays: Mapping[str, np.ndarray] | None = None, **request: Any
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        try:
            worker.send(self._process.stdin, {"do": do, **request}, arrays)
        except (BrokenPipeError, ConnectionResetError):
            raise self._failure("its process died") from None
        value, found = self._received()
        if "error" in value:
            raise self._failure(value["error"])
        return value, found

    def _received(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        try:
            return worker.receive(self._process.stdout)
        except (EOFError, ValueError, OSError):
            code = self._process.wait()
            raise self._failure(f"its process died (exit code {code})") from None

    def _failure(self, what: str) -> RuntimeFailure:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        told = [line.strip() for line in lines if "ERROR" in line or "rror:" in line][-3:]
        more = f" ({'; '.join(told)})" if told and not any(what in line for line in told) else ""
        return RuntimeFailure(f"{self.path.name} in {self.runtime}: {what}{more}")


def _environment(threads: int) -> dict[str, str]:
    """Of the child: quiet, on the CPU, with so many threads for matrix products."""
    count = str(threads)
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
    }
