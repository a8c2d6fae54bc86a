"""Train and score models and baselines on the sets of real signing, and write the tables.

Everything is made from the raw sets. Give the same command again, and only what is missing is done.
"""

import subprocess
import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser
from slr_keras.utils.option_values import positive

EXAMPLE = """\
example:
  slr benchmark sets --from PATH --to runs/sets --results RESULTS.md
  slr benchmark sets --from PATH --only kinect ksl13 --seeds 1
"""


def main(arguments: list[str]) -> int:
    """Run `benchmark sets`; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.benchmarks.machine import device, limit_tensorflow
    from slr_keras.benchmarks.sets.report import section, write_section
    from slr_keras.benchmarks.sets.runner import Places, score_baseline, train_model
    from slr_keras.benchmarks.sets.table import SETS, bench_set
    from slr_keras.config.recipes import recipes_folder

    if options.list:
        for one in SETS:
            print(f"{one.name:26}{one.title}, {len(one.folds)} folds")
        return 0
    sets = [bench_set(name) for name in options.only] if options.only else list(SETS)
    if options.threads:
        limit_tensorflow(options.threads)
    places = Places(options.source, options.recipes or recipes_folder(), options.to)
    for one in [] if options.report else sets:
        for fold in one.folds:
            for method in one.baselines if options.baselines else ():
                score_baseline(one, method, fold, places)
        for model in one.models:
            if options.models and model.name not in options.models:
                continue
            for fold in one.folds:
                train_model(one, model, fold, options.seeds, places)
    facts = f"`slr benchmark sets`, {options.seeds} seeds, commit `{_commit()}`, {device()}."
    text = section(sets, options.seeds, places, facts)
    if options.results:
        write_section(options.results, text)
    print(text)
    return 0


def build_parser() -> CommandParser:
    """The subcommand's options."""
    parser = command_parser("slr_keras.benchmark sets", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "--from",
        dest="source",
        type=Path,
        default=Path("downloads"),
        metavar="PATH",
        help="folder of the raw sets, one folder for each (default: downloads)",
    )
    add(
        "--to",
        type=Path,
        default=Path("runs/sets"),
        metavar="FOLDER",
        help="folder of data, runs and predictions (default: runs/sets)",
    )
    add(
        "--recipes",
        type=Path,
        metavar="FOLDER",
        help="folder of the recipes (default: the package's)",
    )
    add("--only", nargs="+", default=(), metavar="SET", help="these sets (default: all)")
    add("--models", nargs="+", default=(), metavar="NAME", help="these models (default: all)")
    add("--seeds", type=positive, default=3, metavar="N", help="seeds of each model (default: 3)")
    add("--threads", type=positive, default=0, metavar="N", help="threads (default: all cores)")
    add("--no-baselines", dest="baselines", action="store_false", help="train models alone")
    add("--report", action="store_true", help="only report what is there")
    add("--list", action="store_true", help="print the names of the sets")
    add(
        "--results",
        type=Path,
        metavar="FILE",
        help="write the tables between the marks of this file, such as RESULTS.md",
    )
    return parser


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or f"unknown ({sys.argv[0]})"
