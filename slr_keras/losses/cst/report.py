"""The loss benchmark for a person to read: a table for each size, curves over sizes."""

from collections.abc import Mapping
from pathlib import Path

from slr_keras.files import atomic_path
from slr_keras.losses.cst.benchmark import Size, Timing


def table(size: Size, timings: Mapping[str, Timing]) -> str:
    """Milliseconds and memory of each contender.

    >>> from slr_keras.losses.cst.benchmark import Size, Timing
    >>> from slr_keras.losses.cst.report import table
    >>> print(table(Size(1, 3, 2, 4), {"additive, XLA": Timing(1.5, 1.25, 4.0, 2**20)}))
    batch 1, steps 3, labels 2, classes 4; two parts and their exponentials 0.0 MiB
                              median, ms       low      high    memory, MiB
    additive, XLA                   1.50      1.25      4.00            1.0
    """
    least = size.least_memory / 2**20
    lines = [
        ", ".join(f"{name} {value}" for name, value in zip(size._fields, size))
        + f"; two parts and their exponentials {least:.1f} MiB",
        f"{'':<24}{'median, ms':>12}{'low':>10}{'high':>10}{'memory, MiB':>15}",
    ]
    for name, timing in timings.items():
        held = "-" if timing.memory is None else f"{timing.memory / 2**20:.1f}"
        lines.append(
            f"{name:<24}{timing.median:>12.2f}{timing.low:>10.2f}{timing.high:>10.2f}{held:>15}"
        )
    return "\n".join(lines)


def plot_scaling(path: str | Path, curves: Mapping[str, Mapping[Size, Mapping[str, Timing]]]):
    """One panel per axis: medians on logarithmic scales, with the range of the rounds."""
    # The object interface, not pyplot: no global state, no window.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(curves), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for panel, (axis, by_size) in zip(panels, curves.items()):
        values = [getattr(size, axis) for size in by_size]
        for name in next(iter(by_size.values())):
            timings = [found[name] for found in by_size.values()]
            (line,) = panel.plot(values, [x.median for x in timings], "o-", label=name)
            lows, highs = [x.low for x in timings], [x.high for x in timings]
            panel.fill_between(values, lows, highs, color=line.get_color(), alpha=0.15)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xticks(values, [str(value) for value in values])
        panel.set_xlabel(axis)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("loss and gradient, ms")
    panels[0].legend(fontsize="small")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
