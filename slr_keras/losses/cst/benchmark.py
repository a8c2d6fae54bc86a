"""How fast the losses are here, with their gradients, and how much memory they take.

Each round runs every contender once, so that a disturbance of the machine meets all alike.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from slr_keras.losses.cst.additive import cgd_loss_additive
from slr_keras.losses.cst.full import cgd_loss
from slr_keras.losses.cst.memory import peak_of
from slr_keras.losses.cst.peers import fast_rnnt_contenders

OURS = ("additive, XLA", "additive, graph", "full, XLA", "full, graph", "tf CTC, graph")
SCALED = ("additive, XLA", "additive, graph", "full, XLA", "tf CTC, graph", "fast_rnnt additive")


class Size(NamedTuple):
    """Samples, steps, labels and classes.

    >>> from slr_keras.losses.cst.benchmark import Size
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
        rows = self.batch * (self.steps + self.labels + 1)
        return 2 * 4 * rows * self.classes


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

    >>> from slr_keras.losses.cst.benchmark import Size, contenders
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


def measure(
    calls: Mapping[str, Callable[[], Any]], repeats: int, memory: bool = False
) -> dict[str, Timing]:
    """Time all calls in turn, `repeats` rounds, after one call each that is not counted.

    With `memory`, peaks too; see `peak_of` for what that asks of the process.

    >>> from slr_keras.losses.cst.benchmark import measure
    >>> measure({"nothing": lambda: None}, repeats=3)["nothing"].median < 10
    True
    """
    for call in calls.values():
        call()
    peaks = {name: peak_of(call) if memory else None for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    for _ in range(repeats):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    return {
        name: Timing(*(1e3 * f(values) for f in (statistics.median, min, max)), peaks[name])
        for name, values in seconds.items()
    }


def scaling(
    base: Size,
    repeats: int,
    names: Iterable[str] = SCALED,
    factors: Iterable[float] = (0.25, 0.5, 1, 2),
) -> dict[str, dict[Size, dict[str, Timing]]]:
    """Timings as steps, labels or classes grow: by axis, size and contender."""
    timings: dict[Size, dict[str, Timing]] = {}
    curves: dict[str, dict[Size, dict[str, Timing]]] = {}
    for axis in ("steps", "labels", "classes"):
        sizes = {base._replace(**{axis: max(2, round(f * getattr(base, axis)))}) for f in factors}
        for size in sorted(sizes):
            if size.steps < size.labels:
                continue
            if size not in timings:
                timings[size] = measure(contenders(size, names), repeats)
            curves.setdefault(axis, {})[size] = timings[size]
    return curves


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
