"""Open the source of a stream: a file, a sample of a data folder, a camera or standard input."""

import argparse
import sys
from pathlib import Path

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import layout
from slr_keras.data.video.recordings import VIDEOS
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.modality.base import Overrides
from slr_keras.streaming.sources import ClipSource, DetectedSource, LandmarkSource, LineSource
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.option_values import image_size


def source_of(contract: KeypointContract, options: argparse.Namespace) -> LandmarkSource:
    """Open the source that the options of `slr stream` name.

    Args:
        contract: of the model.
        options: `source`, `camera`, `split`, `sample`, `layout`, `fps` and `image_size`.

    Raises:
        UserError: the image size is none, or as `open_source`.
    """
    try:
        size = image_size(options.image_size) if options.image_size else None
    except argparse.ArgumentTypeError as error:
        raise UserError(f"--image-size: {error}") from None
    named = layout(options.layout) if options.layout else None
    overrides = Overrides(named, options.fps, size)
    return open_source(
        options.source, contract, overrides, options.camera, options.split, options.sample
    )


def open_source(
    source: str,
    contract: KeypointContract,
    overrides: Overrides,
    camera: bool = False,
    split: str = "test",
    sample: str | None = None,
) -> LandmarkSource:
    """Open a source of landmarks.

    Args:
        source: path of a clip, a video or a data folder; "-" for standard input; the number of a
            camera.
        contract: of the model.
        overrides: layout, frame rate and image size that replace those of the source.
        camera: the source is the number of a camera.
        split: of a data folder.
        sample: id or number of a clip; None for the first.

    Raises:
        UserError: there is no such source or sample.
    """
    if source == "-":
        # The bytes, because text would read a line of any length as a whole.
        lines = getattr(sys.stdin, "buffer", sys.stdin)
        return LineSource(lines, contract, overrides, Failures("line"))
    if camera:
        if not source.isdecimal():
            raise UserError(f"--camera: SOURCE is then its number, such as 0; got {source}")
        return DetectedSource(int(source), contract, overrides)
    path = Path(source)
    if path.suffix.lower() in VIDEOS and path.is_file():
        return DetectedSource(path, contract, overrides)
    clips = find_clips([source], contract, split, overrides)
    wanted = sample or "0"
    chosen = next((clip for clip in clips if clip.id == wanted), None)
    if chosen is None and wanted.isdecimal() and int(wanted) < len(clips):
        chosen = clips[int(wanted)]
    if chosen is None:
        raise UserError(
            f"{source}: has no sample {wanted!r}; give an id or a number below {len(clips)}"
        )
    return ClipSource(chosen, contract, overrides)
