"""Recognise the glosses of videos or keypoint files, manifests or folders with a trained run."""

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import USER_MISTAKE, image_size, number, run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.recognition.recogniser import Recogniser
    from slr_keras.recognition.trained_model import TrainedModel

LISTED = 10
_RATE = number(lambda value: 1 <= value <= 1000, "a rate of 1 to 1000 frames per second")

EXAMPLE = """\
inputs: clips of what the run was trained on, a manifest (.jsonl), a data folder, or a folder of
clips. For a run that sees keypoints, a clip is a .npy, or .npz with the array `keypoints` and
perhaps `fps` (frames x points x channels, as the run's keypoints.json says), or a .pose file; NaN
and infinite coordinates count as missing points; or it is a video file, in which MediaPipe finds
the keypoints (pip install 'slr-keras[keypoints,video]'; for many videos use slr_keras.extract,
which reads several at a time). For a run that sees video, it is a video file of any kind that
FFmpeg reads, a folder of PNG or JPEG frames, or a .npy of uint8 (frames x height x width x 3);
pictures are resized and cut as the run's frames.json says.

outputs: text is one line a clip, `id: GLOSS GLOSS`, with reference, errors and word error rate
where the manifest has glosses; json adds times and confidences; vtt is one WebVTT file of
subtitles a clip, so for several clips --to names a folder. Times are seconds from the clip's start.

In place of a run, RUN may be a bundle that `python -m export.tflite` wrote: its files then run in
ai-edge-litert, without TensorFlow, with the head that was exported.

A clip that cannot be recognised is reported at the end, after all others were; the exit code is
then 2.

examples:
  python -m slr_keras.predict runs/demo clip.npy --times
  python -m slr_keras.predict runs/demo data/demo --split test --format json --to test.json
  python -m slr_keras.predict runs/c2st clip.mp4 --format vtt --to clip.vtt
  python -m slr_keras.predict runs/demo/tflite clip.npy --precision dynamic
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.data.layout import layout
    from slr_keras.recognition.batches import recognise_clips
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.recognition.writers import writer

    trained = _loaded(options)
    overrides = Overrides(
        layout(options.layout) if options.layout else None,
        options.fps,
        options.image_size,
        Path(options.cache) if options.cache else None,
    )
    clips = find_clips(options.inputs, trained.contract, options.split, overrides)
    clips = clips[: options.limit]
    # All that can be refused is refused before the model is made, which takes a while.
    write = writer(options.format, options.to, clips, options.times)
    with _recogniser(trained, options) as recogniser, _bar(len(clips), options) as tick:
        results = recognise_clips(recogniser, clips, overrides, tick)
        about = _about(trained, recogniser, options)
        predictions, failures = write(results, about, _clean(trained))
    _tell([f"notice: {notice}" for found in predictions for notice in found.notices])
    _tell([f"error: {failure.message}" for failure in failures])
    return USER_MISTAKE if failures else 0


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.predict",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="run folder that `fit` made, or a bundle")
    add("inputs", metavar="INPUT", nargs="+", help="what to recognise, see below")
    add("--format", choices=("text", "json", "vtt"), default="text", help="of the output (text)")
    add("--to", metavar="FILE", help="write there instead of to standard output")
    add("--times", action="store_true", help="text: a table of times and confidences, too")
    add("--split", default="test", help="of a data folder (test)")
    add("--limit", type=_whole, metavar="N", help="recognise the first N clips only")
    add("--layout", metavar="NAME", help="layout of the points, if it is not the run's (stark_79)")
    add("--fps", type=_RATE, metavar="F", help="frames per second, against what the files say")
    add(
        "--image-size",
        type=image_size,
        metavar="WxH",
        help="size of the video in the units of x and y, if it is not the run's (1280x720, 1x1)",
    )
    add(
        "--cache",
        metavar="FOLDER",
        help="keep the keypoints found in videos there, for the next time (kept nowhere)",
    )
    add("--beam", type=_whole, metavar="N", help="width of the beam search, against the run's")
    add(
        "--head",
        default="ensemble",
        help="whose scores to decode: ensemble, fuse, left, right, body; of C²ST chunk or video",
    )
    add("--precision", metavar="P", help="of a bundle: fp32, fp16, dynamic, int8 (its first)")
    return parser


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _loaded(options: argparse.Namespace) -> "TrainedModel":
    from slr_keras.bundle.bundle import Bundle, is_bundle

    if is_bundle(options.run):
        return Bundle.load(options.run)
    if options.precision:
        raise UserError(
            f"--precision {options.precision}: {options.run} is no bundle; `python -m "
            "export.tflite` makes one of a run"
        )
    from slr_keras.training.run import Run

    return Run.load(options.run)


def _recogniser(trained: "TrainedModel", options: argparse.Namespace) -> "Recogniser":
    """The recogniser of a run or a bundle, a context manager."""
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.decoding.outputs import ENSEMBLE
    from slr_keras.recognition.recogniser import Recogniser

    decoding = trained.decoding
    if options.beam is not None:
        if decoding.method == "single" or trained.output == "sign":
            raise UserError(
                f"--beam {options.beam}: {options.run} recognises single signs, without a beam; "
                "leave --beam out"
            )
        decoding = dataclasses.replace(decoding, method="beam", beam=options.beam)
    if isinstance(trained, Bundle):
        from slr_keras.bundle.scorer import bundle_recogniser

        trained.require_head(options.head)
        return bundle_recogniser(trained, options.precision, decoding)
    if options.head != ENSEMBLE:
        decoding = dataclasses.replace(decoding, heads=(options.head,))
    return Recogniser(trained, decoding)


def _about(
    trained: "TrainedModel",
    recogniser: "Recogniser",
    options: argparse.Namespace,
) -> dict[str, Any]:
    precision = getattr(recogniser.scorer, "precision", None)
    return {
        "run": options.run,
        **({"precision": precision} if precision else {}),
        "model": trained.model_name,
        "vocabulary": trained.vocabulary.digest,
        "contract": trained.contract.digest,
        "head": options.head,
        "decoding": dataclasses.asdict(recogniser.decoding),
    }


def _clean(trained: "TrainedModel") -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """The clean-up that `evaluate` applies before scoring, so that both give the same rate."""
    from slr_keras.text.phoenix import CLEAN_UP

    return CLEAN_UP[trained.scoring]


@contextlib.contextmanager
def _bar(clips: int, options: argparse.Namespace) -> Iterator[Callable[[int], None]]:
    from tqdm import tqdm

    # A bar among the lines of its own output would only disturb them.
    hidden = not sys.stderr.isatty() or (options.to is None and sys.stdout.isatty())
    with tqdm(
        total=clips, unit="clips", desc="recognising", leave=False, disable=hidden
    ) as progress:
        yield progress.update


def _tell(sentences: list[str]) -> None:
    for sentence in sentences[:LISTED]:
        print(sentence, file=sys.stderr)
    if len(sentences) > LISTED:
        print(f"... and {len(sentences) - LISTED} more of these", file=sys.stderr)


if __name__ == "__main__":
    run(main)
