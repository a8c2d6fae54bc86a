"""Profile of a file by kind of operation (the profilers of the runtimes have no Python interface).

Each operation is written to a file of its own, with its shapes and constants, and timed in the same
process. A single operation shares no cache with its neighbours and is not fused with them, so that
the sum is an estimate; `whole_ms` is the measured time of the complete file.
"""

import copy
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from export.lite.flatbuffer import multiply_adds, operator_name, read_model
from slr_keras.bundle.interpreter import SHIPPED, Interpreter, RuntimeFailure


def profile(
    path: Path, inputs: dict[str, np.ndarray], threads: int = 1, repeats: int = 5
) -> dict[str, Any]:
    """Time every operation of a file.

    Args:
        path: of the file.
        inputs: a clip that fills the bucket, for the time of the complete file.
        threads: of the runtime.
        repeats: runs of each operation; the fastest counts.

    Returns:
        `whole_ms`, `sum_ms`, and `rows`, slowest first: `name`, `count`, `ms`, `share` (fraction of
        the sum), `multiply_adds`, `gmacs` (10^9 multiply-adds a second).
    """
    model = read_model(path.read_bytes())
    graph = model.subgraphs[0]
    seconds: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    work: defaultdict[str, int] = defaultdict(int)
    # Equal operations are timed once.
    known: dict[bytes, float] = {}
    with tempfile.TemporaryDirectory() as folder, Interpreter(path, SHIPPED, threads) as runner:
        runner.run(**inputs)
        whole = float(np.median(runner.time(4 * repeats)))
        file = Path(folder, "operation.tflite")
        for operator in graph.operators:
            name = operator_name(model.operatorCodes[operator.opcodeIndex])
            alone = _alone(model, graph, operator)
            if alone not in known:
                file.write_bytes(alone)
                try:
                    known[alone] = runner.time_alone(file, repeats, threads)
                except RuntimeFailure:
                    # An operation that reads a shape from its input may refuse random values.
                    known[alone] = 0.0
            seconds[name] += known[alone]
            counts[name] += 1
            work[name] += multiply_adds(graph, operator, name)
    total = sum(seconds.values())
    rows = [
        {
            "name": name,
            "count": counts[name],
            "ms": round(1e3 * spent, 4),
            "share": round(spent / total, 4),
            "multiply_adds": work[name],
            "gmacs": round(work[name] / spent / 1e9, 2) if spent else 0.0,
        }
        for name, spent in sorted(seconds.items(), key=lambda row: -row[1])
    ]
    return {"whole_ms": round(1e3 * whole, 3), "sum_ms": round(1e3 * total, 3), "rows": rows}


def table(profiled: dict[str, Any], most: int = 12) -> str:
    """The profile as a Markdown table of the slowest operations."""
    lines = ["| operation | count | ms | share | GMAC/s |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in profiled["rows"][:most]:
        rate = f"{row['gmacs']:.1f}" if row["multiply_adds"] else ""
        lines.append(
            f"| {row['name']} | {row['count']} | {row['ms']:.2f} | {100 * row['share']:.0f} % | "
            f"{rate} |"
        )
    return "\n".join(lines)


def _alone(model: Any, graph: Any, operator: Any) -> bytes:
    """A file of one operation, whose inputs are those of the operation without constants."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    alone, part = schema.ModelT(), schema.SubGraphT()
    alone.version, alone.subgraphs = 3, [part]
    alone.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    alone.buffers = [schema.BufferT()]
    part.tensors, part.inputs = [], []
    places: dict[int, int] = {-1: -1}
    for index in [*operator.inputs, *operator.outputs]:
        if index in places:
            continue
        tensor = copy.copy(graph.tensors[index])
        tensor.name = b""
        data = model.buffers[tensor.buffer].data
        places[index] = len(part.tensors)
        tensor.buffer = 0
        if data is not None and len(data):
            tensor.buffer = len(alone.buffers)
            alone.buffers.append(model.buffers[graph.tensors[index].buffer])
        elif index in operator.inputs:
            part.inputs.append(places[index])
        part.tensors.append(tensor)
    only = copy.copy(operator)
    only.opcodeIndex = 0
    only.inputs = [places[index] for index in operator.inputs]
    only.outputs = [places[index] for index in operator.outputs]
    part.operators, part.outputs = [only], list(only.outputs)
    builder = flatbuffers.Builder(1024)
    builder.Finish(alone.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
