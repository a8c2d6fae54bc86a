"""Metrics of each epoch: metrics.jsonl, TensorBoard, and the plotted curves."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.training.folder import RunFolder
from slr_keras.utils.files import atomic_path, guarded, parse_json, read_text, write_text
from slr_keras.utils.schema import checked, record, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = dict[str, Any]
SECONDS_BETWEEN_DRAWINGS = 30.0
# Ratio of the largest to the smallest loss from which the axis is logarithmic.
_SPAN = 20
_RECORD = record({"epoch": whole()})


class History:
    """Records of a run's epochs, written to disk after each epoch.

    Args:
        folder: run folder.
        epochs: number of finished epochs; records of later epochs are dropped, because training
            repeats these epochs.
        tensorboard: also write TensorBoard events, which requires TensorFlow.
    """

    def __init__(self, folder: RunFolder, epochs: int, tensorboard: bool = True):
        self.folder = folder
        self.tensorboard = tensorboard
        self.records = [r for r in read_metrics(folder.metrics) if r["epoch"] <= epochs]
        self._drawn = time.monotonic()
        self._writer = None

    def add(self, record: Record) -> None:
        """Add and write the record of a finished epoch."""
        self.records.append(record)
        lines = (json.dumps(entry, ensure_ascii=False) for entry in self.records)
        write_text(self.folder.metrics, "\n".join(lines) + "\n")
        if self.tensorboard:
            self._to_tensorboard(record)
        if time.monotonic() - self._drawn > SECONDS_BETWEEN_DRAWINGS:
            self.draw()

    def draw(self) -> None:
        """Draw the curves into `curves.png`."""
        if self.records:
            draw_curves(self.records, self.folder.curves)
        self._drawn = time.monotonic()

    def _to_tensorboard(self, record: Record) -> None:
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.folder.tensorboard))
        with self._writer.as_default(step=record["epoch"]):
            for name, value in flat(record).items():
                tf.summary.scalar(name, value)
        self._writer.flush()


def read_metrics(path: str | Path) -> list[Record]:
    """Read metrics.jsonl; the result is empty if the file does not exist.

    Raises:
        UserError: a line is not JSON; names the line.
    """
    if not Path(path).is_file():
        return []
    records = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        with guarded(f"{path}:{number}", "not JSON", "restore the line"):
            records.append(checked(parse_json(line), _RECORD, f"{path}:{number}"))
    return records


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Flatten nested mappings to numbers whose names are joined by `/`.

    >>> from slr_keras.training.history import flat
    >>> flat({"epoch": 3, "dev": {"wer": 20.5}})
    {'epoch': 3, 'dev/wer': 20.5}
    """
    numbers = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            numbers |= flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            numbers[f"{prefix}{name}"] = value
    return numbers


def draw_curves(records: Sequence[Record], path: str | Path) -> None:
    """Plot loss, dev WER (accuracy for isolated signs) and learning rate into a PNG file."""
    # The object interface, not pyplot: no global state, no window, any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = curves(records)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def curves(records: Sequence[Record]) -> "Figure":
    """The figure of `draw_curves`, with axes for the loss, the dev split and the learning rate."""
    from matplotlib.figure import Figure

    epochs = [record["epoch"] for record in records]
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, dev, rate = figure.subplots(1, 3)
    for place, name in enumerate(("loss", *records[-1].get("terms", ()))):
        values = [record[name] for record in records]
        loss.plot(epochs, values, label=name, **_style(place))
    loss.set(title="training loss per clip (nats)", xlabel="epoch")
    _scale(loss)
    loss.legend()
    _draw_dev(dev, records)
    rate.plot(epochs, [record["learning_rate"] for record in records])
    rate.set(title="learning rate at the end of the epoch", xlabel="epoch")
    for axes in (loss, dev, rate):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _draw_dev(axes: "Axes", records: Sequence[Record]) -> None:
    """Plot word error rates, or accuracies for isolated signs."""
    epochs = [record["epoch"] for record in records]
    single = "top_1" in records[-1]["dev"]
    measure, key, better = ("accuracy", "top_1", max) if single else ("WER", "wer", min)
    # The ensemble first, below the heads.
    names = sorted(records[-1]["dev"][key], key=lambda name: name != "ensemble")
    for place, name in enumerate(names):
        values = [record["dev"][key].get(name) for record in records]
        axes.plot(epochs, values, label=name, **_style(place))
    if single:
        values = [record["dev"]["top_5"] for record in records]
        axes.plot(epochs, values, label="top-5", **_style(len(names)))
        axes.set_ylim(top=100)
    best = better(records, key=lambda record: record["dev"][key]["ensemble"])
    value = best["dev"][key]["ensemble"]
    axes.plot(best["epoch"], value, "o", color="black")
    title = f"dev {measure} (%), best {value:.2f} after epoch {best['epoch']}"
    axes.set(title=title, xlabel="epoch")
    axes.set_ylim(bottom=0)
    axes.legend()


def _style(place: int) -> dict[str, Any]:
    """Style of a curve: the first is a wide pale band, so that an equal one on it is seen.

    Okabe and Ito's palette, and dashes, which colour-blind readers can distinguish.
    """
    if place == 0:
        return {"color": "#56B4E9", "linewidth": 5, "alpha": 0.6, "solid_capstyle": "butt"}
    colours = ("#D55E00", "#000000", "#009E73", "#CC79A7", "#0072B2", "#E69F00")
    dashes = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
    chosen = {"color": colours[(place - 1) % 6], "linestyle": dashes[(place - 1) % 5]}
    return {**chosen, "linewidth": 1.3}


def _scale(axes: "Axes") -> None:
    """A logarithmic axis with readable ticks where the values span more than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, SymmetricalLogLocator

    low, high = axes.dataLim.intervaly
    # Between -1 and 1 the axis of numbers below 0 is linear.
    if not high > _SPAN * max(low, 1) and not 0 < low * _SPAN < high:
        if low >= 0:
            axes.set_ylim(bottom=0)
        return
    steps = (1, 2, 5)
    if low > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=steps))
    else:
        axes.set_yscale("symlog", linthresh=1.0)
        axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1.0, subs=steps))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
