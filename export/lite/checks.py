"""Whether a `.tflite` file can be promised to run: its operations, and the runtimes themselves."""

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

# No delegate takes tensors of more axes.
LARGEST_RANK = 4


def require_builtin(file: bytes, name: str) -> None:
    """Refuse a file with Flex or custom operations, or tensors of more than four axes.

    Args:
        file: its bytes.
        name: what messages call it.

    Raises:
        UserError: names the operations.
    """
    foreign = [it.name for it in operations(file) if not it.built_in]
    if foreign:
        raise UserError(
            f"{name}: {', '.join(foreign)}: not built into TFLite's runtimes; write that part of "
            "the model with operations that are"
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
        runtimes: keys of `RUNTIMES`; those that are not installed are left out.

    Returns:
        The outputs by runtime.

    Raises:
        UserError: a runtime refuses the file, for one because of an operation's version; says so.
    """
    found = run_cases(path, {"": inputs}, runtimes)
    return {runtime: outputs[""] for runtime, outputs in found.items()}


def run_cases(
    path: Path,
    cases: Mapping[str, Mapping[str, np.ndarray]],
    runtimes: Sequence[str] = tuple(RUNTIMES),
) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """As `run_everywhere`, of several inputs by name: the outputs by runtime and case."""
    found = {}
    for runtime in runtimes:
        if not has_runtime(runtime):
            continue
        try:
            with Interpreter(path, runtime) as interpreter:
                found[runtime] = {name: interpreter.run(**it) for name, it in cases.items()}
        except RuntimeFailure as error:
            raise UserError(f"{error}; this file would not run on every device promised") from None
    return found


def run_bytes(
    file: bytes, inputs: Mapping[str, np.ndarray], runtimes: Sequence[str] = tuple(RUNTIMES)
) -> dict[str, dict[str, np.ndarray]]:
    """As `run_everywhere`, of a file that is not written yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(file)
        return run_everywhere(path, inputs, runtimes)
