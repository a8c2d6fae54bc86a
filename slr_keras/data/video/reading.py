"""Reading a clip's pictures from a folder, a video file or an array, damaged ones included.

Pictures come one after another, and only those that are wanted are decoded, as far as the file
allows: a clip never lies in memory in its full size.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import cut, mapped
from slr_keras.data.sample import Sample
from slr_keras.data.video.opening import colour_converter, decoded, opened, upright
from slr_keras.data.video.windows import require_end, window_frames
from slr_keras.utils.errors import UserError

PICTURES = (".png", ".jpg", ".jpeg")
_DIGITS = re.compile(r"(\d+)")

Size = tuple[int, int]


def frames_of(
    sample: Sample,
    folder: Path,
    size: Size | None,
    open_files: dict[Path, np.ndarray],
    wanted: Sequence[int] | None = None,
) -> Iterator[np.ndarray]:
    """The pictures of a sample, in order.

    Args:
        sample: says where they lie, and how many there are.
        folder: the manifest's folder.
        size: (width, height) that they must have; None if only one size for all of the clip.
        open_files: arrays of many clips, kept mapped between calls; changed.
        wanted: numbers of the frames to give, ascending and each once; all if None.

    Yields:
        `(height, width, 3)` uint8, RGB; possibly read-only.

    Raises:
        UserError: a file is missing or damaged, has another size, or the number of frames is not
            the manifest's; names the file.
    """
    if not sample.video:
        raise UserError("the sample has no video, only keypoints")
    if sample.frames < 1:
        raise UserError("the clip has no frames; remove it from the manifest")
    path = folder / sample.video
    wanted = range(sample.frames) if wanted is None else wanted
    first = sample.video_start
    if path.suffix == ".npy":
        source = _array_frames(path, sample, open_files, wanted)
    elif path.is_dir():
        source = _folder_frames(path, sample.frames, first, size, wanted)
    elif first is None:
        source = _file_frames(path, sample.frames, wanted)
    else:
        source = window_frames(path, first, sample.frames, wanted)
    for where, frame in source:
        size = size or frame.shape[1::-1]
        _require_size(frame.shape[1::-1], size, where)
        yield frame


def picture_files(folder: Path) -> list[Path]:
    """The PNG and JPEG files of a folder by name, numbers in names by their value.

    Raises:
        UserError: the folder cannot be read or has none.
    """
    try:
        names = [entry for entry in folder.iterdir() if entry.suffix.lower() in PICTURES]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from error
    # Some systems leave "._a.png" beside "a.png".
    files = [path for path in names if not path.name.startswith(".")]
    if not files:
        raise UserError(f"{folder}: has no PNG or JPEG pictures; restore them or drop the clip")
    return sorted(files, key=lambda path: (_by_value(path.name), path.name))


def _by_value(name: str) -> list[str | tuple[int, str]]:
    # "frame9" before "frame10": not every program pads its numbers with zeros. Splitting at digits
    # puts text at even places and numbers at odd ones, so that like is compared with like.
    parts = _DIGITS.split(name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _folder_frames(
    folder: Path, frames: int, first: int | None, size: Size | None, wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    files = picture_files(folder)
    if first is None:
        require_count(len(files), frames, folder)
    else:
        require_end(len(files), first + frames, folder)
    for number in wanted:
        file = files[number + (first or 0)]
        yield file, read_picture(file, size)


def read_picture(path: Path, size: Size | None = None) -> np.ndarray:
    """A PNG or JPEG file as `(height, width, 3)` uint8, RGB, upright; grey and alpha converted.

    Args:
        path: the file.
        size: (width, height) that it must have, if any.

    Raises:
        UserError: it is missing, damaged, of another size, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if image.mode[0] in "IF":
                raise UserError(f"{path}: has more than 8 bits a channel; convert it to 8 bits")
            turned = ImageOps.exif_transpose(image)
            # Before decoding: a foreign picture may be huge.
            _require_size(turned.size, size or turned.size, path)
            return np.asarray(turned.convert("RGB"))
    except UserError:
        raise
    # Damaged pictures make the decoders raise nearly anything: OSError, SyntaxError, EOFError,
    # ValueError, struct.error, DecompressionBombError.
    except Exception as error:
        what = f"truncated, or not a picture ({error})"
        raise UserError(f"{path}: {what}; restore it or drop the clip") from error


def _array_frames(
    path: Path, sample: Sample, open_files: dict[Path, np.ndarray], wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    frames = video_array(path, sample, open_files)
    for number in wanted:
        yield path, frames[number]


def video_array(path: Path, sample: Sample, open_files: dict[Path, np.ndarray]) -> np.ndarray:
    """`(frames, height, width, 3)` uint8 of a sample in a `.npy` file, memory-mapped.

    Raises:
        UserError: the file is missing, damaged, or of another shape or type.
    """
    if sample.video_start is not None:
        sample = dataclasses.replace(sample, start=sample.video_start)
    array = mapped(path, sample, open_files)
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise UserError(
            f"{path}: has shape {array.shape} of {array.dtype}, but video means "
            "(frames, height, width, 3) of uint8"
        )
    return cut(array, sample, path)


def _file_frames(
    path: Path, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    chosen, count = set(wanted), 0
    converter = colour_converter()
    with opened(path) as container:
        for frame in decoded(container, path):
            if count in chosen:
                yield path, upright(frame, converter)
            count += 1
    # Known only at the end: what a container says of its length is often an estimate.
    require_count(count, frames, path)


def _require_size(found: Size, size: Size, path: Path) -> None:
    if tuple(found) != tuple(size):
        raise UserError(
            f"{path}: is {found[0]} x {found[1]} pixels instead of {size[0]} x {size[1]}; "
            "all pictures must have the size that frames.json says"
        )


def require_count(found: int, frames: int, path: Path) -> None:
    """Refuse a clip whose pictures are fewer or more than its manifest says.

    Raises:
        UserError: names the file and both numbers.
    """
    if found != frames:
        raise UserError(
            f"{path}: has {found} frames, but the manifest says {frames}; correct 'frames' or "
            "restore the missing ones"
        )
