"""Export a trained run as a version that TensorFlow Serving loads, checked against Keras."""

import argparse
import sys
from pathlib import Path

from slr_keras.utils.command import (
    count,
    positive,
    run,
    share,
)
from slr_keras.utils.errors import UserError

PRECISIONS = ("float32", "float16", "bfloat16")
EXAMPLE = """\
DEST is the model's folder; the version is DEST/N: saved_model.pb, variables/, labels.txt,
serving.json and the contract in assets/, warm-up requests in assets.extra/, and manifest.json with
the SHA-256 of every file. It appears under its name when all of it is on the disk and has passed
the checks; a version that is there is never changed.

A client sends what it has: raw keypoints of the run's layout, or pictures of any size, raw or as
JPEG or PNG files, and how many frames are real. Signatures: serving_default and, of video,
serving_encoded give scores; serving_glosses greedily decoded glosses; serving_features what the
last layer sees; of C2ST serving_context what the glosses so far add to the scores.

examples:
  python -m export.saved_model runs/demo served/stark
  python -m export.saved_model runs/c2st served/c2st --version 7 --precision bfloat16
  python -m export.saved_model runs/ustm served/ustm --frames 64 128 256 400
  saved_model_cli show --dir served/stark/1 --tag_set serve --signature_def serving_default
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    _on_the_processor()
    from export.graph.build import build
    from export.graph.plan import VersionPlan

    plan = VersionPlan(
        version=options.version,
        precision=options.precision,
        buckets=tuple(options.frames) if options.frames else None,
        longest=options.longest,
        verified=not options.no_verify,
        parity=options.parity,
        limit=options.limit,
        clips=options.clips,
        data=options.data,
        warmup=not options.no_warmup,
    )
    to = Path(options.to)
    print(build(options.run, plan, to, report=lambda text: print(text, file=sys.stderr)))
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m export.saved_model",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="run folder that `fit` made")
    add("to", metavar="DEST", help="the model's folder, which holds its versions")
    add("--version", type=count, metavar="N", help="of the model (one more than the highest)")
    add(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="of arithmetic on a GPU: float32, or mixed with float16 or bfloat16 (float32)",
    )
    add(
        "--frames",
        nargs="+",
        type=positive,
        metavar="T",
        help="lengths that clients pad to, each warmed up (64 128 256 and the longest)",
    )
    add("--longest", type=positive, metavar="T", help="frames of a clip (data.max_frames)")
    add("--data", metavar="FOLDER", help="another data folder than the recipe's")
    add(
        "--clips",
        type=count,
        default=50,
        metavar="N",
        help="dev clips that are recognised with both, where the data is there (50)",
    )
    add(
        "--limit",
        type=float,
        metavar="POINTS",
        help="WER that may be lost on them (float32 0.1, float16 0.3, bfloat16 0.5)",
    )
    add(
        "--parity",
        type=share,
        help="largest relative error of scores (float32 1e-5, float16 0.01, bfloat16 0.1)",
    )
    add("--no-verify", action="store_true", help="skip the comparison with Keras, and say so")
    add("--no-warmup", action="store_true", help="write no warm-up requests")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if options.no_verify and (options.limit is not None or options.parity is not None):
        raise UserError("--limit and --parity are of the verification that --no-verify skips")
    if options.longest and options.longest % 4:
        raise UserError(f"--longest {options.longest}: must be a multiple of 4")


def _on_the_processor() -> None:
    """Trace and compare on the CPU: a graph traced beside a GPU may hold kernels of that GPU."""
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        # Devices are in use already, as in a test of several commands.
        return


if __name__ == "__main__":
    run(main)
