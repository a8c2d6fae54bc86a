"""A recording session of `slr enrol --camera`: the source, the texts and the questions."""

import argparse
import sys
from pathlib import Path

from slr_keras.data.layout import layout
from slr_keras.enrolment.encoding import Encoder
from slr_keras.enrolment.names import sign_name
from slr_keras.enrolment.recording import Take
from slr_keras.recognition.modality.base import Overrides
from slr_keras.streaming.opening import open_source
from slr_keras.streaming.preview import Preview
from slr_keras.streaming.sources import LandmarkSource
from slr_keras.streaming.takes import AGAIN, KEEP, STOP, TakeConfig, TakeRecorder, keep_takes
from slr_keras.utils.errors import UserError

_ANSWERS = {"": KEEP, "k": KEEP, "y": KEEP, "a": AGAIN, "n": AGAIN, "q": STOP}


def record_sign(encoder: Encoder, options: argparse.Namespace) -> list[Take]:
    """Record takes of a sign.

    Args:
        encoder: whose contract the frames have.
        options: of `slr enrol`: `camera` (the sign), `source`, `takes`, `countdown`, `seconds`,
            `keep`, `layout`, `fps`, `image_size` and `split`.

    Raises:
        UserError: the source cannot be read, or no take was kept.
    """
    sign = sign_name(options.camera, "--camera")
    live = options.source.isdecimal() and not Path(options.source).exists()
    named = layout(options.layout) if options.layout else None
    overrides = Overrides(named, options.fps, options.image_size)

    def opened() -> LandmarkSource:
        return open_source(options.source, encoder.contract, overrides, live, options.split)

    preview = Preview.opened(encoder.contract)
    config = TakeConfig(options.takes, options.countdown, options.seconds)
    recorder = TakeRecorder(sign, encoder, config, _say, _ask if _can_ask() else _keep, preview)
    try:
        takes = recorder.record(opened, live)
    finally:
        if preview is not None:
            preview.close()
    if not takes:
        raise UserError(f"no take of {sign} was recorded; nothing was written")
    if len(takes) < config.takes:
        _say(f"{len(takes)} of {config.takes} takes of {sign} were recorded")
    if options.keep:
        keep_takes(takes, Path(options.keep), encoder.contract)
    return [take for take, _ in takes]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _keep(number: int) -> str:
    """Without a terminal, nobody answers."""
    return KEEP


def _ask(number: int) -> str:
    """Ask until the answer is one."""
    while True:
        print(f"take {number}: Enter keeps it, a: again, q: stop ", end="", file=sys.stderr)
        try:
            answer = input().strip().lower()[:1]
        except EOFError:
            return KEEP
        if answer in _ANSWERS:
            return _ANSWERS[answer]
