"""Teach signs of your own from a few recordings each, without training.

The recordings become an enrolment file, which predict, stream and evaluate read like a model. What
shows none of its signs is answered with <unknown>.
"""

import argparse
import json
import sys

from slr_keras.utils.command import CommandParser, command_parser, print_first, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import between, positive

LISTED = 10
EXAMPLE = """\
inputs: a folder with a folder for each sign (recordings/hello/1.mp4), a table (.csv) with the
columns file and sign, a data folder or a manifest (.jsonl) of single signs, and enrolment files
(.slr), whose signs are merged. A recording is a clip of keypoints (.npy, .npz or .pose) or a video,
in which MediaPipe finds the points. It shows one sign, and little before and after it.

An enrolment file that is there keeps its signs, and gets the new ones; --replace begins anew. Three
to five recordings of each sign are best, by the person who will sign. Two signs that are too alike
and recordings that the others do not confirm are named. A recording that cannot be read or shows no
hand is passed over and reported at the end; the exit code is then 2.

examples:
  slr enrol recordings --to my_signs.slr
  slr enrol recordings.csv --to my_signs.slr --cache keypoints
  slr enrol --camera hello --to my_signs.slr --keep recordings
  slr enrol my_signs.slr --list
  slr enrol my_signs.slr --rename hello good-day
  slr enrol my_signs.slr --remove good-day
  slr enrol mine.slr yours.slr --to ours.slr
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 2 if a recording was passed over."""
    options = build_parser().parse_args(arguments)
    _check(options)
    if options.list:
        return _list(options)
    if options.remove or options.rename:
        return _edit(options)
    from slr_keras.data.layout import layout
    from slr_keras.enrolment.changes import Workplace
    from slr_keras.enrolment.recording import read_takes
    from slr_keras.enrolment.recordings import find_recordings
    from slr_keras.enrolment.storage import is_enrolment
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.utils.failures import Failures
    from slr_keras.utils.progress import clip_bar

    merged = [name for name in options.inputs if is_enrolment(name)]
    place = Workplace.opened(options.to, merged, options.encoder, options.replace)
    if options.camera:
        return _camera(place, options)
    named = layout(options.layout) if options.layout else None
    overrides = Overrides(named, options.fps, options.image_size, options.cache)
    failures = Failures("recording")
    others = [name for name in options.inputs if not is_enrolment(name)]
    found = find_recordings(others, place.encoder.contract, options.split, overrides, failures)
    with clip_bar(len(found), "enrolling") as advance:
        takes, notices = read_takes(found, place.encoder, overrides, failures, advance)
    print_first([f"notice: {notice}" for notice in notices], LISTED)
    if not takes and not place.before:
        failures.report("")
        raise UserError(f"no recording of {len(found)} can be enrolled; nothing was written")
    enrolment = place.with_takes(takes)
    if repeated := place.repeated(takes, enrolment):
        print(f"notice: {repeated} recordings were enrolled already", file=sys.stderr)
    _write(enrolment, options)
    return failures.report(f"{failures.summary()} and passed over")


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.enrol", __doc__, EXAMPLE)
    add = parser.add_argument
    add("inputs", nargs="*", metavar="INPUT", help="recordings or enrolment files, see below")
    add("--to", metavar="FILE", help="enrolment file to write, such as my_signs.slr")
    add("--replace", action="store_true", help="drop the signs of an older FILE")
    add("--list", action="store_true", help="list the signs of an enrolment file")
    add("--remove", nargs="+", metavar="SIGN", help="remove signs from an enrolment file")
    add("--rename", nargs=2, metavar=("SIGN", "NEW"), help="rename a sign of an enrolment file")
    add("--camera", metavar="SIGN", help="record takes of this sign, after a count-down")
    add(
        "--source",
        default="0",
        metavar="N|FILE",
        help="with --camera: number of the camera, or a file that is read like one (default: 0)",
    )
    add(
        "--takes",
        type=positive,
        default=3,
        metavar="N",
        help="with --camera: number of takes (default: 3)",
    )
    for name, least, default, text in (
        ("--countdown", 0, 3.0, "seconds before each take"),
        ("--seconds", 0.5, 2.5, "length of a take"),
    ):
        add(
            name,
            type=between(least, 60, "seconds"),
            default=default,
            metavar="S",
            help=f"with --camera: {text} (default: {default:g})",
        )
    add("--keep", metavar="FOLDER", help="with --camera: also write the points of the takes here")
    add("--encoder", metavar="NAME", help="encoder of the signs (default: that of the files)")
    parser.add_argument("--split", default="train", help="split of a data folder (default: train)")
    parser.add_points()
    parser.add_image_size()
    add("--cache", metavar="FOLDER", help="store the keypoints found in videos here")
    parser.add_json("the table of the signs")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    actions = [name for name in ("list", "remove", "rename", "camera") if getattr(options, name)]
    if len(actions) > 1:
        raise UserError(f"--{actions[0]} and --{actions[1]} do not go together; give one of them")
    if options.camera:
        if options.inputs:
            raise UserError("--camera records the sign; name no INPUT (a file is --source FILE)")
    elif options.keep:
        raise UserError("--keep goes with --camera")
    elif actions and len(options.inputs) != 1:
        raise UserError(f"--{actions[0]}: name one enrolment file")
    elif not options.inputs:
        raise UserError("name recordings, or a sign to record with --camera; see --help")
    if not options.to and not options.list and not (options.remove or options.rename):
        raise UserError("name the enrolment file to write, such as --to my_signs.slr")


def _list(options: argparse.Namespace) -> int:
    from slr_keras.enrolment.storage import read_enrolment

    _show(read_enrolment(options.inputs[0]), options.inputs[0], options)
    return 0


def _edit(options: argparse.Namespace) -> int:
    from slr_keras.enrolment.changes import removed, renamed

    (file,) = options.inputs
    options.to = options.to or file
    if options.remove:
        enrolment = removed(file, options.remove, options.encoder)
    else:
        enrolment = renamed(file, *options.rename)
    _write(enrolment, options)
    return 0


def _camera(place: object, options: argparse.Namespace) -> int:
    from slr_keras.streaming.session import record_sign

    _write(place.with_takes(record_sign(place.encoder, options)), options)
    return 0


def _write(enrolment: object, options: argparse.Namespace) -> None:
    from slr_keras.enrolment.storage import write_enrolment

    write_enrolment(options.to, enrolment)
    _show(enrolment, options.to, options)


def _show(enrolment: object, path: str, options: argparse.Namespace) -> None:
    from slr_keras.enrolment.report import facts, table, warnings

    print_first([f"notice: {text}" for text in warnings(enrolment)], LISTED)
    if options.json:
        print(json.dumps(facts(enrolment), indent=2, ensure_ascii=False))
    else:
        print(table(enrolment, path))
    sys.stdout.flush()


if __name__ == "__main__":
    run(main)
