"""Measure the speed of training and evaluation on this machine, and the wait for data."""

import dataclasses
import importlib
import json
import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import positive

EXAMPLE = """\
CONFIG_OR_FOLDER may also be the name of another benchmark, with options of its own:
  cgd     speed and memory of the transduction loss; see `benchmark cgd --help`
  memory  memory that a recipe's training step needs; see `benchmark memory --help`
  sets    accuracy of models and baselines on sets of real signing; see `benchmark sets --help`

Rates are medians over the repeats. Every repeat measures everything once, in turn, on the same
batches, so that a disturbance of the machine affects all measurements equally. Training and
evaluation include their input; evaluation is the forward pass, without decoding.

examples:
  slr benchmark data/demo --model stark_tiny --batch 8 --steps 20
  slr benchmark stark_demo --json
  slr benchmark cgd --plot curves.png
  slr benchmark memory ustm_phoenix14
"""

#: Benchmarks with options of their own, and the modules that parse them.
SUBCOMMANDS = {
    "cgd": "slr_keras.benchmarks.cst.command",
    "memory": "slr_keras.benchmarks.memory.command",
    "sets": "slr_keras.benchmarks.sets.command",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in SUBCOMMANDS:
        return importlib.import_module(SUBCOMMANDS[arguments[0]]).main(arguments[1:])
    options = build_parser().parse_args(arguments)
    from slr_keras.benchmarks.machine import device
    from slr_keras.benchmarks.speed import measure, table
    from slr_keras.benchmarks.workload import open_datasets, read_config, training_step
    from slr_keras.training.model import build_model

    config = read_config(Path(options.source), options.model, options.batch)
    training, evaluation, vocabulary = open_datasets(config, options.steps)
    model = build_model(config, len(vocabulary), training.contract, config.training.precision)
    step = training_step(model, training, config)
    with training.user_errors(), evaluation.user_errors():
        measurement = measure(model, training, evaluation, step, options.steps, options.repeats)
    about = {
        "model": config.model.name,
        "parameters": model.count_params(),
        "precision": config.training.precision,
        "batch": config.data.batch_size,
        "device": device(),
        "steps": options.steps,
        "repeats": options.repeats,
    }
    if options.json:
        print(json.dumps({**about, **dataclasses.asdict(measurement)}, indent=2))
    else:
        print(table(about, measurement))
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.benchmark", __doc__, EXAMPLE)
    add = parser.add_argument
    add("source", metavar="CONFIG_OR_FOLDER", help="recipe (file or name) or data folder")
    add("--model", help="registered model (default: the recipe's, or stark_tiny)")
    add("--batch", type=positive, metavar="N", help="clips per batch (default: the recipe's, or 8)")
    add("--steps", type=positive, default=20, metavar="N", help="batches measured (default: 20)")
    add("--repeats", type=positive, default=3, metavar="N", help="repeats measured (default: 3)")
    parser.add_json("a table")
    return parser


if __name__ == "__main__":
    run(main)
