"""How fast a model trains and evaluates here, and whether it waits for its data."""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.command import run
from slr_keras.errors import UserError

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

The rates are medians over the repeats; each repeat measures everything once, in turn, on the same
batches, so that a disturbance of the machine meets all alike. Training and evaluation include
their input; evaluation is the forward pass, without decoding.
"""


LOSS_EXAMPLE = """example:
  python -m slr_keras.benchmark cgd --repeats 50 --plot curves.png

Each round runs every contender once. Memory is what a call takes at its peak above what was held
before it, its result included. fast_rnnt takes part where it and torch are installed; tf CTC is
another lattice, for scale.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["cgd"]:
        return benchmark_loss(arguments[1:])
    options = _parse(arguments)
    config = _config(options)
    from slr_keras.metrics.speed import measure, table
    from slr_keras.training.task import build_model

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

    from slr_keras.training.objective import make_objective
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
    if options.memory:
        # oneDNN's allocator pools what is freed, so that a second call seems to take nothing.
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    from slr_keras.losses.cst import benchmark as losses
    from slr_keras.losses.cst.peers import fast_rnnt_available
    from slr_keras.losses.cst.report import plot_scaling, table

    sizes = [losses.Size(*size) for size in options.size or losses.SIZES]
    results = {
        size: losses.measure(losses.contenders(size), options.repeats, options.memory)
        for size in sizes
    }
    if options.json:
        records = [
            {**size._asdict(), "ms": {name: x._asdict() for name, x in timings.items()}}
            for size, timings in results.items()
        ]
        print(json.dumps({"device": _device(), "sizes": records}, indent=2))
    else:
        print(f"loss and gradient on {_device()}, {options.repeats} rounds")
        for size, timings in results.items():
            print(f"\n{table(size, timings)}")
        if not fast_rnnt_available():
            print("\nfast_rnnt: skipped, not installed")
    if options.plot:
        base = losses.Size(*options.size[0]) if options.size else losses.BASE
        plot_scaling(options.plot, losses.scaling(base, options.repeats))
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
    parser.add_argument(
        "--memory", action="store_true", help="also measure memory; on CPUs without oneDNN"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
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
    from slr_keras.models.registry import modality
    from slr_keras.training.task import evaluation_dataset, read_task, training_dataset

    data = config.data
    if not (Path(data.folder) / f"{data.dev}.jsonl").is_file():
        data = dataclasses.replace(data, dev=data.train)
    task = read_task(data, modality(config.model.name))
    training = training_dataset(config, task, replicas=1)
    dev = _spread(task.dev, steps * data.batch_size)
    evaluation = evaluation_dataset(data, dev, task.vocabulary, task.contract)
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
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return f"{cores} CPU cores"


if __name__ == "__main__":
    run(main)
