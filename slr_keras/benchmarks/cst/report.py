"""The loss benchmark for a person to read: a table for each size, curves over sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slr_keras.benchmarks.cst.benchmark import Timing
from slr_keras.benchmarks.cst.contenders import FAST_RNNT as PEERS
from slr_keras.benchmarks.cst.problem import Size
from slr_keras.utils.files import atomic_path


def ratios(timings: Mapping[str, Timing]) -> dict[str, dict[str, tuple[float, float]]]:
    """How many times as long each peer takes as a contender, by medians and by lows.

    >>> from slr_keras.benchmarks.cst.benchmark import Timing
    >>> from slr_keras.benchmarks.cst.report import ratios
    >>> timings = {"ours": Timing(2.0, 1.0, 3.0, None)}
    >>> ratios(timings | {"fast_rnnt full": Timing(8.0, 5.0, 9.0, None)})["ours"]
    {'fast_rnnt full': (4.0, 5.0)}
    """
    return {
        name: {
            peer: (timings[peer].median / timing.median, timings[peer].low / timing.low)
            for peer in PEERS
            if peer in timings
        }
        for name, timing in timings.items()
    }


def memory_ratio(size: Size, name: str, timing: Timing) -> float | None:
    """Memory of a contender, its input included, over what the additive form must hold.

    >>> from slr_keras.benchmarks.cst.problem import Size

    >>> from slr_keras.benchmarks.cst.benchmark import Timing
    >>> from slr_keras.benchmarks.cst.report import memory_ratio
    >>> size = Size(1, 3, 2, 4)  # 24 logits, 96 bytes
    >>> memory_ratio(size, "additive, XLA", Timing(1.0, 1.0, 1.0, 192))
    1.5
    """
    if timing.memory is None:
        return None
    return (size.input_memory(name) + timing.memory) / size.least_memory


def table(size: Size, timings: Mapping[str, Timing]) -> str:
    """Milliseconds, ratios to the peers and memory of each contender.

    >>> from slr_keras.benchmarks.cst.problem import Size

    >>> from slr_keras.benchmarks.cst.benchmark import Timing
    >>> from slr_keras.benchmarks.cst.report import table
    >>> print(table(Size(1, 3, 2, 4), {"additive, XLA": Timing(1.5, 1.25, 4.0, 192)}))
    batch 1, steps 3, labels 2, classes 4; two parts and their exponentials 0.0 MiB
                        median, ms       low      high     memory  of bound
    additive, XLA             1.50      1.25      4.00    0.0 MiB      1.50
    """
    least = size.least_memory / 2**20
    against = ratios(timings)
    peers = [peer for peer in PEERS if peer in timings]
    lines = [
        ", ".join(f"{name} {value}" for name, value in zip(size._fields, size))
        + f"; two parts and their exponentials {least:.1f} MiB",
        f"{'':<18}{'median, ms':>12}{'low':>10}{'high':>10}{'memory':>11}{'of bound':>10}"
        + "".join(f"{peer + ' is':>24}" for peer in peers),
    ]
    for name, timing in timings.items():
        held, share = "-", memory_ratio(size, name, timing)
        if timing.memory is not None:
            held = f"{timing.memory / 2**20:.1f} MiB"
        lines.append(
            f"{name:<18}{timing.median:>12.2f}{timing.low:>10.2f}{timing.high:>10.2f}{held:>11}"
            + (f"{'-':>10}" if share is None else f"{share:>10.2f}")
            + "".join("{:>14.2f} ({:.2f}) x".format(*against[name][peer]) for peer in peers)
        )
    return "\n".join(lines)


def record(size: Size, timings: Mapping[str, Timing]) -> dict[str, Any]:
    """A size's results as JSON values: milliseconds, bytes, and the ratios of the table.

    >>> from slr_keras.benchmarks.cst.problem import Size

    >>> from slr_keras.benchmarks.cst.benchmark import Timing
    >>> from slr_keras.benchmarks.cst.report import record
    >>> row = record(Size(1, 3, 2, 4), {"additive, XLA": Timing(1.5, 1.25, 4.0, 192)})
    >>> row["least_memory"], row["contenders"]["additive, XLA"]["memory_of_bound"]
    (192, 1.5)
    """
    against = ratios(timings)
    contenders = {}
    for name, timing in timings.items():
        times = {
            f"{peer} is": dict(zip(("by_median", "by_low"), pair))
            for peer, pair in against[name].items()
        }
        share = memory_ratio(size, name, timing)
        contenders[name] = {**timing._asdict(), "memory_of_bound": share, **times}
    return {**size._asdict(), "least_memory": size.least_memory, "contenders": contenders}


def plot_scaling(
    path: str | Path, curves: Mapping[str, Mapping[Size, Mapping[str, Timing]]], about: str = ""
) -> None:
    """One panel per axis: medians on logarithmic scales, with the range of the rounds."""
    # The object interface, not pyplot: no global state, no window.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    figure = Figure(figsize=(4.2 * len(curves), 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for panel, (axis, by_size) in zip(panels, curves.items()):
        values = [getattr(size, axis) for size in by_size]
        for marker, name in zip("osD^vPX", next(iter(by_size.values()))):
            timings = [by_name[name] for by_name in by_size.values()]
            style = "--" if name in PEERS else ":" if "CTC" in name else "-"
            medians = [x.median for x in timings]
            (line,) = panel.plot(values, medians, style, marker=marker, markersize=5, label=name)
            lows, highs = [x.low for x in timings], [x.high for x in timings]
            panel.fill_between(values, lows, highs, color=line.get_color(), alpha=0.12, lw=0)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_xticks(values, [str(value) for value in values])
        panel.xaxis.set_minor_locator(NullLocator())
        fixed = next(iter(by_size))._asdict()
        others = ", ".join(f"{key} {value}" for key, value in fixed.items() if key != axis)
        panel.set_title(others, fontsize="small")
        panel.set_xlabel(axis)
        panel.grid(alpha=0.3, which="both")
    panels[0].set_ylabel("loss and gradient, ms (median; band: fastest to slowest round)")
    panels[0].yaxis.label.set_size("small")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize="small")
    figure.suptitle(about, fontsize="small")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
