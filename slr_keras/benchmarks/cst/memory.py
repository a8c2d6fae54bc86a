"""Peak memory of a call above the memory in use before it."""

import contextlib
import ctypes
import gc
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def peak_of(call: Callable[[], Any]) -> int | None:
    """Bytes by which a call's peak exceeds what was held before, its result included.

    On a GPU the memory of the first device counts, otherwise the resident memory of this process;
    there TensorFlow must run with `TF_ENABLE_ONEDNN_OPTS=0`, whose allocator keeps no freed memory.

    Returns:
        None where the system keeps no such count (other than Linux).

    >>> from slr_keras.benchmarks.cst.memory import peak_of
    >>> peak = peak_of(lambda: bytearray(2**24))
    >>> peak is None or peak >= 0
    True
    """
    gc.collect()
    if tf.config.list_physical_devices("GPU"):
        before = tf.config.experimental.get_memory_info("GPU:0")["current"]
        tf.config.experimental.reset_memory_stats("GPU:0")
        call()
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] - before
    if sys.platform != "linux":
        return None
    # Memory that was freed but not returned would hide what the call takes.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        RESET.write_text("5")
    except OSError:
        return None
    before = _kibibytes("VmRSS")
    call()
    return 1024 * max(0, _kibibytes("VmHWM") - before)


def _kibibytes(name: str) -> int:
    return int(re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)[1])
