"""How fast a model trains and evaluates here, and whether it waits for its data."""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.config import Config
    from slr_keras.data.manifest import Manifest
    from slr_keras.data.pipeline import ClipDataset
    from slr_keras.data.vocabulary import Vocabulary

EXAMPLE = """example:
  python -m slr_keras.benchmark data/demo --model stark_tiny --batch 8 --steps 20
  python -m slr_keras.benchmark configs/stark_demo.yaml --json
  python -m slr_keras.benchmark cgd --plot curves.png    # the transduction loss; see cgd --help
  python -m slr_keras.benchmark memory configs/ustm_phoenix14.yaml    # what fits on which GPU

The rates are medians over the repeats; each repeat measures everything once, in turn, on the same
batches, so that a disturbance of the machine meets all alike. Training and evaluation include
their input; evaluation is the forward pass, without decoding.
"""


LOSS_EXAMPLE = """example:
  python -m slr_keras.benchmark cgd --repeats 50 --memory --to cgd.json --plot curves.png

Each round runs every contender once; TensorFlow and torch run in processes of their own, one at a
time, with the same number of threads. Memory is what a call takes at its peak above what was held
before it, its result included; "of bound" adds the input, and divides by both parts of the logits
and their exponentials. The last columns say how many times as long a peer takes, by medians (and
by the fastest rounds). fast_rnnt takes part where it and torch are installed; tf CTC is another
lattice, for scale.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["cgd"]:
        return benchmark_loss(arguments[1:])
    if arguments[:1] == ["memory"]:
        from slr_keras.benchmarks.memory import command

        return command.main(arguments[1:])
    options = _parse(arguments)
    config = _config(options)
    from slr_keras.benchmarks.speed import measure, table
    from slr_keras.training.model import build_model

    training, evaluation, vocabulary = _datasets(config, options.steps)
    model = build_model(config, len(vocabulary), training.contract, config.training.precision)
    step = training_step(model, training, config)
    with training.user_errors(), evaluation.user_errors():
        measurement = measure(model, training, evaluation, step, options.steps, options.repeats)
    about = {
        "model": config.model.name,
        "parameters": model.count_params(),
        "precision": config.training.precision,
        "batch": config.data.batch_size,
        "device": _device(),
        "steps": options.steps,
        "repeats": options.repeats,
    }
    if options.json:
        print(json.dumps({**about, **dataclasses.asdict(measurement)}, indent=2))
    else:
        print(table(about, measurement))
    return 0


def training_step(
    model: "keras.Model", training: "ClipDataset", config: "Config"
) -> Callable[[dict], Any]:
    """The step that `fit` takes, on one device."""
    import tensorflow as tf

    from slr_keras.training.objectives.factory import make_objective
    from slr_keras.training.step import TrainingStep, make_optimiser

    step = TrainingStep(
        tf.distribute.get_strategy(),
        model,
        make_objective(model, config),
        make_optimiser(model, config.training),
        config.training,
        training.element_spec(),
    )
    return lambda batch: step(batch, config.training.learning_rate)


def benchmark_loss(arguments: list[str]) -> int:
    """Run `benchmark cgd`; returns the exit code."""
    options = _parse_loss(arguments)
    from slr_keras.benchmarks.cst import benchmark as losses
    from slr_keras.benchmarks.cst.peers import fast_rnnt_available
    from slr_keras.benchmarks.cst.report import plot_scaling, record, table
    from slr_keras.utils.files import write_json

    about = _machine(options.threads)
    sizes = [losses.Size(*size) for size in options.size or losses.SIZES]
    results = losses.measure(sizes, options.repeats, options.threads, memory=options.memory)
    about["load_after"] = _load()
    report = {"machine": about, "rounds": options.repeats}
    report["sizes"] = [record(size, timings) for size, timings in results.items()]
    where = "{device}, {processor}, {threads} threads, load {load_before} to {load_after}"
    if options.plot:
        base = losses.Size(*options.size[0]) if options.size else losses.BASE
        curves = losses.scaling(base, options.repeats, options.threads)
        report["scaling"] = {
            axis: [record(size, timings) for size, timings in by_size.items()]
            for axis, by_size in curves.items()
        }
        plot_scaling(options.plot, curves, where.format(**about))
    if options.to:
        write_json(options.to, report)
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print(f"loss and gradient on {where.format(**about)}; {options.repeats} rounds")
    for size, timings in results.items():
        print(f"\n{table(size, timings)}")
    if not fast_rnnt_available():
        print("\nfast_rnnt: skipped, not installed")
    return 0


def _parse_loss(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.benchmark cgd",
        description="How fast the conditional gloss decoding loss is here, and its peers.",
        epilog=LOSS_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--size",
        type=_positive,
        nargs=4,
        action="append",
        metavar=("BATCH", "STEPS", "LABELS", "CLASSES"),
        help="measure this size; may be repeated (default: three sizes of PHOENIX and CSL-Daily)",
    )
    parser.add_argument("--repeats", type=_positive, default=30, help="rounds (30)")
    parser.add_argument(
        "--plot", metavar="FILE", help="also draw how the first size given scales, each axis alone"
    )
    parser.add_argument("--memory", action="store_true", help="also measure memory")
    parser.add_argument(
        "--threads", type=_positive, default=_cores(), help="of each library (all cores)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--to", metavar="FILE", help="also write the JSON to this file")
    options = parser.parse_args(arguments)
    for _, steps, labels, classes in options.size or ():
        if steps < labels or classes < 2:
            parser.error("--size: STEPS must be at least LABELS, CLASSES at least 2")
    return options


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.benchmark",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", help="a recipe (.yaml) or a data folder", metavar="CONFIG_OR_FOLDER"
    )
    parser.add_argument("--model", help="registered model (default: the recipe's, or stark_tiny)")
    parser.add_argument(
        "--batch", type=_positive, help="clips per batch (default: the recipe's, or 8)"
    )
    parser.add_argument("--steps", type=_positive, default=20, help="batches per measurement (20)")
    parser.add_argument("--repeats", type=_positive, default=3, help="measurements (3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


def _config(options: argparse.Namespace) -> "Config":
    from slr_keras.config import load_config, parse_config

    source = Path(options.source)
    if source.is_dir():
        config = parse_config({"data": {"folder": str(source)}, "model": {"name": "stark_tiny"}})
    elif source.is_file():
        config = load_config(source)
    else:
        raise UserError(f"{source}: no such recipe or data folder; give the path of either")
    if options.model:
        # Another model's options would not fit.
        model = dataclasses.replace(config.model, name=options.model, options={})
        config = dataclasses.replace(config, model=model)
    if options.batch:
        data = dataclasses.replace(config.data, batch_size=options.batch)
        config = dataclasses.replace(config, data=data)
    return config


def _datasets(config: "Config", steps: int) -> tuple["ClipDataset", "ClipDataset", "Vocabulary"]:
    from slr_keras.models.registry import family_of
    from slr_keras.training.data import evaluation_dataset, read_task, training_dataset

    data = config.data
    if not (Path(data.folder) / f"{data.dev}.jsonl").is_file():
        data = dataclasses.replace(data, dev=data.train)
    config = dataclasses.replace(config, data=data)
    task = read_task(data, family_of(config.model.name).modality)
    training = training_dataset(config, task, replicas=1)
    dev = _spread(task.dev, steps * data.batch_size)
    evaluation = evaluation_dataset(config, dev, task.vocabulary, task.contract)
    return training, evaluation, task.vocabulary


def _spread(manifest: "Manifest", clips: int) -> "Manifest":
    """Some clips of all lengths: the first batches of an evaluation are its shortest."""
    if clips >= len(manifest):
        return manifest
    ranks = [place * len(manifest) // clips for place in range(clips)]
    return manifest.subset(manifest.lengths.argsort(kind="stable")[ranks].tolist())


def _device() -> str:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"{_cores()} CPU cores"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _load() -> float | None:
    """Processes that wanted to run, averaged over the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _machine(threads: int) -> dict[str, Any]:
    """Where a measurement was made."""
    import platform
    from importlib import metadata

    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        processor = found[1] if found else processor
    versions = {}
    for name in ("tensorflow", "torch", "fast_rnnt"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "device": _device(),
        "processor": processor,
        "threads": threads,
        "versions": versions,
        "load_before": _load(),
    }


if __name__ == "__main__":
    run(main)
