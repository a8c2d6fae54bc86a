"""Train a simple baseline on a data folder and score it."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import count, positive

if TYPE_CHECKING:
    from slr_keras.baselines import Baseline

EXAMPLE = """\
methods:
  dtw  nearest template by dynamic time warping; the templates are training clips of one sign, or
       pieces of sentences where there are none. A clip of one sign receives the label of the
       nearest template, a sentence the string of templates with the least cost.
  bag  classifies every frame alone, then smooths the predictions and collapses repeats
  svm  support vector machines (scikit-learn) on clips of one sign, resampled to one length

Signs look different where the other hand leads. dtw compares a clip and its mirror image and takes
the nearer; bag and svm also learn mirrored training clips. By default dev decides whether to, and
if it shows no difference, clips are mirrored: dev clips of the training signers cannot show one.

--augment N also learns N augmented copies of every training clip, with the geometric part of the
augmentation of --recipe (its section augmentation, but not its mirror: --mirror decides that).

The baselines learn from the spans of the signs where the data has them, which is more than a CTC
model is given; --no-spans cuts sentences into equal parts instead. Penalties and smoothing are
tuned on dev, or on part of train where there is no dev.

Where all clips are of one sign, the score is the top-1 accuracy, as that of evaluate, otherwise the
word error rate; the same for each signer and session, where the scored clips have several.

examples:
  slr baseline dtw data/large --split test --to dtw.jsonl
  slr baseline svm data/ksl13 --augment 4 --recipe stark_isolated_ksl13
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.baselines.figures import figures, plain_text
    from slr_keras.baselines.scoring import read_data, score_baseline
    from slr_keras.utils.progress import iteration_bars

    data = read_data(options.data, options.split)
    if data.unlabelled:
        print(
            f"{data.scored.path}: {data.unlabelled} clips without glosses left out", file=sys.stderr
        )
    with iteration_bars() as progress:
        score = score_baseline(_baseline(options), data, progress, options.turn)
    result = {
        "method": options.method,
        "data": str(options.data),
        "split": options.split,
        "seed": options.seed,
        "options": {**_settings(options), **score.options},
        **figures(score, options.seed),
    }
    if options.to:
        score.write(options.to)
    print(json.dumps(result, indent=2) if options.json else plain_text(result))
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.baseline", __doc__, EXAMPLE)
    add = parser.add_argument
    add("method", choices=("dtw", "bag", "svm"), help="which baseline, see below")
    add("data", type=Path, help="data folder with train and the split to score")
    add(
        "--split",
        choices=("train", "dev", "test"),
        default="test",
        help="split to score (default: test)",
    )
    add("--to", type=Path, metavar="FILE", help="write the predictions as JSON lines")
    parser.add_json()
    add(
        "--templates",
        type=count,
        metavar="N",
        help="training pieces per gloss, 0 for all (default: dtw 12, or 60 for clips of one sign; "
        "bag 40; svm all)",
    )
    add(
        "--metric",
        choices=("plain", "learned"),
        default="plain",
        help="dtw: compare features unchanged, or after discriminant analysis (default: plain)",
    )
    add(
        "--hidden",
        type=count,
        default=128,
        metavar="N",
        help="bag: width of the hidden layer, 0 for softmax regression (default: 128)",
    )
    add(
        "--stride",
        type=positive,
        default=2,
        metavar="N",
        help="number of successive frames averaged into one (default: 2)",
    )
    add(
        "--mirror",
        choices=("auto", "always", "never"),
        default="auto",
        help="exchange left and right as well, see below (default: auto, as dev decides)",
    )
    add(
        "--augment",
        type=count,
        default=0,
        metavar="N",
        help="augmented copies of each training clip to learn as well (default: 0)",
    )
    add(
        "--recipe",
        metavar="CONFIG",
        help="with --augment: recipe whose augmentation is used (default: recommended settings)",
    )
    add(
        "--train-on-dev",
        action="store_true",
        help="learn from dev, too, once the options are tuned on it",
    )
    add("--no-spans", action="store_true", help="do not use the spans of the signs in train")
    parser.add_turn()
    parser.add_seed()
    return parser


def _baseline(options: argparse.Namespace) -> "Baseline":
    from slr_keras.baselines import BagBaseline, DtwBaseline, SvmBaseline
    from slr_keras.config import load_config

    if options.recipe and not options.augment:
        raise UserError("--recipe gives the augmentation of copies; add --augment N")
    shared = {
        "per_gloss": options.templates,
        "stride": options.stride,
        "use_spans": not options.no_spans,
        "seed": options.seed,
        "mirror": options.mirror,
        "copies": options.augment,
        "train_on_dev": options.train_on_dev,
        "augmentation": load_config(options.recipe).augmentation if options.recipe else None,
    }
    if options.method == "dtw":
        return DtwBaseline(metric=options.metric, **shared)
    if options.method == "svm":
        return SvmBaseline(**shared)
    return BagBaseline(hidden=options.hidden, **shared)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    own = {"dtw": {"metric": options.metric}, "bag": {"hidden": options.hidden}}
    return {
        **own.get(options.method, {}),
        "templates": options.templates if options.templates is not None else "default",
        "stride": options.stride,
        "spans": not options.no_spans,
        "mirroring": options.mirror,
        **({"augment": options.augment} if options.augment else {}),
        **({"train_on_dev": True} if options.train_on_dev else {}),
        **({"recipe": options.recipe} if options.recipe else {}),
    }


if __name__ == "__main__":
    run(main)
