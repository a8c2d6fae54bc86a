"""Score a trained run on a split, or compare two runs on the same sentences.

The score is the word error rate of the ensemble and of every head, with confidence intervals. With
--compare, a report states whether two runs differ, and where.
"""

import argparse
import json
from functools import partial

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.option_values import between, count

EXAMPLE = """\
The ensemble is the reported result. Predictions and scores are written into the run. A run that
recognises one sign per clip is scored by accuracy instead (top-1, 2 and 5, by clip and by class,
and for the groups of the data folder's groups.json); confusions and calibration are written in a
report. Clips without glosses are rest: their score is the number of false words a minute.

A bundle or a preset is scored as an app uses it: raw clips, the smallest file that holds the clip,
and windows for longer clips. Nothing is written into its folder. Clips that cannot be read are left
out of the scores and reported at the end; the exit code is then 2.

Enrolled signs (`slr enrol`) need --data: a data folder, or a folder with a folder for each sign and
one named - for rest. Scored are naming, wrong refusals, and what of other signs and rest is
accepted.

examples:
  slr evaluate runs/demo
  slr evaluate runs/demo --split dev --set decoding.beam=10
  slr evaluate runs/demo --turn 20
  slr evaluate runs/asl --split rest
  slr evaluate --compare runs/demo runs/longer --to comparison
  slr evaluate asl-words --data data/mine --precision int8
  slr evaluate my_signs.slr --data queries --accept 0.02
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    if options.compare:
        return _compare(options)
    from slr_keras.bundle.bundle import is_bundle
    from slr_keras.bundle.evaluating import evaluate_bundle
    from slr_keras.bundle.named import model_path
    from slr_keras.enrolment.evaluating import evaluate_enrolled
    from slr_keras.enrolment.storage import is_enrolment

    options.run = model_path(options.run)
    if is_enrolment(options.run):
        return evaluate_enrolled(options)
    for option in ("accept", "encoder"):
        if getattr(options, option):
            raise UserError(f"--{option} goes with enrolled signs (.slr), not with {options.run}")
    if is_bundle(options.run):
        return evaluate_bundle(options)
    if options.precision:
        raise UserError(f"--precision {options.precision}: {options.run} is no bundle")
    return _evaluate_run(options)


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.evaluate", __doc__, EXAMPLE)
    add = parser.add_argument
    add("run", metavar="RUN", nargs="?", help="run folder, bundle, preset or enrolment file")
    add(
        "--compare",
        metavar=("RUN_A", "RUN_B"),
        nargs=2,
        help="compare two run folders, each decoded as its recipe says",
    )
    add("--split", help="split to score (default: the recipe's test split)")
    parser.add_data()
    parser.add_overrides("decoding.KEY", "how the run decodes")
    add(
        "--drop-points",
        metavar="N",
        type=count,
        default=0,
        help="robustness: remove N random points from all frames of each clip (default: 0)",
    )
    add(
        "--drop-hand",
        metavar="FRACTION",
        type=between(0, 1),
        default=0.0,
        help="robustness: remove a whole hand from this fraction of the frames of each clip "
        "(default: 0)",
    )
    parser.add_turn()
    parser.add_seed("the choice of points and hands that are removed")
    add(
        "--scoring",
        metavar="RULES",
        help="clean-up rules of references and hypotheses (default: the recipe's data.scoring)",
    )
    add(
        "--to",
        metavar="FOLDER",
        help="with --compare: write report.md, comparison.json and alignment.png into this folder",
    )
    add(
        "--sample",
        metavar="ID|N",
        help="with --to: id or number of the clip in the picture (default: the most different)",
    )
    add("--precision", metavar="P", help="precision of a bundle (default: its first)")
    parser.add_enrolled()
    parser.add_json("a table")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if bool(options.run) == bool(options.compare):
        raise UserError("name one run to score it, or two with --compare RUN_A RUN_B")
    if options.compare:
        for name in ("set", "drop_points", "drop_hand", "turn"):
            if getattr(options, name):
                option = f"--{name.replace('_', '-')}"
                raise UserError(f"{option} goes with one run; --compare decodes as recipes say")
    elif options.to or options.sample:
        raise UserError("--to and --sample go with --compare")
    if options.sample and not options.to:
        raise UserError("--sample chooses the clip of the picture; add --to FOLDER")


def _evaluate_run(options: argparse.Namespace) -> int:
    from slr_keras.metrics.isolated.report import as_json
    from slr_keras.training import split_scoring as scoring
    from slr_keras.training.report import plain_table
    from slr_keras.training.score_output import print_scores
    from slr_keras.training.sign_files import score_signs
    from slr_keras.utils.progress import clip_bar

    loaded = scoring.load_run(options.run, options.scoring)
    config = scoring.override_decoding(loaded.config, options.set)
    split = options.split or config.data.test
    changes = scoring.ClipChanges(options.drop_points, options.drop_hand, options.seed)
    if loaded.modality != "keypoints" and (changes or options.turn):
        raise UserError(
            f"--drop-points, --drop-hand, --turn: need keypoints, but {loaded.path} reads video"
        )
    cases = scoring.open_cases(config.data, split, options.data, changes, options.turn)
    manifest = cases[0][1]
    failures = Failures()
    with clip_bar(len(cases) * len(manifest), "evaluating", hidden=options.json) as advance:
        evaluations, written = scoring.score_run(
            loaded, cases, config.decoding, split, advance, failures
        )
    cost = scoring.turn_cost(options.turn, evaluations)
    value = {"split": split, **changes.facts(), "sets": evaluations[0].summary()}
    if evaluations[0].signs:
        value["signs"] = as_json(score_signs(evaluations[0]))
    table = [f"{manifest.path}, {len(manifest)} clips", plain_table(evaluations[0])]
    return print_scores(options.json, value, table, cost, failures, written)


def _compare(options: argparse.Namespace) -> int:
    from slr_keras.comparison.report import as_json, plain_text, write_report
    from slr_keras.comparison.runs import compare_runs
    from slr_keras.training.split_scoring import load_run
    from slr_keras.utils.progress import clip_bar

    runs = [load_run(path, options.scoring) for path in options.compare]
    bar = partial(clip_bar, description="evaluating", hidden=options.json)
    comparison, sides = compare_runs(runs, options.split, options.data, options.sample, bar)
    written = write_report(options.to, comparison, sides, options.sample) if options.to else ""
    if options.json:
        print(json.dumps(as_json(comparison, sides), indent=2, ensure_ascii=False))
    else:
        print(plain_text(comparison, sides) + (f"\n\n{written}" if written else ""))
    return 0


if __name__ == "__main__":
    run(main)
