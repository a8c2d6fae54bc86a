"""Measure the speed of training, evaluation and the input pipeline."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import keras

    from slr_keras.data.pipeline import ClipDataset


@dataclass(frozen=True)
class Figure:
    """Median, minimum and maximum of repeated measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Figure":
        """Summarise one value per repeat.

        >>> from slr_keras.benchmarks.speed import Figure
        >>> Figure.of([3.0, 1.0, 2.0])
        Figure(median=2.0, low=1.0, high=3.0)
        """
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Measurement:
    """Result of `measure`.

    Attributes:
        training: clips/s of training steps, including the input pipeline.
        evaluation: clips/s of forward passes, including the input pipeline.
        model_alone: clips/s of training steps on batches in memory.
        input_alone: clips/s of the input pipeline alone.
        waiting: fraction of the training time spent waiting for data, 0 to 1.
        input_to_model: speed of the input pipeline relative to the model.
        frames_per_clip: mean length of the measured clips in frames, after resampling.
        peak_memory: peak memory of this process in bytes.
        peak_device_memory: peak memory on the first GPU in bytes; 0 without a GPU.
    """

    training: Figure
    evaluation: Figure
    model_alone: Figure
    input_alone: Figure
    waiting: Figure
    input_to_model: Figure
    frames_per_clip: float
    peak_memory: int
    peak_device_memory: int


def measure(
    model: "keras.Model",
    training: "ClipDataset",
    evaluation: "ClipDataset",
    step: Callable[[dict], Any],
    steps: int,
    repeats: int,
) -> Measurement:
    """Measure training, evaluation, model and input `repeats` times, in turn.

    Args:
        model: reads its `clip_inputs` from a batch.
        training: batches for training; the first `steps` of epoch 0, or all if there are fewer.
        evaluation: batches for evaluation, likewise.
        step: one training step on a batch; returns tensors.
        steps: batches per measurement.
        repeats: number of repeats.
    """
    import tensorflow as tf

    @tf.function(input_signature=[evaluation.element_spec()])
    def forward(batch: dict) -> dict:
        return model({name: batch[name] for name in model.clip_inputs}, training=False)

    in_memory = list(training.epoch(0).take(steps))
    # The first calls trace and allocate.
    _timed(in_memory[:1], step)
    _timed(evaluation.epoch(0).take(1), forward)
    runs = []
    for _ in range(repeats):
        # The epoch is planned before the clock starts, because planning covers all its batches.
        sources = [training.epoch(0).take(steps) for _ in range(2)]
        runs.append(
            {
                "input_alone": _timed(sources[0], lambda batch: None),
                "model_alone": _timed(in_memory, step),
                "training": _timed(sources[1], step),
                "evaluation": _timed(evaluation.epoch(0).take(steps), forward),
            }
        )
    rates = {
        name: Figure.of([run[name].clips / run[name].seconds for run in runs]) for name in runs[0]
    }
    clips = runs[0]["model_alone"].clips
    return Measurement(
        **rates,
        waiting=Figure.of([run["training"].waiting / run["training"].seconds for run in runs]),
        input_to_model=Figure.of(
            [run["model_alone"].seconds / run["input_alone"].seconds for run in runs]
        ),
        frames_per_clip=sum(float(tf.reduce_sum(batch["mask"])) for batch in in_memory) / clips,
        peak_memory=_peak_memory(),
        peak_device_memory=_peak_device_memory(),
    )


def table(about: Mapping[str, Any], measurement: Measurement) -> str:
    """Format a measurement as a text table.

    Args:
        about: model, parameters, precision, batch, device, steps, repeats.
        measurement: the measurement.
    """
    lines = [
        f"{about['model']}, {about['parameters']:,} parameters, {about['precision']}, "
        f"{about['device']}",
        f"{about['steps']} batches of {about['batch']}, {about['repeats']} repeats, "
        f"{measurement.frames_per_clip:.0f} frames per clip",
        "",
        f"{'':<24}{'median':>10}{'low':>10}{'high':>10}",
    ]
    rows = (
        ("training, clips/s", measurement.training, 1),
        ("evaluation, clips/s", measurement.evaluation, 1),
        ("model alone, clips/s", measurement.model_alone, 1),
        ("input alone, clips/s", measurement.input_alone, 1),
        ("input / model", measurement.input_to_model, 1),
        ("waiting for data, %", measurement.waiting, 100),
    )
    for name, figure, factor in rows:
        values = (figure.median, figure.low, figure.high)
        lines.append(f"{name:<24}" + "".join(f"{value * factor:>10.1f}" for value in values))
    lines.append(f"{'peak memory, MiB':<24}{measurement.peak_memory / 2**20:>10.0f}")
    if measurement.peak_device_memory:
        device = measurement.peak_device_memory / 2**20
        lines.append(f"{'peak GPU memory, MiB':<24}{device:>10.0f}")
    return "\n".join(lines)


class _Run(NamedTuple):
    seconds: float
    waiting: float
    clips: int


def _timed(batches: Iterable[dict], work: Callable[[dict], Any]) -> _Run:
    clips, waiting = 0, 0.0
    started = time.perf_counter()
    iterator = iter(batches)
    while True:
        asked = time.perf_counter()
        batch = next(iterator, None)
        waiting += time.perf_counter() - asked
        if batch is None:
            return _Run(time.perf_counter() - started, waiting, clips)
        _wait_for(work(batch))
        clips += len(batch["index"])


def _wait_for(result: Any) -> None:
    """Wait for the device; reading a value is the only portable way."""
    import tensorflow as tf

    for tensor in tf.nest.flatten(result):
        if tensor is not None:
            tf.reduce_sum(tensor).numpy()
            return


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere.
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_device_memory() -> int:
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return 0
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
