"""Metrics of each epoch: metrics.jsonl, TensorBoard, and the plotted curves."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path, read_text, write_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record = dict[str, Any]
SECONDS_BETWEEN_DRAWINGS = 30.0


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
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{number}: not JSON ({error.msg}); restore the line") from error
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
    from matplotlib.figure import Figure

    epochs = [record["epoch"] for record in records]
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, dev, rate = figure.subplots(1, 3)
    for name in ("loss", *records[-1].get("terms", ())):
        loss.plot(epochs, [record[name] for record in records], label=name)
    loss.set(title="training loss per clip (nats)", xlabel="epoch")
    loss.set_yscale("symlog", linthresh=1.0)
    loss.legend()
    _draw_dev(dev, records)
    rate.plot(epochs, [record["learning_rate"] for record in records])
    rate.set(title="learning rate at the end of the epoch", xlabel="epoch")
    for axes in (loss, dev, rate):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def _draw_dev(axes: "Axes", records: Sequence[Record]) -> None:
    """Plot word error rates, or accuracies for isolated signs."""
    epochs = [record["epoch"] for record in records]
    single = "top_1" in records[-1]["dev"]
    measure, key, better = ("accuracy", "top_1", max) if single else ("WER", "wer", min)
    for name in records[-1]["dev"][key]:
        values = [record["dev"][key].get(name) for record in records]
        width, style = (2.2, "-") if name == "ensemble" else (1.0, "--")
        axes.plot(epochs, values, style, linewidth=width, label=name)
    if single:
        axes.plot(epochs, [record["dev"]["top_5"] for record in records], ":", label="top-5")
        axes.set_ylim(top=100)
    best = better(records, key=lambda record: record["dev"][key]["ensemble"])
    value = best["dev"][key]["ensemble"]
    axes.plot(best["epoch"], value, "o", color="black")
    title = f"dev {measure} (%), best {value:.2f} after epoch {best['epoch']}"
    axes.set(title=title, xlabel="epoch")
    axes.set_ylim(bottom=0)
    axes.legend()
