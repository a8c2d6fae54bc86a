"""Recognise glosses while they are signed, from a file, a data folder or a pipe of landmarks.

With --report: what streaming costs on a split, by spatial policy.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import count, positive, run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from slr_keras.bundle.bundle import Bundle
    from slr_keras.data.contract import KeypointContract
    from slr_keras.streaming.recogniser import Event, StreamConfig, StreamingRecogniser

POLICIES = ("prefix", "ema", "windowed")
EXAMPLE = """\
sources: a clip of keypoints (.npy, .npz with the array `keypoints`, or .pose), a video or with
--camera a camera's number (MediaPipe finds the points: for a run of other points name --layout
mediapipe_holistic_543), a data folder (one of its samples, see --sample), or - for standard
input: one frame a line, in JSON, such as
  {"layout": "mediapipe_75", "fps": 30, "image_size": [1280, 720]}
  [[412.0, 88.5, 0.98], null, ...]
  {"time": 0.033, "points": [[412.0, 88.5, 0.98], null, ...]}
The first line may be missing; a frame is a point after the other in the layout's order, null where
it was not found, and may come with its seconds.

output: on a terminal one line that is rewritten while a sentence goes on; otherwise a line a
sentence, or with --json a line an event: "gloss" (one more), "revise" (the last `count` are taken
back), "sentence" (all of it, with seconds from the stream's start). Ctrl-C ends the stream, and
what was read of it is still recognised.

examples:
  python -m slr_keras.stream runs/demo clip.npy
  python -m slr_keras.stream runs/demo data/demo --split test --sample 3 --json
  python -m slr_keras.stream runs/demo data/demo --report --policy offline prefix ema windowed
  python -m slr_keras.stream runs/demo 0 --camera --layout mediapipe_holistic_543
  detector | python -m slr_keras.stream runs/demo - --policy ema
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    from slr_keras.bundle.bundle import Bundle, is_bundle

    if is_bundle(options.run):
        return _with_bundle(Bundle.load(options.run), options)
    from slr_keras.streaming.loading import (
        engine_of,
        policy_of,
        require_streamable,
        streaming_recogniser,
    )
    from slr_keras.training.run import Run

    loaded = Run.load(options.run)
    require_streamable(loaded)
    config = _stream_config(options)
    if options.report:
        from slr_keras.streaming.report import report

        return report(loaded, options, config)
    source = _source(loaded.contract, options)
    from slr_keras.streaming.model import with_policy

    policy = policy_of(loaded, (options.policy or [None])[0])
    engine = engine_of(loaded, with_policy(loaded.model(), policy))
    return _show(streaming_recogniser(loaded, engine, config), source, options)


def _with_bundle(bundle: "Bundle", options: argparse.Namespace) -> int:
    from slr_keras.streaming.engine import TfliteEngine
    from slr_keras.streaming.loading import streaming_recogniser

    if options.report:
        raise UserError(f"{options.run}: --report scores runs; name the run that was exported")
    file = bundle.stream_file()
    about = bundle.metadata["streaming"]
    if options.policy and options.policy != [about["policy"]]:
        raise UserError(
            f"{options.run}: was exported with --streaming {about['policy']}; leave --policy out"
        )
    source = _source(bundle.contract, options)
    with TfliteEngine(file, about) as engine:
        return _show(streaming_recogniser(bundle, engine, _stream_config(options)), source, options)


def _show(
    recogniser: "StreamingRecogniser",
    source: Iterable["np.ndarray"],
    options: argparse.Namespace,
) -> int:
    if not recogniser.ends_sentences and options.rest:
        notice = "the layout names no wrists and shoulders, so that rest ends no sentence"
        print(f"notice: {notice}", file=sys.stderr)
    fps = recogniser.contract.fps
    show = _Lines(fps) if options.json else _Text(sys.stdout.isatty())
    show(recogniser, recognised(recogniser, source))
    for notice in getattr(source, "notices", ()):
        print(f"notice: {notice}", file=sys.stderr)
    return 0


class Interrupt:
    """Ctrl-C as the wish to stop: it breaks off the wait for a frame, not the work on one.

    A second one is the usual Ctrl-C.
    """

    def __init__(self) -> None:
        self.came = self.waiting = False

    def __enter__(self) -> "Interrupt":
        self._before = signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def __call__(self, *signalled: object) -> None:
        again, self.came = self.came, True
        if self.waiting or again:
            raise KeyboardInterrupt

    def next(self, frames: Iterator["np.ndarray"]) -> "np.ndarray | None":
        """The next frame; None where there is none, or no more is wanted."""
        try:
            self.waiting = True
            return None if self.came else next(frames, None)
        except KeyboardInterrupt:
            return None
        finally:
            self.waiting = False


def recognised(
    recogniser: "StreamingRecogniser", source: Iterable["np.ndarray"]
) -> Iterator[list["Event"]]:
    """What is said after each frame; Ctrl-C ends the source and not the stream."""
    with Interrupt() as interrupt:
        frames = iter(source)
        while (frame := interrupt.next(frames)) is not None:
            yield recogniser.push(frame)
        yield recogniser.finish()


class _Lines:
    """An event a line, in JSON."""

    def __init__(self, fps: float):
        self.fps = fps

    def __call__(self, recogniser: "StreamingRecogniser", stream: Iterator[list["Event"]]) -> None:
        for events in stream:
            for event in events:
                value = event.to_json(self.fps)
                print(json.dumps(value, ensure_ascii=False), flush=True)


class _Text:
    """A line a sentence; on a terminal it grows, what is not sure yet dimmed."""

    def __init__(self, live: bool):
        self.live = live

    def __call__(self, recogniser: "StreamingRecogniser", stream: Iterator[list["Event"]]) -> None:
        shown = ""
        for events in stream:
            for event in events:
                if event.kind == "sentence" and event.glosses:
                    start = "\r\x1b[K" if self.live else ""
                    print(start + " ".join(event.glosses), flush=True)
                    shown = ""
            if self.live:
                line = self._line(recogniser)
                if line != shown:
                    print(f"\r\x1b[K{line}", end="", flush=True)
                    shown = line

    def _line(self, recogniser: "StreamingRecogniser") -> str:
        width = os.get_terminal_size().columns - 1
        said = " ".join(recogniser.said_now)[-width:]
        rest = " ".join(recogniser.tentative)[: max(width - len(said) - 1, 0)]
        return f"{said} \x1b[2m{rest}\x1b[0m" if rest else said


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.stream",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "run",
        metavar="RUN",
        help="run folder that `fit` made, or a bundle exported with --streaming",
    )
    add("source", metavar="SOURCE", help="what to recognise, see below")
    add(
        "--policy",
        nargs="+",
        choices=("offline", *POLICIES),
        help="spatial attention: the mean over the frames so far, one that fades, or that of a "
        "window (the run's; prefix if it was trained on whole clips). --report takes several",
    )
    add("--json", action="store_true", help="print JSON")
    add("--split", default="test", help="of a data folder (test)")
    add("--sample", metavar="ID|N", help="of a data folder (the first)")
    add("--look-ahead", type=count, default=4, metavar="N", help="frames a gap is waited for (4)")
    add("--stable", type=count, default=8, metavar="N", help="frames until a gloss is said (8)")
    rest = "frames at rest that end a sentence; 0: none does (12)"
    add("--rest", type=count, default=12, metavar="N", help=rest)
    add("--layout", metavar="NAME", help="layout of the points, if it is not the run's (stark_79)")
    add("--fps", type=float, metavar="F", help="frames per second, against what the files say")
    add("--image-size", metavar="WxH", help="size of the video in the units of x and y (1280x720)")
    add(
        "--camera",
        action="store_true",
        help="SOURCE is a camera's number; MediaPipe finds the points",
    )
    add("--report", action="store_true", help="score a split of a data folder, by policy")
    add("--limit", type=positive, metavar="N", help="with --report: the first N clips only")
    return parser


