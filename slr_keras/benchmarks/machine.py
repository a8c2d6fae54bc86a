"""Describe the machine of a benchmark."""

import contextlib
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def cores() -> int:
    """Number of CPU cores that this process may use.

    >>> from slr_keras.benchmarks.machine import cores
    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def device() -> str:
    """Name of the first GPU, or the number of CPU cores if TensorFlow finds no GPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"{cores()} CPU cores"


def limit_tensorflow(threads: int) -> None:
    """Give TensorFlow a number of threads; before its first operation."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def load_average() -> float | None:
    """Mean number of runnable processes over the last minute; None if unknown."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def describe_machine(threads: int) -> dict[str, Any]:
    """Device, processor, threads, library versions, and load before the measurement."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        line = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        processor = line[1] if line else processor
    versions = {}
    for name in ("tensorflow", "torch", "fast_rnnt"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "device": device(),
        "processor": processor,
        "threads": threads,
        "versions": versions,
        "load_before": load_average(),
    }
