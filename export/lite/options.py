"""Command-line options that every command with a TFLite bundle shares."""

from collections.abc import Sequence

from slr_keras.streaming.factory import OWN_POLICY, POLICIES
from slr_keras.utils.command import CommandParser
from slr_keras.utils.option_values import positive

PRECISIONS = ("fp32", "fp16", "dynamic", "int8")


def add_files(parser: CommandParser, precisions: Sequence[str], frames: Sequence[int]) -> None:
    """Add `--precision` and `--frames`, with their defaults."""
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=list(precisions),
        metavar="PRECISION",
        help="fp32, fp16, dynamic or int8; `predict` uses the first (default: "
        f"{' '.join(precisions)})",
    )
    parser.add_argument(
        "--frames",
        nargs="+",
        type=positive,
        default=list(frames),
        metavar="T",
        help="input lengths of the files, in frames; a clip uses the smallest file that holds it "
        f"(default: {' '.join(map(str, frames))})",
    )


def add_streaming(parser: CommandParser) -> None:
    """Add `--streaming`, with or without a policy of STARK's spatial attention."""
    parser.add_argument(
        "--streaming",
        nargs="?",
        choices=(*POLICIES, OWN_POLICY),
        const=OWN_POLICY,
        metavar="POLICY",
        help="also export a streaming form, a few frames per call; for STARK with this spatial "
        "attention: prefix, ema, windowed or own, which is the run's, or prefix for a run trained "
        "on whole clips (without POLICY: own)",
    )


def add_calibration(parser: CommandParser) -> None:
    """Add `--calibration-clips`."""
    parser.add_argument(
        "--calibration-clips",
        type=positive,
        default=100,
        metavar="N",
        help="int8: training clips that give the ranges of activations (default: 100)",
    )
