"""Recognise the glosses of videos or keypoint files with a served model."""

import argparse
import dataclasses
import sys
from pathlib import Path

from slr_keras.utils.command import (
    USER_MISTAKE,
    number,
    positive,
    run,
)
from slr_keras.utils.errors import UserError

_NUMBER = number(lambda value: 0 < value <= 3600, "a number above 0 and up to 3600")

EXAMPLE = """\
URL: http, https, grpc or grpcs ://HOST[:PORT]/MODEL, with /versions/N or /labels/L after it for one
version; the ports are 8501 for REST and 8500 for gRPC if it names none. It is TensorFlow Serving,
or `python -m export.serve`.

inputs: clips of what the model was trained on, a manifest (.jsonl), a data folder, or a folder of
clips, as for `python -m slr_keras.predict`. The server scores and the client decodes, so that it
needs the version's labels: --assets is the folder that `python -m export.saved_model` wrote, or a
copy of its N/assets. Clips longer than the model takes go as overlapping windows.

A server that is not there or has too much to do (UNAVAILABLE, 429, 503) is asked again, after
pauses that double. A clip that fails is reported at the end, and the exit code is then 2.

examples:
  python -m export.client grpc://127.0.0.1:8500/stark clip.npy --assets served/stark --times
  python -m export.client https://signs.example:8501/c2st/labels/canary clip.mp4 --assets assets \\
    --authority ca.pem --token-file token
  python -m export.client http://127.0.0.1:8501/stark --ready 60
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    from export.serving.client import Settings
    from export.serving.connect import connect
    from export.serving.guard import read_token

    settings = Settings(
        options.timeout,
        options.retries,
        token=read_token(options.token_file) if options.token_file else None,
        authority=Path(options.authority) if options.authority else None,
    )
    with connect(options.url, settings) as client:
        if options.ready is not None:
            client.wait_until_ready(options.ready)
        if not options.inputs:
            print(f"{options.url}: ready")
            return 0
        return _recognise(client, options)


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m export.client",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("url", metavar="URL", help="of the served model, see below")
    add("inputs", metavar="CLIP", nargs="*", help="what to recognise, see below")
    add("--assets", metavar="DIR", help="the model's folder, a version, or a copy of its assets")
    add("--ready", type=_NUMBER, metavar="S", help="wait up to S seconds until it answers")
    add("--format", choices=("text", "json", "vtt"), default="text", help="of the output (text)")
    add("--to", metavar="FILE", help="write there instead of to standard output")
    add("--times", action="store_true", help="text: a table of times and confidences, too")
    add("--split", default="test", help="of a data folder (test)")
    add("--limit", type=positive, metavar="N", help="recognise the first N clips only")
    add("--layout", metavar="NAME", help="layout of the points, if it is not the run's (stark_79)")
    add("--fps", type=_NUMBER, metavar="F", help="frames per second, against what the files say")
    add("--beam", type=positive, metavar="N", help="width of the beam search, against the run's")
    add("--timeout", type=_NUMBER, default=60.0, metavar="S", help="of a request (60)")
    add("--retries", type=int, choices=range(21), default=5, metavar="N", help="0 to 20 (5)")
    add("--token-file", metavar="FILE", help="holds the server's token")
    add("--authority", metavar="PEM", help="who signed the server's certificate (the system's)")
    return parser


def _recognise(client: object, options: argparse.Namespace) -> int:
    from export.serving.assets import Assets
    from export.serving.scorer import served_recogniser
    from slr_keras.data.layout import layout
    from slr_keras.recognition.batches import recognise_clips
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.recognition.writers import writer
    from slr_keras.text.phoenix import CLEAN_UP

    assets = Assets.load(options.assets, client.target.version)
    decoding = assets.decoding
    if options.beam is not None:
        if assets.output == "sign":
            raise UserError(f"--beam {options.beam}: the model names single signs; leave it out")
        decoding = dataclasses.replace(decoding, method="beam", beam=options.beam)
    recogniser = served_recogniser(client, assets, decoding)
    overrides = Overrides(layout(options.layout) if options.layout else None, options.fps)
    clips = find_clips(options.inputs, assets.contract, options.split, overrides)[: options.limit]
    write = writer(options.format, options.to, clips, options.times)
    about = {
        "served": options.url,
        "model": assets.model_name,
        "vocabulary": assets.vocabulary.digest,
        "contract": assets.contract.digest,
        "decoding": dataclasses.asdict(decoding),
    }
    results = recognise_clips(recogniser, clips, overrides)
    predictions, failures = write(results, about, CLEAN_UP[assets.scoring])
    for prediction in predictions:
        for notice in prediction.notices:
            print(f"notice: {notice}", file=sys.stderr)
    for failure in failures:
        print(f"error: {failure.message}", file=sys.stderr)
    return USER_MISTAKE if failures else 0


def _check(options: argparse.Namespace) -> None:
    if not options.inputs and options.ready is None:
        raise UserError("name clips to recognise, or --ready to wait for the server")
    if options.inputs and not options.assets:
        raise UserError(
            "--assets is missing: the model's folder, or a copy of a version's assets, which has "
            "the labels that a server does not hand out"
        )


if __name__ == "__main__":
    run(main)
