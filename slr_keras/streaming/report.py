"""Evaluation of streaming on a split: WER, delay, speed, memory and revisions.

Each policy runs in a process of its own, so that its memory can be measured.
"""

import argparse
import contextlib
import dataclasses
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from slr_keras.metrics.wer import bootstrap_interval, sentence_counts
from slr_keras.streaming.factory import OFFLINE
from slr_keras.streaming.recogniser import GLOSS, REVISE, SENTENCE, Event, StreamConfig
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.data.manifest import Manifest
    from slr_keras.streaming.engine import Engine
    from slr_keras.streaming.step_model import StepModel
    from slr_keras.training.run import Run


@dataclass
class Delays:
    """Delays of the glosses of a stream.

    Attributes:
        frames: for every gloss, the frames from the end of its span in the final sentence until
            the gloss was emitted for the last time.
    """

    frames: list[int] = field(default_factory=list)
    _emitted: list[int] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Add one event of the stream."""
        if event.kind == GLOSS:
            self._emitted.append(event.frame)
        elif event.kind == REVISE:
            del self._emitted[-event.count :]
        elif event.kind == SENTENCE:
            pairs = zip(self._emitted, event.spans, strict=True)
            self.frames += [frame - end for frame, (_, end) in pairs]
            self._emitted.clear()


class _TimedEngine:
    """An engine that measures the CPU seconds of its calls."""

    def __init__(self, engine: "Engine"):
        self.frames, self.delay, self.reset = engine.frames, engine.delay, engine.reset
        self.seconds: list[float] = []
        self._engine = engine

    def step(self, frames):
        started = time.process_time()
        row = self._engine.step(frames)
        self.seconds.append(time.process_time() - started)
        return row


def report(run: "Run", options: argparse.Namespace, config: StreamConfig) -> int:
    """Print the report that the options of the command ask for; returns the exit code."""
    from slr_keras.streaming.loading import policy_of

    asked = options.policy or [OFFLINE, None]
    policies = [policy if policy == OFFLINE else policy_of(run, policy) for policy in asked]
    if len(policies) > 1:
        rows = [_in_child(options, policy) for policy in policies]
    else:
        rows = [measure(run, policies[0], options, config)]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print(table(rows))
    return 0


def _in_child(options: argparse.Namespace, policy: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "slr_keras.stream", options.run, options.source, "--report"]
    command += ["--json", "--policy", policy, "--split", options.split]
    command += ["--look-ahead", str(options.look_ahead), "--stable", str(options.stable)]
    command += ["--rest", str(options.rest)]
    if options.limit:
        command += ["--limit", str(options.limit)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
    return json.loads(done.stdout)[0]


def measure(
    run: "Run", policy: str, options: argparse.Namespace, config: StreamConfig
) -> dict[str, Any]:
    """Evaluate one policy on a split.

    Args:
        run: a trained run.
        policy: of `policy_of`, or "offline".
        options: of the command.
        config: of the stream.

    Returns:
        A row of the report.

    Raises:
        UserError: the split is missing or has no glosses.
    """
    import tensorflow as tf

    from slr_keras.streaming.loading import require_streamable, step_model_of
    from slr_keras.training.data import read_split

    # A step is too short for several threads. After its first operation, TensorFlow refuses a
    # change of this number.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    data = dataclasses.replace(run.config.data, folder=options.source)
    manifest = read_split(data, options.split)
    if options.limit:
        manifest = manifest.subset(range(min(options.limit, len(manifest))))
    row: dict[str, Any] = {"policy": policy, "clips": len(manifest)}
    if policy == OFFLINE:
        model = require_streamable(run).clip_model(run.model(), policy)
        return row | _offline(run, model, manifest)
    step = step_model_of(run, policy)
    return row | _streamed(run, step, manifest, config) | _offline(run, step.clip_model, manifest)


def _streamed(
    run: "Run", model: "StepModel", manifest: "Manifest", config: StreamConfig
) -> dict[str, Any]:
    from slr_keras.streaming.engine import KerasEngine
    from slr_keras.streaming.loading import streaming_recogniser
    from slr_keras.streaming.sources import ClipSource
    from slr_keras.training.evaluation import CLEAN_UP

    keras_engine = KerasEngine(model)
    keras_engine.step(None)
    engine, delays = _TimedEngine(keras_engine), Delays()
    clean = CLEAN_UP[run.config.data.scoring]
    references, hypotheses, after_sign = [], [], []
    seconds = frames = revisions = said = sentences = 0
    for clip, sample in zip(_clips(run, manifest), manifest, strict=True):
        recogniser = streaming_recogniser(run, engine, config)
        landmarks = list(ClipSource(clip, run.contract))
        started = time.process_time()
        events = [event for frame in landmarks for event in recogniser.push(frame)]
        events += recogniser.finish()
        seconds += time.process_time() - started
        frames += len(landmarks)
        before = len(delays.frames)
        for event in events:
            delays.take(event)
        ended = [event for event in events if event.kind == SENTENCE]
        sentences += len(ended)
        glosses = tuple(gloss for event in ended for gloss in event.glosses)
        references.append(clean(sample.glosses))
        hypotheses.append(clean(glosses))
        revisions, said = revisions + recogniser.revisions, said + len(glosses)
        if glosses == sample.glosses and "spans" in sample.extra:
            ends = [end for event in ended for _, end in event.spans]
            signs = [end for _, end in sample.extra["spans"]]
            late = zip(delays.frames[before:], ends, signs, strict=True)
            after_sign += [delay + end - sign for delay, end, sign in late]
    counts = sentence_counts(references, hypotheses)
    length = frames / run.contract.fps
    return {
        "streaming_wer": sum(counts).wer,
        "streaming_interval": bootstrap_interval(counts),
        "sentences": sentences,
        "delay_frames": _quantiles(delays.frames),
        "delay_after_sign_frames": _quantiles(after_sign),
        "real_time_factor": seconds / length,
        "step_milliseconds": _quantiles([1000 * value for value in engine.seconds]),
        "steps_against_real_time": engine.frames / run.contract.fps / np.median(engine.seconds),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "state_bytes": keras_engine.state_bytes,
        "latency_frames": (engine.delay + 1) * engine.frames - 1,
        "revisions_per_gloss": revisions / max(said, 1),
    }


def _clips(run: "Run", manifest: "Manifest"):
    """A clip for each sample."""
    from slr_keras.recognition.clip import Clip, Points

    theirs = manifest.contract
    for row, sample in enumerate(manifest):

        def read(row=row, fps=sample.fps or theirs.fps):
            return Points(manifest.load(row), fps, theirs.source, theirs.image_size)

        yield Clip(sample.id, manifest.where(row), read, sample.glosses)


def _offline(run: "Run", model: "keras.Model", manifest: "Manifest") -> dict[str, Any]:
    """WER of complete clips under the same policy."""
    from slr_keras.training.evaluation import Predictor
    from slr_keras.training.final_evaluation import score
    from slr_keras.training.model import make_decoder

    predictor = Predictor(model, decoder=make_decoder(model, run.config))
    evaluation = score(run, predictor, manifest, run.decoding)
    return {"offline_wer": evaluation.total().wer, "offline_interval": evaluation.interval()}


def _quantiles(values: Sequence[float]) -> list[float] | None:
    """Median and 95th percentile."""
    return [float(q) for q in np.quantile(values, (0.5, 0.95))] if len(values) else None


COLUMNS = {
    "policy": lambda row: row["policy"],
    "WER, whole clips": lambda row: f"{row['offline_wer']:.2f} %",
    "WER, streamed": lambda row: f"{row['streaming_wer']:.2f} %",
    "delay, frames": lambda row: _pair(row["delay_frames"]),
    "after the sign": lambda row: _pair(row["delay_after_sign_frames"]),
    "revisions a gloss": lambda row: f"{row['revisions_per_gloss']:.3f}",
    "step, ms": lambda row: _pair(row["step_milliseconds"], 2),
    "x real time": lambda row: f"{row['steps_against_real_time']:.0f}",
    "real-time factor": lambda row: f"{row['real_time_factor']:.4f}",
    "peak memory": lambda row: f"{row['peak_memory'] / 2**20:.0f} MiB",
    "state": lambda row: f"{row['state_bytes'] / 2**10:.0f} KiB",
}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The report as a Markdown table; pairs are median and 95th percentile.

    >>> from slr_keras.streaming.report import table
    >>> print(table([{"policy": "offline", "offline_wer": 3.5}]).splitlines()[2][:26])
    | offline | 3.50 % | – | –
    """
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    for row in rows:
        cells = []
        for cell in COLUMNS.values():
            try:
                cells.append(cell(row))
            except KeyError:
                cells.append("–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _pair(values: Sequence[float] | None, digits: int = 0) -> str:
    return "–" if values is None else " / ".join(f"{value:.{digits}f}" for value in values)
