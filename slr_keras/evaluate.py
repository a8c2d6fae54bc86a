"""Score a trained run: word error rate of the ensemble and of every head, with intervals.

Or compare two runs on the same sentences (--compare): whether they differ, and where.
"""

import argparse
import json
from typing import TYPE_CHECKING

from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.config import Config, DataConfig
    from slr_keras.data.manifest import Manifest
    from slr_keras.training.run import Run

EXAMPLE = """example:
  python -m slr_keras.evaluate runs/demo
  python -m slr_keras.evaluate runs/demo --split dev --set decoding.beam=10
  python -m slr_keras.evaluate runs/demo --drop-points 1
  python -m slr_keras.evaluate --compare runs/demo runs/longer --to comparison
  python -m slr_keras.evaluate runs/demo/tflite --precision dynamic

The ensemble is the reported result. Predictions and scores are written into the run. A run that
names one sign a clip gets accuracies instead (top-1, 2 and 5, by clip and by class, and of the
groups of the data folder's groups.json), its confusions and calibration in a report of their own.

A bundle that `python -m export.tflite` wrote is scored as an app would use it: raw clips, the
smallest file that holds them, windows for longer ones. Nothing is written into it.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parse(arguments)
    if options.compare:
        return _compare(options)
    from slr_keras.bundle.bundle import is_bundle

    if is_bundle(options.run):
        return _evaluate_bundle(options)
    if options.precision:
        raise UserError(f"--precision {options.precision}: {options.run} is no bundle")
    loaded = _load(options.run, options.scoring)
    config = _overridden(loaded.config, options.set)
    split = options.split or config.data.test
    if loaded.modality != "keypoints" and _faults(options):
        raise UserError(
            "--drop-points and --drop-hand take keypoints away, but the run "
            f"{loaded.path} sees video"
        )
    manifest = _manifest(loaded.config.data, split, options)

    from slr_keras.metrics.isolated.report import as_json
    from slr_keras.training.evaluation import Predictor
    from slr_keras.training.finish import score, write_scores
    from slr_keras.training.model import make_decoder
    from slr_keras.training.provenance import provenance
    from slr_keras.training.report import plain_table
    from slr_keras.training.sign_files import score_signs

    made_of = provenance(loaded, manifest, config.decoding)
    model = loaded.model()
    predictor = Predictor(model, decoder=make_decoder(model, config))
    with _bar(len(manifest), options.json) as tick:
        evaluation = score(loaded, predictor, manifest, config.decoding, tick)
    facts = _faults(options)
    faults = {name: value for name, value in facts.items() if name != "seed"}
    name = "_".join([split, *(f"{name}-{value:g}" for name, value in faults.items())])
    predictions = write_scores(loaded, name, evaluation, config.decoding, made_of, **facts)
    if options.json:
        value = {"split": split, **facts, "sets": evaluation.summary()}
        if evaluation.signs:
            value["signs"] = as_json(score_signs(evaluation))
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        written = loaded.folder.sign_report(name) if evaluation.signs else predictions
        print(f"{manifest.path}, {len(manifest)} clips\n{plain_table(evaluation)}\n\n{written}")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.evaluate",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", nargs="?", help="run folder, or a bundle")
    parser.add_argument(
        "--compare",
        metavar=("RUN_A", "RUN_B"),
        nargs=2,
        help="two run folders, each decoded as its recipe says, instead of one",
    )
    parser.add_argument("--split", help="split to score (default: the recipe's test split)")
    parser.add_argument("--data", metavar="FOLDER", help="another data folder than the recipe's")
    parser.add_argument(
        "--set",
        metavar="decoding.KEY=VALUE",
        action="append",
        default=[],
        help="override how the run decodes; may be given several times",
    )
    parser.add_argument(
        "--drop-points",
        metavar="N",
        type=int,
        default=0,
        help="robustness: take N random points from each clip, throughout",
    )
    parser.add_argument(
        "--drop-hand",
        metavar="SHARE",
        type=float,
        default=0.0,
        help="robustness: take a whole hand from each clip for this share of its frames",
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is taken (0)")
    parser.add_argument(
        "--scoring", metavar="RULES", help="other clean-up rules than the recipe's data.scoring"
    )
    parser.add_argument(
        "--to",
        metavar="FOLDER",
        help="with --compare: write report.md, comparison.json and alignment.png there",
    )
    parser.add_argument(
        "--sample",
        metavar="ID|N",
        help="with --to: the clip in the picture, by id or number (the one that differs most)",
    )
    parser.add_argument("--precision", metavar="P", help="of a bundle (its first)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    _check(options)
    return options


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if bool(options.run) == bool(options.compare):
        raise UserError("name one run to score it, or two with --compare RUN_A RUN_B")
    if options.compare:
        given = {"--set": options.set, "--drop-points": options.drop_points}
        given["--drop-hand"] = options.drop_hand
        for name, value in given.items():
            if value:
                raise UserError(
                    f"{name} goes with one run; --compare decodes both as their recipes say"
                )
    elif options.to or options.sample:
        raise UserError("--to and --sample go with --compare")
    if options.sample and not options.to:
        raise UserError("--sample chooses the clip of the picture; say where with --to FOLDER")


def _load(path: str, scoring: str | None) -> "Run":
    import dataclasses

    from slr_keras.config import override
    from slr_keras.training.run import Run

    loaded = Run.load(path)
    if scoring:
        config = override(loaded.config, [f"data.scoring={scoring}"])
        loaded = dataclasses.replace(loaded, config=config)
    return loaded


def _evaluate_bundle(options: argparse.Namespace) -> int:
    import dataclasses

    from slr_keras.bundle.bundle import Bundle
    from slr_keras.bundle.scoring import recipe_of, score_bundle
    from slr_keras.training.report import plain_table

    bundle = Bundle.load(options.run)
    precision = bundle.chosen(options.precision)
    recipe = _overridden(recipe_of(bundle), options.set)
    if options.scoring:
        data = dataclasses.replace(recipe.data, scoring=options.scoring)
        recipe = dataclasses.replace(recipe, data=data)
    split = options.split or recipe.data.test
    manifest = _manifest(recipe.data, split, options)
    with _bar(len(manifest), options.json) as tick:
        evaluation = score_bundle(bundle, manifest, recipe, precision, tick)
    if options.json:
        value = {"split": split, "precision": precision, **_faults(options)}
        value["sets"] = evaluation.summary()
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(f"{manifest.path}, {len(manifest)} clips, {precision}\n{plain_table(evaluation)}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    from slr_keras.comparison import Comparison, recognise, require_comparable
    from slr_keras.comparison.recognised import open_split
    from slr_keras.comparison.report import as_json, plain_text, write_report

    runs = [_load(path, options.scoring) for path in options.compare]
    splits = {run.config.data.test for run in runs}
    if not options.split and len(splits) > 1:
        raise UserError(
            f"the runs' recipes name different test splits ({', '.join(sorted(splits))}); "
            "choose one with --split"
        )
    split = options.split or splits.pop()
    manifests = [open_split(run, split, options.data) for run in runs]
    require_comparable(runs, manifests)
    if options.sample:
        manifests[0].find(options.sample)
    sides = []
    for loaded, manifest in zip(runs, manifests):
        with _bar(len(manifest), options.json) as tick:
            sides.append(recognise(loaded, split, manifest, tick))
    comparison = Comparison.of(*sides)
    written = write_report(options.to, comparison, sides, options.sample) if options.to else ""
    if options.json:
        print(json.dumps(as_json(comparison, sides), indent=2, ensure_ascii=False))
    else:
        print(plain_text(comparison, sides) + (f"\n\n{written}" if written else ""))
    return 0


def _overridden(config: "Config", overrides: list[str]) -> "Config":
    from slr_keras.config import override

    for text in overrides:
        if not text.startswith("decoding."):
            raise UserError(
                f"--set {text}: only decoding.* can differ from the run's config here; "
                "other changes need another fit"
            )
    return override(config, overrides)


def _manifest(data: "DataConfig", split: str, options: argparse.Namespace) -> "Manifest":
    import dataclasses

    from slr_keras.data.robustness import FaultyManifest
    from slr_keras.training.data import read_split

    if options.data:
        data = dataclasses.replace(data, folder=options.data)
    manifest = read_split(data, split)
    if not _faults(options):
        return manifest
    return FaultyManifest(manifest, options.drop_points, options.drop_hand, options.seed)


def _faults(options: argparse.Namespace) -> dict[str, float]:
    """What is taken from the clips, and the seed of it; empty where nothing is."""
    faults = {"drop_points": options.drop_points, "drop_hand": options.drop_hand}
    faults = {name: value for name, value in faults.items() if value}
    return {**faults, "seed": options.seed} if faults else {}


def _bar(clips: int, quiet: bool):
    import contextlib
    import sys

    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()

    @contextlib.contextmanager
    def bar():
        with tqdm(total=clips, unit="clips", desc="evaluating", leave=False, disable=hidden) as it:
            yield it.update

    return bar()


if __name__ == "__main__":
    run(main)
