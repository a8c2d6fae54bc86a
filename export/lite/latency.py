"""Latency of a file, and the throughput of matrix products on the same machine."""

import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.lite.conversion import FLOAT32, INT8, convert
from export.lite.flatbuffer import operations
from slr_keras.bundle.interpreter import SHIPPED, Interpreter

# Sizes of the matrices that measure the peak: large enough to occupy all units, small enough for
# the cache of a phone.
ROWS, WIDTH = 512, 1024
# Arithmetic of a precision, whose peak the latency is compared with.
PEAK_OF: Mapping[str, str] = {"fp32": FLOAT32, "fp16": FLOAT32, "dynamic": INT8, "int8": INT8}


class Peak:
    """Peak throughput of the machine, measured with files of matrix products alone.

    >>> from export.lite.latency import Peak
    >>> with Peak(rows=8, width=16) as peak:
    ...     sorted(peak.files), peak.multiply_adds
    (['fp32', 'int8'], 4096)
    """

    def __init__(self, rows: int = ROWS, width: int = WIDTH):
        self._folder = tempfile.TemporaryDirectory()
        self._running: dict[tuple[str, int], Interpreter] = {}
        self.rows, self.width = rows, width
        # Two layers: neither reads an input and writes an output.
        self.multiply_adds = 2 * rows * width * width
        self.files = {precision: self._write(precision) for precision in (FLOAT32, INT8)}

    def measure(self, precision: str, threads: int, repeats: int = 15) -> float:
        """Multiply-adds a second in the fastest run."""
        if (precision, threads) not in self._running:
            interpreter = Interpreter(self.files[precision], SHIPPED, threads)
            self._running[precision, threads] = interpreter
            rng = np.random.default_rng(0)
            interpreter.run(values=rng.normal(size=(self.rows, self.width)).astype(np.float32))
        return self.multiply_adds / self._running[precision, threads].time(repeats).min()

    def _write(self, precision: str) -> Path:
        import tensorflow as tf

        rng = np.random.default_rng(0)
        shape = (self.rows, self.width)
        weights = [
            tf.constant(rng.normal(0, 0.1, (self.width, self.width)).astype(np.float32))
            for _ in range(2)
        ]

        @tf.function(input_signature=[tf.TensorSpec(shape, name="values")])
        def function(values):
            return {"result": tf.nn.relu(values @ weights[0]) @ weights[1]}

        def examples():
            yield {"values": rng.normal(size=shape).astype(np.float32)}

        path = Path(self._folder.name, f"{precision}.tflite")
        path.write_bytes(convert(function, precision, examples))
        return path

    def __enter__(self) -> "Peak":
        return self

    def __exit__(self, *exception: object) -> None:
        for interpreter in self._running.values():
            interpreter.close()
        self._folder.cleanup()


def measure(
    path: Path,
    precision: str,
    inputs: Mapping[str, np.ndarray],
    threads: int,
    peak: Peak,
    repeats: int = 30,
) -> dict[str, Any]:
    """Time a file.

    Args:
        path: of the file.
        precision: of its arithmetic.
        inputs: a clip that fills the bucket.
        threads: of the runtime.
        peak: measured before and after the file; the faster result counts.
        repeats: number of runs.

    Returns:
        `median_ms`, `p95_ms`; `peak_gmacs` (of matrix products alone), `achieved` (fraction of the
        peak); `memory_mib` (peak of the process beyond its runtime), `load_ms` (reading the file),
        `first_ms` (first run), `start_ms` (from the start of the process to the first result).
    """
    kind = PEAK_OF[precision]
    before = peak.measure(kind, threads)
    started = time.perf_counter()
    with Interpreter(path, SHIPPED, threads) as interpreter:
        ready = time.perf_counter()
        interpreter.run(**inputs)
        first = time.perf_counter()
        seconds = interpreter.time(repeats)
        memory = interpreter.peak_memory() - interpreter.idle_memory
        load = interpreter.load_seconds
    fastest = max(before, peak.measure(kind, threads))
    work = sum(operation.multiply_adds for operation in operations(path.read_bytes()))
    median = float(np.median(seconds))
    return {
        "threads": threads,
        "median_ms": round(1e3 * median, 3),
        "p95_ms": round(1e3 * float(np.percentile(seconds, 95)), 3),
        "repeats": repeats,
        "multiply_adds": work,
        "peak_gmacs": round(fastest / 1e9, 2),
        "achieved": round(work / median / fastest, 4),
        "memory_mib": round(memory / 2**20, 2),
        "load_ms": round(1e3 * load, 2),
        "first_ms": round(1e3 * (first - ready), 2),
        "start_ms": round(1e3 * (first - started), 1),
    }


def machine() -> dict[str, Any]:
    """The machine of the measurement: processor, cores, system and load.

    >>> from export.lite.latency import machine
    >>> sorted(machine())
    ['cores', 'load', 'processor', 'system']
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Latencies as a Markdown table.

    Args:
        rows: of `measure`, with `precision` and `frames`.
    """
    titles = (
        "precision | frames | threads | median ms | p95 ms | GMAC | peak GMAC/s | of peak | "
        "memory MiB | load ms | cold start ms"
    )
    lines = [f"| {titles} |", "| --- " + "| ---: " * (titles.count("|")) + "|"]
    for row in rows:
        cells = (
            row["precision"],
            row["frames"],
            row["threads"],
            f"{row['median_ms']:.1f}",
            f"{row['p95_ms']:.1f}",
            f"{row['multiply_adds'] / 1e9:.3f}",
            f"{row['peak_gmacs']:.1f}",
            f"{100 * row['achieved']:.0f} %",
            f"{row['memory_mib']:.1f}",
            f"{row['load_ms']:.0f}",
            f"{row['start_ms']:.0f}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
