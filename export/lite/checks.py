"""Compatibility checks of a `.tflite` file: its operations, and runs in every runtime."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from export.lite.flatbuffer import largest_rank, operations
from slr_keras.bundle.interpreter import (
    RUNTIMES,
    Interpreter,
    RuntimeFailure,
    has_runtime,
)
from slr_keras.utils.errors import UserError

# Delegates take no tensors of more axes.
LARGEST_RANK = 4


def require_builtin(file: bytes, name: str) -> None:
    """Refuse a file with Flex or custom operations, or tensors of more than four axes.

    Args:
        file: its bytes.
        name: of the file, for messages.

    Raises:
        UserError: the file has such operations or tensors; names the operations.
    """
    foreign = [operation.name for operation in operations(file) if not operation.built_in]
    if foreign:
        raise UserError(
            f"{name}: {', '.join(foreign)}: not built into the TFLite runtimes; write that part of "
            "the model with built-in operations"
        )
    if (rank := largest_rank(file)) > LARGEST_RANK:
        raise UserError(f"{name}: has tensors of {rank} axes; delegates take up to {LARGEST_RANK}")


def run_everywhere(
    path: Path, inputs: Mapping[str, np.ndarray], runtimes: Sequence[str] = tuple(RUNTIMES)
) -> dict[str, dict[str, np.ndarray]]:
    """Run a file once in each runtime, each in its own process.

    Args:
        path: of the file.
        inputs: by name.
        runtimes: keys of `RUNTIMES`; runtimes that are not installed are skipped.

    Returns:
        The outputs by runtime.

    Raises:
        UserError: a runtime refuses the file, such as for the version of an operation.
    """
    results = run_cases(path, {"": inputs}, runtimes)
    return {runtime: outputs[""] for runtime, outputs in results.items()}


def run_cases(
    path: Path,
    cases: Mapping[str, Mapping[str, np.ndarray]],
    runtimes: Sequence[str] = tuple(RUNTIMES),
) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """As `run_everywhere` for several inputs: the outputs by runtime and name of the case."""
    results = {}
    for runtime in runtimes:
        if not has_runtime(runtime):
            continue
        try:
            with Interpreter(path, runtime) as interpreter:
                results[runtime] = {
                    name: interpreter.run(**inputs) for name, inputs in cases.items()
                }
        except RuntimeFailure as error:
            raise UserError(f"{error}; the file would not run on every supported device") from None
    return results


def run_bytes(
    file: bytes, inputs: Mapping[str, np.ndarray], runtimes: Sequence[str] = tuple(RUNTIMES)
) -> dict[str, dict[str, np.ndarray]]:
    """As `run_everywhere` for the bytes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(file)
        return run_everywhere(path, inputs, runtimes)
