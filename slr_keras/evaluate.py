"""Score a trained run: word error rate of the ensemble and of every head, with intervals."""

import argparse
import json
from typing import TYPE_CHECKING

from slr_keras.command import run
from slr_keras.errors import UserError

if TYPE_CHECKING:
    from slr_keras.data.manifest import Manifest
    from slr_keras.training.run import Run

EXAMPLE = """example:
  python -m slr_keras.evaluate runs/demo
  python -m slr_keras.evaluate runs/demo --split dev --set decoding.beam=10
  python -m slr_keras.evaluate runs/demo --drop-points 1

The ensemble is the reported result. Predictions and scores are written into the run.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parse(arguments)
    from slr_keras.training.run import Run

    loaded = Run.load(options.run)
    config = _overridden(loaded, options.set)
    split = options.split or config.data.test
    manifest = _manifest(loaded, split, options)

    from slr_keras.readout import make_readout
    from slr_keras.training.evaluation import Predictor
    from slr_keras.training.finish import score, write_scores
    from slr_keras.training.report import plain_table

    model = loaded.model()
    predictor = Predictor(model, readout=make_readout(model, config))
    with _bar(len(manifest), options.json) as tick:
        evaluation = score(loaded, predictor, manifest, config.decoding, tick)
    faults = {"drop_points": options.drop_points, "drop_hand": options.drop_hand}
    faults = {name: value for name, value in faults.items() if value}
    name = "_".join([split, *(f"{name}-{value:g}" for name, value in faults.items())])
    facts = {**faults, "seed": options.seed} if faults else {}
    predictions = write_scores(loaded, name, evaluation, config.decoding, **facts)
    if options.json:
        print(json.dumps({"split": split, **facts, "sets": evaluation.summary()}, indent=2))
    else:
        print(f"{manifest.path}, {len(manifest)} clips\n{plain_table(evaluation)}\n\n{predictions}")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.evaluate",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="run folder")
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
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args(arguments)


def _overridden(loaded: "Run", overrides: list[str]):
    from slr_keras.config import override

    for text in overrides:
        if not text.startswith("decoding."):
            raise UserError(
                f"--set {text}: only decoding.* can differ from the run's config here; "
                "other changes need another fit"
            )
    return override(loaded.config, overrides)


def _manifest(loaded: "Run", split: str, options: argparse.Namespace) -> "Manifest":
    import dataclasses

    from slr_keras.training.faults import FaultyManifest
    from slr_keras.training.task import read_split

    data = loaded.config.data
    if options.data:
        data = dataclasses.replace(data, folder=options.data)
    manifest = read_split(data, split)
    if not options.drop_points and not options.drop_hand:
        return manifest
    if loaded.modality != "keypoints":
        raise UserError(
            "--drop-points and --drop-hand take keypoints away, but the run "
            f"{loaded.path} sees video"
        )
    return FaultyManifest(manifest, options.drop_points, options.drop_hand, options.seed)


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
