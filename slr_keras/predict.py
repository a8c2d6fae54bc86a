"""Recognise the glosses of videos or keypoint files, manifests or folders with a trained run."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import CommandParser, command_parser, print_first, run
from slr_keras.utils.option_values import positive

if TYPE_CHECKING:
    from slr_keras.recognition.recogniser import Recogniser
    from slr_keras.recognition.trained_model import TrainedModel

LISTED = 10

EXAMPLE = """\
inputs: clips of the run's modality, a manifest (.jsonl), a data folder, or a folder of clips.
For a run that reads keypoints, a clip is a .npy file, or a .npz file with the array `keypoints` and
optionally `fps` (frames x points x channels, as the run's keypoints.json says), or a .pose file;
NaN and infinite coordinates count as missing points. A clip may also be a video file, in which
MediaPipe finds the keypoints (it needs what `slr extract` needs; for many videos use that command,
which reads several in parallel). For a run that reads video, a clip is a video
file of any kind that FFmpeg reads, a folder of PNG or JPEG frames, or a .npy file of uint8 (frames
x height x width x 3); frames are resized and cropped as the run's frames.json says.

outputs: text is one line per clip, `id: GLOSS GLOSS`, with reference, errors and word error rate
where the manifest has glosses; json adds times and confidences. vtt and srt are subtitles (WebVTT,
SubRip) and eaf is a document of ELAN with the tiers gloss and confidence: one file per clip, so
that --to names a folder for several clips. --into adds both tiers to documents that exist; times
then count from the start of the document. Other times are seconds from the start of the clip.

MODEL may also be a bundle that `slr tflite` wrote: its files run in ai-edge-litert,
without TensorFlow, with the head that was exported. Or MODEL is a file of enrolled signs that
`slr enrol` wrote; a clip that shows none of them is <unknown>, and one of rest has no gloss.

A clip that cannot be recognised is reported after all other clips; the exit code is then 2. A text
file ends with a line `error: REASON` for each of them, json lists them under errors, and the other
formats have no file of them.

examples:
  slr predict clip.mp4
  slr predict asl-letters clip.mp4 --times
  slr predict runs/demo clip.npy --times
  slr predict runs/demo data/demo --split test --format json --to test.json
  slr predict runs/c2st clip.mp4 --format vtt --to clip.vtt
  slr predict runs/c2st clips --format eaf --to documents
  slr predict runs/c2st clip.mp4 --format eaf --into clip.eaf --tier guess
  slr predict runs/demo clip.mp4 --video annotated.mp4 --cache keypoints
  slr predict runs/demo/tflite clip.npy --precision dynamic
  slr predict my_signs.slr clip.mp4 --accept 0.02 --top 3
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.bundle.named import model_and_inputs

    options.run, options.inputs = model_and_inputs(options.inputs)
    from slr_keras.data.layout import layout
    from slr_keras.enrolment.opening import open_model, open_recogniser
    from slr_keras.recognition.annotated.films import Films
    from slr_keras.recognition.batches import recognise_clips
    from slr_keras.recognition.elan_into import chosen_writer
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.recognition.writers import reported
    from slr_keras.text.phoenix import CLEAN_UP
    from slr_keras.utils.progress import clip_bar

    trained = open_model(options.run, options.precision, options.accept, options.encoder)
    overrides = Overrides(
        layout(options.layout) if options.layout else None,
        options.fps,
        options.image_size,
        Path(options.cache) if options.cache else None,
    )
    clips = find_clips(options.inputs, trained.contract, options.split, overrides)
    clips = clips[: options.limit]
    # Mistakes are reported before the model is built, which takes seconds.
    write = chosen_writer(options, clips)
    films = Films(options.video, clips, trained.contract, overrides)
    with (
        open_recogniser(trained, options.head, options.precision, options.beam) as recogniser,
        clip_bar(len(clips), "recognising") as advance,
    ):
        results = films.drawn(recognise_clips(recogniser, films.clips, overrides, advance))
        about = _about(trained, recogniser, options)
        # The clean-up of `evaluate`, so that both commands give the same rate.
        predictions, failures = write(results, about, CLEAN_UP[trained.scoring])
    notices = [notice for prediction in predictions for notice in prediction.notices]
    print_first([f"notice: {notice}" for notice in notices], LISTED)
    return reported(failures)


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.predict", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "inputs",
        metavar="[MODEL] INPUT",
        nargs="+",
        help="MODEL: run folder that `fit` made, bundle, or preset (default: the preset asl-words; "
        "see `slr presets`). INPUT: what to recognise, see below",
    )
    parser.add_recognition()
    parser.add_image_size()
    add(
        "--cache",
        metavar="FOLDER",
        help="store the keypoints found in videos here and use them again (default: not stored)",
    )
    add(
        "--video",
        metavar="FILE",
        help="also write the clip as a video (.mp4) with its points and the signs; a folder for "
        "several clips",
    )
    add(
        "--into",
        metavar="FILE",
        help="with --format eaf: add the signs to this document of ELAN; a folder of <id>.eaf for "
        "several clips. Nothing else in it changes",
    )
    add("--tier", metavar="NAME", help="with --into: tier to add (default: slr_gloss)")
    add(
        "--head",
        default="ensemble",
        help="head whose outputs are decoded: ensemble, fuse, left, right or body; for C²ST chunk "
        "or video (default: ensemble)",
    )
    add(
        "--precision",
        metavar="P",
        help="precision of a bundle: fp32, fp16, dynamic or int8 (default: its first)",
    )
    add(
        "--top",
        type=positive,
        default=1,
        metavar="N",
        help="with --format text, for models of one sign a clip: print the N most probable signs, "
        "5 at most (default: 1)",
    )
    parser.add_enrolled()
    return parser


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


if __name__ == "__main__":
    run(main)
