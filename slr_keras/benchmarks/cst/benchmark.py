"""Speed and memory of the CST losses and their gradients.

Each round runs every contender once, so that a disturbance of the machine meets all alike; each
library runs in a process of its own (`rounds`).
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from slr_keras.benchmarks.cst.contenders import FAST_RNNT, OURS
from slr_keras.benchmarks.cst.peers import fast_rnnt_available
from slr_keras.benchmarks.cst.problem import Size
from slr_keras.benchmarks.cst.rounds import Library, measured

SCALED = ("additive, XLA", "additive, graph", "full, XLA", "tf CTC, graph", "fast_rnnt additive")

# docs/papers/c2st.md §5.8
SIZES = (Size(2, 36, 12, 1296), Size(8, 60, 18, 1296), Size(8, 75, 28, 2001))
BASE = SIZES[1]


class Timing(NamedTuple):
    """Milliseconds of one call, and bytes its peak stands above what was held before."""

    median: float
    low: float
    high: float
    memory: int | None


@contextmanager
def libraries(
    names: Iterable[str], threads: int, environment: Mapping[str, str] | None = None
) -> Iterator[list[Library]]:
    """The processes of the contenders named, as far as they can run here."""
    ours = [name for name in names if name not in FAST_RNNT]
    theirs = [name for name in names if name in FAST_RNNT and fast_rnnt_available()]
    started: list[Library] = []
    try:
        for group in (ours, theirs):
            if group:
                started.append(Library(group, threads, environment or {}))
        yield started
    finally:
        for library in started:
            library.close()


def measure(
    sizes: Iterable[Size],
    repeats: int,
    threads: int,
    names: Iterable[str] = OURS + FAST_RNNT,
    memory: bool = False,
) -> dict[Size, dict[str, Timing]]:
    """Time the contenders at each size, interleaved, after calls that are not counted.

    With `memory`, peaks too, in further processes: their allocator must keep no freed memory.

    Raises:
        UserError: a contender fails, or its process ends.
    """
    return {size: _measure_one(size, repeats, threads, tuple(names), memory) for size in sizes}


def _measure_one(size, repeats, threads, names, memory) -> dict[str, Timing]:
    # New processes for each size: TensorFlow was seen to confuse loops of one graph with another's.
    held: dict[str, int | None] = {}
    if memory:
        # oneDNN's allocator pools what is freed, so that a second call seems to take nothing.
        with libraries(names, threads, {"TF_ENABLE_ONEDNN_OPTS": "0"}) as processes:
            held = measured(processes, size, 0, memory=True).memory
    with libraries(names, threads) as processes:
        seconds = measured(processes, size, repeats).seconds
    return {
        name: Timing(*(1e3 * f(values) for f in (statistics.median, min, max)), held.get(name))
        for name, values in seconds.items()
    }


def scaling(
    base: Size, repeats: int, threads: int, names: Iterable[str] = SCALED
) -> dict[str, dict[Size, dict[str, Timing]]]:
    """Timings as steps, labels or classes grow: by axis, size and contender."""
    axes = axis_sizes(base)
    # The base belongs to all axes and is measured once.
    every = list(dict.fromkeys(size for sizes in axes.values() for size in sizes))
    timings = measure(every, repeats, threads, names)
    return {axis: {size: timings[size] for size in sizes} for axis, sizes in axes.items()}


def axis_sizes(base: Size, factors: Iterable[float] = (0.25, 0.5, 1, 2)) -> dict[str, list[Size]]:
    """Sizes of which one axis is a multiple of the base's; those without a path are left out.

    >>> from slr_keras.benchmarks.cst.problem import Size

    >>> from slr_keras.benchmarks.cst.benchmark import axis_sizes
    >>> [tuple(size) for size in axis_sizes(Size(1, 4, 3, 6), (1, 2))["labels"]]
    [(1, 4, 3, 6)]
    """
    axes, factors = {}, tuple(factors)
    for axis in ("steps", "labels", "classes"):
        sizes = {base._replace(**{axis: max(2, round(f * getattr(base, axis)))}) for f in factors}
        axes[axis] = sorted(size for size in sizes if size.steps >= size.labels)
    return axes
