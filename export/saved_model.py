"""Export a trained run as a version that TensorFlow Serving loads, checked against Keras."""

import argparse
import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import between, count, fraction, positive

PRECISIONS = ("float32", "float16", "bfloat16")
EXAMPLE = """\
DEST is the model's folder; the version is DEST/N: saved_model.pb, variables/, labels.txt,
serving.json and the contract in assets/, warm-up requests in assets.extra/, and manifest.json with
the SHA-256 of every file. The version directory is renamed into place only after it is fully
written and verified; an existing version is never changed.

A client sends unprepared clips: keypoints of the run's layout, or frames of any size, raw or as
JPEG or PNG files, and the number of frames without padding. Signatures: serving_default and, for
video, serving_encoded give scores; serving_glosses gives greedily decoded glosses; serving_features
gives the input of the last layer; for C2ST, serving_context gives what the preceding glosses add to
the scores.

examples:
  slr saved_model runs/demo served/stark
  slr saved_model runs/c2st served/c2st --version 7 --precision bfloat16
  slr saved_model runs/ustm served/ustm --frames 64 128 256 400
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


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.saved_model", __doc__, EXAMPLE)
    add = parser.add_argument
    add("run", metavar="RUN", help="run folder that `fit` made")
    add("to", metavar="DEST", help="the model's folder, which holds its versions")
    add(
        "--version",
        type=count,
        metavar="N",
        help="number of the version (default: one more than the highest)",
    )
    add(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="precision of arithmetic on a GPU; float16 and bfloat16 are mixed with float32 "
        "(default: float32)",
    )
    add(
        "--frames",
        nargs="+",
        type=positive,
        metavar="T",
        help="lengths that clients pad clips to, in frames, with a warm-up request each (default: "
        "64 128 256 and the longest)",
    )
    add(
        "--longest",
        type=positive,
        metavar="T",
        help="largest number of frames per clip (default: data.max_frames)",
    )
    parser.add_data()
    add(
        "--clips",
        type=count,
        default=50,
        metavar="N",
        help="dev clips recognised with both models, where the data exist (default: 50)",
    )
    add(
        "--limit",
        type=between(0, 1000),
        metavar="POINTS",
        help="largest allowed increase of the WER on these clips, in percentage points (default: "
        "float32 0.1, float16 0.3, bfloat16 0.5)",
    )
    add(
        "--parity",
        type=fraction,
        metavar="X",
        help="largest allowed relative error of scores (default: float32 1e-5, float16 0.01, "
        "bfloat16 0.1)",
    )
    add(
        "--no-verify",
        action="store_true",
        help="skip the comparison with Keras; the version records this",
    )
    add("--no-warmup", action="store_true", help="write no warm-up requests")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if options.no_verify and (options.limit is not None or options.parity is not None):
        raise UserError("--limit and --parity belong to the verification that --no-verify skips")
    if options.longest and options.longest % 4:
        raise UserError(f"--longest {options.longest}: must be a multiple of 4")


def _on_the_processor() -> None:
    """Trace and compare on the CPU: a graph traced beside a GPU may hold kernels of that GPU."""
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        # TensorFlow has initialised its devices already, as in a test of several commands.
        return


if __name__ == "__main__":
    run(main)