def _check(options: argparse.Namespace) -> None:
    policies = options.policy or []
    if not options.report and (len(policies) > 1 or "offline" in policies):
        raise UserError(
            f"--policy {' '.join(policies)}: a stream has one policy out of {', '.join(POLICIES)}; "
            "offline, which sees whole clips, and several go with --report"
        )
    if options.limit and not options.report:
        raise UserError("--limit goes with --report")
    if options.camera and options.report:
        raise UserError("--report scores a data folder, not a camera")
    if options.report and options.source == "-":
        raise UserError("--report scores a data folder, not a pipe")


def _stream_config(options: argparse.Namespace) -> "StreamConfig":
    from slr_keras.streaming.endpoint import RestConfig
    from slr_keras.streaming.recogniser import StreamConfig

    return StreamConfig(options.look_ahead, options.stable, RestConfig(frames=options.rest))


def _source(contract: "KeypointContract", options: argparse.Namespace) -> Iterable["np.ndarray"]:
    from slr_keras.data.layout import layout
    from slr_keras.data.video.recordings import VIDEOS
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.streaming.sources import ClipSource, DetectedSource, LineSource
    from slr_keras.utils.command import image_size

    try:
        size = image_size(options.image_size) if options.image_size else None
    except argparse.ArgumentTypeError as error:
        raise UserError(f"--image-size: {error}") from None
    named = layout(options.layout) if options.layout else None
    overrides = Overrides(named, options.fps, size)
    if options.source == "-":
        return LineSource(sys.stdin, contract, overrides)
    if options.camera:
        if not options.source.isdecimal():
            raise UserError(f"--camera: SOURCE is then its number, such as 0; got {options.source}")
        return DetectedSource(int(options.source), contract, overrides)
    path = Path(options.source)
    if path.suffix.lower() in VIDEOS and path.is_file():
        return DetectedSource(path, contract, overrides)
    clips = find_clips([options.source], contract, options.split, overrides)
    wanted = options.sample or "0"
    found = [clip for clip in clips if clip.id == wanted]
    if not found and wanted.isdecimal() and int(wanted) < len(clips):
        found = [clips[int(wanted)]]
    if not found:
        raise UserError(
            f"{options.source}: has no sample {wanted!r}; give an id or a number below {len(clips)}"
        )
    return ClipSource(found[0], contract, overrides)


if __name__ == "__main__":
    run(main)
