"""Export a trained keypoint run as a TFLite bundle, checked against the Keras model."""

import argparse
import sys
from pathlib import Path

from export.lite.options import add_calibration, add_files, add_streaming
from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import fraction, positive

EXAMPLE = """\
The bundle is a folder: a .tflite file for each precision and number of frames, metadata.json,
keypoints.json, labels.txt, golden inputs and outputs (simulated signing, no person's recording),
and a model card. A file takes raw landmarks (1, frames, points, channels), with NaN or zeros for
missing points, and the number of frames without padding; it gives log-probabilities, which the app
decodes.

The bundle is written only if every file uses built-in operations alone, runs in every installed
runtime (ai-edge-litert; tflite-runtime 2.14 for old devices; tensorflow-cpu==2.16.1 where
SLR_TENSORFLOW_2_16 names the Python of an environment that has it), equals Keras in fp32, and
increases the word error rate on the dev split by no more than --limit allows.

examples:
  slr tflite runs/demo
  slr tflite runs/demo --precision fp32 dynamic --frames 128 --to demo.tflite
  slr tflite runs/demo --precision int8 --limit int8=2 --clips 50
  slr tflite runs/demo --streaming
  slr predict runs/demo/tflite clip.npy --precision dynamic
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    from export.lite.build import build
    from export.lite.plan import BundlePlan
    from export.lite.verification import WER_LIMITS, precisions_of

    plan = BundlePlan(
        precisions=tuple(dict.fromkeys(options.precision)),
        buckets=tuple(sorted(set(options.frames))),
        head=options.head,
        verified=not options.no_verify,
        wer_limits={**WER_LIMITS, **dict(precisions_of(options.limit))},
        parity_limit=options.parity,
        clips=options.clips,
        calibration_clips=options.calibration_clips,
        repeats=0 if options.no_latency else options.repeats,
        data=options.data,
        streaming=options.streaming,
    )
    to = Path(options.to) if options.to else Path(options.run) / "tflite"
    written = build(options.run, plan, to, report=lambda text: print(text, file=sys.stderr))
    print(written)
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.tflite", __doc__, EXAMPLE)
    add = parser.add_argument
    add("run", metavar="RUN", help="run folder that `fit` made")
    add_files(parser, ("dynamic", "fp16", "fp32"), (64, 128, 256))
    add(
        "--head",
        choices=("fuse", "ensemble"),
        default="fuse",
        help="output: the fuse head alone, or the mean of the heads that the run decodes (default: "
        "fuse)",
    )
    add_streaming(parser)
    add("--to", metavar="DIR", help="folder of the bundle (default: RUN/tflite)")
    parser.add_data()
    add(
        "--clips",
        type=positive,
        metavar="N",
        help="verify on the first N dev clips (default: all)",
    )
    add_calibration(parser)
    add(
        "--limit",
        action="append",
        default=[],
        metavar="PRECISION=POINTS",
        help="largest allowed increase of the WER of a precision, in percentage points; may be "
        "repeated; those of eight bits are at least one gloss of the split (default: fp32=0.1 "
        "fp16=0.1 dynamic=0.3 int8=1.0)",
    )
    add(
        "--parity",
        type=fraction,
        default=1e-5,
        metavar="X",
        help="largest allowed relative error of fp32 (default: 1e-5)",
    )
    add(
        "--no-verify",
        action="store_true",
        help="skip the comparison with Keras; the bundle records this",
    )
    add(
        "--repeats",
        type=positive,
        default=30,
        metavar="N",
        help="runs per latency, whose median is reported (default: 30)",
    )
    add("--no-latency", action="store_true", help="do not measure latencies")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    for frames in options.frames:
        if frames % 4 or not 8 <= frames <= 4096:
            raise UserError(f"--frames {frames}: must be a multiple of 4 from 8 to 4096")
    if options.no_verify and (options.limit or options.clips):
        raise UserError("--limit and --clips belong to the verification that --no-verify skips")


if __name__ == "__main__":
    run(main)
