"""The implementations of the CST loss that the benchmark compares."""

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

from slr_keras.benchmarks.cst.memory import peak_of
from slr_keras.benchmarks.cst.peers import fast_rnnt_contenders
from slr_keras.benchmarks.cst.problem import Problem, Size
from slr_keras.benchmarks.machine import limit_tensorflow
from slr_keras.losses.cst.additive import cgd_loss_additive
from slr_keras.losses.cst.full import cgd_loss

OURS = ("additive, XLA", "additive, graph", "full, XLA", "full, graph", "tf CTC, graph")
FAST_RNNT = ("fast_rnnt additive", "fast_rnnt full")


def contenders(size: Size, names: Iterable[str] | None = None) -> dict[str, Callable[[], Any]]:
    """By name, calls that compute losses and gradients to all logits and wait for them.

    Args:
        size: of the problem.
        names: which; all that can run here by default.

    >>> from slr_keras.benchmarks.cst.contenders import contenders
    >>> from slr_keras.benchmarks.cst.problem import Size
    >>> calls = contenders(Size(1, 3, 2, 4), ["additive, graph"])
    >>> losses, slopes = calls["additive, graph"]()
    >>> losses.shape, [x.shape for x in slopes]
    (TensorShape([1]), [TensorShape([1, 3, 4]), TensorShape([1, 3, 4])])
    """
    problem = Problem.of(size)
    wanted = set(OURS if names is None else names)
    calls = {}
    parts = [tf.constant(x) for x in problem]
    for form in ("XLA", "graph"):
        if f"additive, {form}" in wanted:
            calls[f"additive, {form}"] = _call(cgd_loss_additive, parts[:2], parts[2:], form)
    if {"full, XLA", "full, graph"} & wanted:
        nodes = parts[0][:, :, None] + parts[1][:, None]
        for form in ("XLA", "graph"):
            if f"full, {form}" in wanted:
                calls[f"full, {form}"] = _call(cgd_loss, [nodes], parts[2:], form)
    if "tf CTC, graph" in wanted:
        calls["tf CTC, graph"] = _call(_ctc, parts[:1], parts[2:], "graph")
    if names is None or any(name.startswith("fast_rnnt") for name in names):
        peers = fast_rnnt_contenders(problem)
        calls |= {name: peer for name, peer in peers.items() if names is None or name in wanted}
    return calls


def limit_threads(names: Iterable[str], threads: int) -> None:
    """Give the library of the named contenders a number of threads; before its first use."""
    if set(names) & set(FAST_RNNT):
        import torch

        torch.set_num_threads(threads)
    limit_tensorflow(threads)


def warm_up(calls: Mapping[str, Callable[[], Any]]) -> None:
    """Compile, and let allocators and caches fill."""
    for call in calls.values():
        call()
        call()
    gc.collect()


def one_round(calls: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds of one call of each.

    >>> from slr_keras.benchmarks.cst.contenders import one_round
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
