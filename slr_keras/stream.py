"""Recognise glosses while they are signed, from a file, a data folder or a pipe of landmarks.

With --report, accuracy, delay and cost of streaming are measured on a split, for each spatial
policy.
"""

import argparse
from typing import TYPE_CHECKING

from slr_keras.streaming.factory import NO_POLICY, OFFLINE, POLICIES
from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import count

if TYPE_CHECKING:
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.streaming.recogniser import StreamConfig

EXAMPLE = """\
sources: a clip of keypoints (.npy, .npz with the array `keypoints`, or .pose); a video or, with
--camera, the number of a camera (MediaPipe finds the points; name --layout
mediapipe_holistic_543 if the run has other points); a data folder (one of its samples, see
--sample); or - for standard input with one frame per line, in JSON:
  {"layout": "mediapipe_75", "fps": 30, "image_size": [1280, 720]}
  [[412.0, 88.5, 0.98], null, ...]
  {"time": 0.033, "points": [[412.0, 88.5, 0.98], null, ...]}
The first line is optional. A frame lists the points in the layout's order, null for a point that
was not detected, and may state its time in seconds. null or [] is a frame that shows nobody. A bad
line is reported and passed over; the exit code is then 2. A pause of over 59 s counts as 59 s.

output: on a terminal, one line that is rewritten while a sentence goes on; otherwise one line per
sentence. With --json, one line per event: "gloss" adds a gloss, "revise" removes the last `count`
glosses, "sentence" holds the whole sentence with seconds from the start of the stream, "error" says
which line was passed over. Ctrl-C ends the stream; frames that were read are still recognised.

Enrolled signs (`slr enrol`) are spotted in overlapping windows: one answer for one sign, and none
for rest and other signs. With --json, their "gloss" events have start, end and confidence.

examples:
  slr stream runs/demo clip.npy
  slr stream runs/demo data/demo --split test --sample 3 --json
  slr stream runs/demo data/demo --report --policy offline prefix ema windowed
  slr stream runs/demo 0 --camera --layout mediapipe_holistic_543
  detector | slr stream runs/demo - --policy ema
  slr stream my_signs.slr 0 --camera
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    from slr_keras.bundle.bundle import Bundle, is_bundle
    from slr_keras.bundle.named import model_path
    from slr_keras.enrolment.storage import is_enrolment

    options.run = model_path(options.run)
    if is_enrolment(options.run):
        return _with_signs(options)
    for option in ("accept", "encoder"):
        if getattr(options, option):
            raise UserError(f"--{option} goes with enrolled signs (.slr), not with {options.run}")
    if is_bundle(options.run):
        return _with_bundle(Bundle.load(options.run), options)
    from slr_keras.streaming.display import show_stream
    from slr_keras.streaming.engine import KerasEngine
    from slr_keras.streaming.loading import (
        policy_of,
        require_streamable,
        step_model_of,
        streaming_recogniser,
    )
    from slr_keras.streaming.opening import source_of
    from slr_keras.training.run import Run

    loaded = Run.load(options.run)
    require_streamable(loaded)
    config = _stream_config(options)
    if options.report:
        from slr_keras.streaming.report import report

        return report(loaded, options, config)
    policy = policy_of(loaded, (options.policy or [None])[0])
    source = source_of(loaded.contract, options)
    engine = KerasEngine(step_model_of(loaded, policy))
    return show_stream(streaming_recogniser(loaded, engine, config), source, options)


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.stream", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "run",
        metavar="RUN",
        help="run folder that `fit` made, bundle exported with --streaming, or enrolment file",
    )
    add("source", metavar="SOURCE", help="what to recognise, see below")
    add(
        "--policy",
        nargs="+",
        choices=(OFFLINE, *POLICIES, NO_POLICY),
        help="spatial attention: prefix averages over the frames so far, ema with exponential "
        "decay, windowed over a window; none for models without spatial attention; offline, over "
        "the whole clip, and several policies go with --report (default: the run's; prefix for a "
        "STARK trained on whole clips)",
    )
    parser.add_json()
    parser.add_split()
    add("--sample", metavar="ID|N", help="clip of a data folder, by id or number (default: 0)")
    waits = (
        ("--look-ahead", 4, "frames to wait for the end of a gap of missing points"),
        ("--stable", 8, "frames that a gloss must persist before it is printed"),
        ("--rest", 12, "frames at rest that end a sentence; 0: rest ends no sentence"),
    )
    for name, default, text in waits:
        add(name, type=count, default=default, metavar="N", help=f"{text} (default: {default})")
    parser.add_points()
    add(
        "--image-size",
        metavar="WxH",
        help="width and height of the video in the units of x and y, such as 1280x720 (default: "
        "the model's)",
    )
    add(
        "--camera",
        action="store_true",
        help="SOURCE is the number of a camera; MediaPipe finds the points",
    )
    add("--report", action="store_true", help="score a split of a data folder, for each policy")
    parser.add_limit("with --report: ")
    parser.add_enrolled()
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    policies = options.policy or []
    if not options.report and (len(policies) > 1 or OFFLINE in policies):
        raise UserError(
            f"--policy {' '.join(policies)}: a stream has one policy of {', '.join(POLICIES)}; "
            "offline, which reads whole clips, and several policies go with --report"
        )
    if options.limit and not options.report:
        raise UserError("--limit goes with --report")
    if options.camera and options.report:
        raise UserError("--report scores a data folder, not a camera")
    if options.report and options.source == "-":
        raise UserError("--report scores a data folder, not a pipe")


def _with_bundle(bundle: "Bundle", options: argparse.Namespace) -> int:
    from slr_keras.streaming.display import show_stream
    from slr_keras.streaming.engine import TfliteEngine
    from slr_keras.streaming.loading import streaming_recogniser
    from slr_keras.streaming.opening import source_of

    if options.report:
        raise UserError(f"{options.run}: --report scores runs; name the run that was exported")
    file = bundle.stream_file()
    about = bundle.metadata["streaming"]
    if options.policy and options.policy != [about["policy"]]:
        own = "" if about["policy"] == NO_POLICY else f" {about['policy']}"
        raise UserError(f"{options.run}: was exported with --streaming{own}; omit --policy")
    source = source_of(bundle.contract, options)
    with TfliteEngine(file, about) as engine:
        recogniser = streaming_recogniser(bundle, engine, _stream_config(options))
        return show_stream(recogniser, source, options)


def _with_signs(options: argparse.Namespace) -> int:
    from slr_keras.enrolment.model import EnrolledModel
    from slr_keras.streaming.display import show_stream
    from slr_keras.streaming.endpoint import RestConfig
    from slr_keras.streaming.opening import source_of
    from slr_keras.streaming.spotting import SpottingConfig, SpottingRecogniser

    for option in ("policy", "report"):
        if getattr(options, option):
            raise UserError(f"--{option}: does not go with enrolled signs; remove it")
    model = EnrolledModel.load(options.run, options.encoder, options.accept)
    config = SpottingConfig(rest=RestConfig(frames=options.rest))
    source = source_of(model.contract, options)
    return show_stream(SpottingRecogniser(model, config), source, options)


def _stream_config(options: argparse.Namespace) -> "StreamConfig":
    from slr_keras.streaming.endpoint import RestConfig
    from slr_keras.streaming.recogniser import StreamConfig

    return StreamConfig(options.look_ahead, options.stable, RestConfig(frames=options.rest))


if __name__ == "__main__":
    run(main)
