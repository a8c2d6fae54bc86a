"""Recognise the glosses of videos or keypoint files with a served model."""

import argparse
import dataclasses
import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import seconds

EXAMPLE = """\
URL: http, https, grpc or grpcs ://HOST[:PORT]/MODEL, followed by /versions/N or /labels/L for one
version. The default port is 8501 for REST and 8500 for gRPC. The server is TensorFlow Serving or
`slr serve`.

inputs: clips of the model's modality, a manifest (.jsonl), a data folder, or a folder of clips, as
for `slr predict`. The server scores and the client decodes, which needs the
version's labels: --assets is the folder that `slr saved_model` wrote, or a copy of
N/assets. Clips that are longer than the model accepts are sent as overlapping windows.

Requests that a server cannot answer (UNAVAILABLE, 429, 503) are repeated after pauses that double.
A clip that fails is reported at the end, and the exit code is then 2.

examples:
  slr client grpc://127.0.0.1:8500/stark clip.npy --assets served/stark --times
  slr client https://signs.example:8501/c2st/labels/canary clip.mp4 --assets assets \\
    --authority ca.pem --token-file token
  slr client http://127.0.0.1:8501/stark --ready 60
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


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.client", __doc__, EXAMPLE)
    add = parser.add_argument
    add("url", metavar="URL", help="address of the served model, see below")
    add("inputs", metavar="CLIP", nargs="*", help="what to recognise, see below")
    add("--assets", metavar="DIR", help="the model's folder, a version, or a copy of its assets")
    add(
        "--ready",
        type=seconds,
        metavar="S",
        help="wait up to S seconds until the model is available",
    )
    parser.add_recognition()
    add(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="S",
        help="seconds that a request may take (default: 60)",
    )
    add(
        "--retries",
        type=int,
        choices=range(21),
        default=5,
        metavar="N",
        help="number of times that a request is repeated, 0 to 20 (default: 5)",
    )
    add("--token-file", metavar="FILE", help="file with the server's token")
    add(
        "--authority",
        metavar="PEM",
        help="certificate of the authority that signed the server's (default: the system's)",
    )
    return parser


def _recognise(client: object, options: argparse.Namespace) -> int:
    from export.serving.assets import Assets
    from export.serving.scorer import served_recogniser
    from slr_keras.data.layout import layout
    from slr_keras.recognition.batches import recognise_clips
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.recognition.writers import reported, writer
    from slr_keras.text.phoenix import CLEAN_UP

    assets = Assets.load(options.assets, client.target.version)
    decoding = assets.decoding
    if options.beam is not None:
        if assets.output == "sign":
            raise UserError(
                f"--beam {options.beam}: the model recognises single signs; omit --beam"
            )
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
    return reported(failures)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if not options.inputs and options.ready is None:
        raise UserError("name clips to recognise, or --ready to wait for the server")
    if options.inputs and not options.assets:
        raise UserError(
            "--assets is missing: name the model's folder, or a copy of a version's assets, which "
            "has the labels that a server does not send"
        )


if __name__ == "__main__":
    run(main)
