"""TFLite inference in a child process.

TensorFlow and the TFLite runtimes do not exit cleanly from the same process, and a runtime that
meets an unknown operation may abort its process. Each file therefore runs in a child process.
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

# Runtime → its package, and the requirement to install.
RUNTIMES: Mapping[str, tuple[str, str]] = {
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "tflite_runtime": ("tflite_runtime", "tflite-runtime==2.14.0"),
    "tensorflow_2_16": ("tensorflow", "tensorflow-cpu==2.16.1"),
}
SHIPPED = "litert"
# Runtimes that conflict with this project's packages → the variable that names their Python.
ELSEWHERE: Mapping[str, str] = {"tensorflow_2_16": "SLR_TENSORFLOW_2_16"}


class RuntimeFailure(Exception):
    """A runtime refused a file, or its process died; the message quotes the runtime."""


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

    name, _, required = RUNTIMES[runtime][1].partition("==")
    if runtime not in ELSEWHERE:
        return f"{name} {version(name)}"
    installed = _version_elsewhere(runtime, name)
    if installed != required:
        raise UserError(
            f"{ELSEWHERE[runtime]}={os.environ[ELSEWHERE[runtime]]}: "
            f"{f'has {name} {installed}' if installed else f'is no Python that has {name}'}; make "
            f"an environment with {name}=={required}, or clear the variable"
        )
    return f"{name} {installed}"


def _version_elsewhere(runtime: str, name: str) -> str:
    """Version of a package in the Python that a variable names; empty if it is not installed."""
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
    """A Python in which the runtime is installed, possibly of another processor architecture.

    Attributes:
        command: starts the Python; arguments follow.
        environment: variables that the Python needs.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Interpreter:
    """Runs one file in a child process, which ends with the `with` block.

    Args:
        path: of the `.tflite` file, which has one signature.
        runtime: a key of `RUNTIMES`.
        threads: of the runtime.
        launcher: the Python that has the runtime; the current one by default.

    Raises:
        UserError: the runtime is not installed.
        RuntimeFailure: the runtime does not load the file.

    Attributes:
        inputs, outputs: by name, `{"shape": [...], "dtype": "..."}`.
        start_seconds: from the start of the process until the runtime was imported.
        load_seconds: time of reading the file and allocating its tensors.
        idle_memory: peak memory of the process in bytes before the file was read.

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
            requirement = RUNTIMES.get(runtime, ("", runtime))[1]
            raise UserError(
                f"the runtime {requirement} is not installed: pip install '{requirement}'"
            )
        self.path = Path(path)
        self.runtime = runtime
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        python = os.environ[ELSEWHERE[runtime]] if runtime in ELSEWHERE else sys.executable
        launcher = launcher or Launcher((python,))
        started = time.perf_counter()
        self._process = subprocess.Popen(
            # -P: the worker's folder must not shadow other modules of the same names.
            [*launcher.command, "-P", "-W", "ignore", worker.__file__, runtime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**_environment(threads), **launcher.environment},
        )
        try:
            ready, _ = self._receive()
            self.start_seconds = time.perf_counter() - started
            self.idle_memory = ready["peak_memory"]
            loaded = self._request("load", path=str(self.path), threads=threads)[0]
        except BaseException:
            self.close()
            raise
        self.inputs = loaded["inputs"]
        self.outputs = loaded["outputs"]
        self.load_seconds = loaded["seconds"]

    def run(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs, by name.

        Raises:
            RuntimeFailure: the inputs do not fit the file, or the process died.
        """
        return self._request("run", arrays)[1]

    def time(self, repeats: int, warm_up: int = 2) -> np.ndarray:
        """Seconds of each of `repeats` runs on the last inputs, measured in the child process."""
        return np.array(self._request("time", warm_up=warm_up, repeats=repeats)[0]["seconds"])

    def time_alone(self, path: str | Path, repeats: int, threads: int = 1) -> float:
        """Seconds of the fastest run of another file in the same process, on random inputs.

        Raises:
            RuntimeFailure: the runtime does not run it.
        """
        request = {"path": str(path), "threads": threads, "repeats": repeats}
        return self._request("time_alone", **request)[0]["seconds"]

    def peak_memory(self) -> int:
        """Peak memory of the process in bytes."""
        return self._request("memory")[0]["peak_memory"]

    def close(self) -> None:
        """End the process."""
        process = self._process
        if process.stdin and not process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        wait_or_kill(process, 10)
        self._errors.close()

    def __enter__(self) -> "Interpreter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _request(
        self, do: str, arrays: Mapping[str, np.ndarray] | None = None, **request: Any
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        try:
            worker.send(self._process.stdin, {"do": do, **request}, arrays)
        except (BrokenPipeError, ConnectionResetError):
            raise self._failure("its process died") from None
        value, outputs = self._receive()
        if "error" in value:
            raise self._failure(value["error"])
        return value, outputs

    def _receive(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        try:
            return worker.receive(self._process.stdout)
        except (EOFError, ValueError, OSError):
            code = self._process.wait()
            raise self._failure(f"its process died (exit code {code})") from None

    def _failure(self, reason: str) -> RuntimeFailure:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        errors = [line.strip() for line in lines if "ERROR" in line or "rror:" in line][-3:]
        quoted = errors and not any(reason in line for line in errors)
        details = f" ({'; '.join(errors)})" if quoted else ""
        return RuntimeFailure(f"{self.path.name} in {self.runtime}: {reason}{details}")


def wait_or_kill(process: subprocess.Popen, seconds: float) -> None:
    """Wait for a process that was told to end, kill it after `seconds`, and close its output.

    Args:
        process: whose standard output is a pipe.
        seconds: to wait.
    """
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _environment(threads: int) -> dict[str, str]:
    """Environment of the child process: quiet, on the CPU, with a number of threads."""
    count = str(threads)
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
    }
