"""Compute the memory that a recipe's training step needs, and the cards that it fits on."""

import argparse
import json

from slr_keras.benchmarks.memory.clips import CLASSES, GLOSSES
from slr_keras.utils.command import CommandParser, command_parser
from slr_keras.utils.option_values import positive

EXAMPLE = """\
Neither a GPU nor data is needed: the training step is traced at its full size and run with shapes
in place of numbers, one operation after the other, loops included. This counts the memory of
TensorFlow's tensors. It does not count fragmentation of the allocator, the workspaces of cuDNN and
cuBLAS, operations that run at the same time, or fused operations. Small steps on a CPU needed up to
1.92 times the reported peak (RESULTS.md), so `with margin` is twice the peak. The figures were not
compared with a GPU. A card of 80 GB is assumed to have 80e9 bytes for tensors. All clips of the
batch have the same length.

examples:
  slr benchmark memory ustm_phoenix14 --frames 140 232 --batch 1 2
  slr benchmark memory ustm_phoenix14 --set model.name=ustm_t \\
      --set model.options.recompute=false --precision float32 mixed_bfloat16
"""


def main(arguments: list[str]) -> int:
    """Run `benchmark memory`; returns the exit code."""
    options = _parsed(arguments)
    from slr_keras.benchmarks.memory.clips import classes_of, contract_of, longest
    from slr_keras.benchmarks.memory.report import record, table
    from slr_keras.benchmarks.memory.training import TracedStep
    from slr_keras.config import load_config, override

    config = load_config(options.recipe, options.set)
    contract = contract_of(config, options.size)
    classes = options.classes or classes_of(config)
    frames = options.frames or [longest(config)]
    clips = options.batch or [config.data.batch_size]
    reports = []
    for precision in options.precision or [config.training.precision]:
        chosen = override(config, [f"training.precision={precision}"])
        step = TracedStep(chosen, contract, classes)
        memories = [step.measure(c, f, min(options.glosses, f // 4)) for f in frames for c in clips]
        about = {
            "model": config.model.name,
            "options": dict(config.model.options),
            "precision": precision,
            "accumulate": config.training.accumulate,
            "classes": classes,
            "frame": list(step.frame.shape),
        }
        reports.append(about | {"batches": [record(memory, options.card) for memory in memories]})
        if not options.json:
            print(table(about, memories, options.card), end="\n\n")
    if options.json:
        print(json.dumps(reports, indent=2))
    return 0


def build_parser() -> CommandParser:
    """The subcommand's options."""
    parser = command_parser("slr_keras.benchmark memory", __doc__, EXAMPLE)
    add = parser.add_argument
    add("recipe", help="recipe (file or name)", metavar="RECIPE")
    add(
        "--frames",
        type=positive,
        nargs="+",
        metavar="N",
        help="frames per clip (default: the longest clip that training may use)",
    )
    add(
        "--batch",
        type=positive,
        nargs="+",
        metavar="N",
        help="clips per batch (default: the recipe's)",
    )
    add(
        "--precision",
        nargs="+",
        choices=("float32", "mixed_bfloat16"),
        help="precision of activations (default: the recipe's)",
    )
    add(
        "--card",
        type=positive,
        nargs="+",
        default=[24, 80],
        metavar="GB",
        help="memory of the cards in gigabytes (default: 24 80)",
    )
    add(
        "--classes",
        type=positive,
        metavar="N",
        help="number of classes with the blank (default: that of the data folder; "
        f"{CLASSES} without one)",
    )
    add(
        "--glosses",
        type=positive,
        default=GLOSSES,
        metavar="N",
        help=f"glosses per clip (default: {GLOSSES})",
    )
    add(
        "--size",
        type=positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="size of frames in pixels (default: the data folder's crop; 224 224 without one)",
    )
    parser.add_overrides()
    parser.add_json("tables")
    return parser


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.classes == 1:
        parser.error("--classes: a blank and one gloss make at least 2")
    return options
