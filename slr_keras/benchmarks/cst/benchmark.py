"""How fast the losses are here, with their gradients, and how much memory they take.

Each round runs every contender once, so that a disturbance of the machine meets all alike; each
library runs in a process of its own (`rounds`).
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from slr_keras.benchmarks.cst.memory import peak_of
from slr_keras.benchmarks.cst.peers import fast_rnnt_available, fast_rnnt_contenders
from slr_keras.benchmarks.cst.rounds import Library, measured
from slr_keras.losses.cst.additive import cgd_loss_additive
from slr_keras.losses.cst.full import cgd_loss

OURS = ("additive, XLA", "additive, graph", "full, XLA", "full, graph", "tf CTC, graph")
FAST_RNNT = ("fast_rnnt additive", "fast_rnnt full")
SCALED = ("additive, XLA", "additive, graph", "full, XLA", "tf CTC, graph", "fast_rnnt additive")


class Size(NamedTuple):
    """Samples, steps, labels and classes.

    >>> from slr_keras.benchmarks.cst.benchmark import Size
    >>> Size(2, 36, 12, 1296).nodes
    936
    """

    batch: int
    steps: int
    labels: int
    classes: int

    @property
    def nodes(self) -> int:
        """Nodes of all lattices."""
        return self.batch * self.steps * (self.labels + 1)

    @property
    def least_memory(self) -> int:
        """Bytes of both parts of the logits and of their exponentials, in single precision.

        What the additive form must hold (specs/c2st.md §5.7), its arcs aside.
        """
        return 2 * self.input_memory("additive")

    def input_memory(self, name: str) -> int:
        """Bytes of the logits that a contender is given, in single precision."""
        rows = self.batch * (self.steps + self.labels + 1)
        if "CTC" in name:
            rows = self.batch * self.steps
        return 4 * self.classes * (self.nodes if "full" in name else rows)


# specs/c2st.md §5.8
SIZES = (Size(2, 36, 12, 1296), Size(8, 60, 18, 1296), Size(8, 75, 28, 2001))
BASE = SIZES[1]


class Problem(NamedTuple):
    """Random input of full length: every sample has all steps and labels."""

    visual: np.ndarray
    context: np.ndarray
    labels: np.ndarray
    steps: np.ndarray
    glosses: np.ndarray

    @classmethod
    def of(cls, size: Size, seed: int = 0) -> "Problem":
        """Logits of standard deviation 1 and labels that are never the blank."""
        rng = np.random.default_rng(seed)
        batch, steps, labels, classes = size
        return cls(
            rng.normal(size=(batch, steps, classes)).astype("float32"),
            rng.normal(size=(batch, labels + 1, classes)).astype("float32"),
            rng.integers(1, classes, (batch, labels)).astype("int32"),
            np.full(batch, steps, "int32"),
            np.full(batch, labels, "int32"),
        )


class Timing(NamedTuple):
    """Milliseconds of one call, and bytes its peak stands above what was held before."""

    median: float
    low: float
    high: float
    memory: int | None


def contenders(size: Size, names: Iterable[str] | None = None) -> dict[str, Callable[[], Any]]:
    """By name, calls that compute losses and gradients to all logits and wait for them.

    Args:
        size: of the problem.
        names: which; all that can run here by default.

    >>> from slr_keras.benchmarks.cst.benchmark import Size, contenders
    >>> found = contenders(Size(1, 3, 2, 4), ["additive, graph"])
    >>> losses, slopes = found["additive, graph"]()
    >>> losses.shape, [x.shape for x in slopes]
    (TensorShape([1]), [TensorShape([1, 3, 4]), TensorShape([1, 3, 4])])
    """
    problem = Problem.of(size)
    wanted = set(OURS if names is None else names)
    found = {}
    parts = [tf.constant(x) for x in problem]
    for form in ("XLA", "graph"):
        if f"additive, {form}" in wanted:
            found[f"additive, {form}"] = _call(cgd_loss_additive, parts[:2], parts[2:], form)
    if {"full, XLA", "full, graph"} & wanted:
        nodes = parts[0][:, :, None] + parts[1][:, None]
        for form in ("XLA", "graph"):
            if f"full, {form}" in wanted:
                found[f"full, {form}"] = _call(cgd_loss, [nodes], parts[2:], form)
    if "tf CTC, graph" in wanted:
        found["tf CTC, graph"] = _call(_ctc, parts[:1], parts[2:], "graph")
    if names is None or any(name.startswith("fast_rnnt") for name in names):
        peers = fast_rnnt_contenders(problem)
        found |= {name: peer for name, peer in peers.items() if names is None or name in wanted}
    return found


def limit_threads(names: Iterable[str], threads: int) -> None:
    """Give the library of the named contenders a number of threads; before its first use."""
    if set(names) & set(FAST_RNNT):
        import torch

        torch.set_num_threads(threads)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def warm_up(calls: Mapping[str, Callable[[], Any]]) -> None:
    """Compile, and let allocators and caches fill."""
    for call in calls.values():
        call()
        call()
    gc.collect()


def one_round(calls: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds of one call of each.

    >>> from slr_keras.benchmarks.cst.benchmark import one_round
    >>> one_round({"nothing": lambda: None})["nothing"] < 1
    True
    """
    seconds = {}
    for name, call in calls.items():
        started = time.perf_counter()
        call()
        seconds[name] = time.perf_counter() - started
    return seconds


def peaks(calls: Mapping[str, Callable[[], Any]]) -> dict[str, int | None]:
    """Bytes that each call takes; see `peak_of` for what that asks of the process."""
    return {name: peak_of(call) for name, call in calls.items()}


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
        with libraries(names, threads, {"TF_ENABLE_ONEDNN_OPTS": "0"}) as found:
            held = measured(found, size, 0, memory=True).memory
    with libraries(names, threads) as found:
        seconds = measured(found, size, repeats).seconds
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

    >>> from slr_keras.benchmarks.cst.benchmark import Size, axis_sizes
    >>> [tuple(size) for size in axis_sizes(Size(1, 4, 3, 6), (1, 2))["labels"]]
    [(1, 4, 3, 6)]
    """
    axes, factors = {}, tuple(factors)
    for axis in ("steps", "labels", "classes"):
        sizes = {base._replace(**{axis: max(2, round(f * getattr(base, axis)))}) for f in factors}
        axes[axis] = sorted(size for size in sizes if size.steps >= size.labels)
    return axes


def _call(loss, inputs, integers, form: str) -> Callable[[], Any]:
    @tf.function(jit_compile=form == "XLA")
    def slopes(*inputs):
        losses = loss(*inputs, *integers)
        return losses, tf.gradients(losses, inputs)

    def call():
        result = slopes(*inputs)
        tf.test.experimental.sync_devices()
        return result

    return call


def _ctc(visual, labels, steps, glosses):
    return tf.nn.ctc_loss(
        labels=labels,
        logits=visual,
        label_length=glosses,
        logit_length=steps,
        logits_time_major=False,
        blank_index=0,
    )
