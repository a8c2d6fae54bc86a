"""Read a clip's pictures from a folder, a video file or an array.

Pictures are read one after another, and as far as the format allows, only the wanted pictures are
decoded. A clip need not fit into memory.
"""

import dataclasses
import mmap
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import cut, mapped
from slr_keras.data.sample import Sample
from slr_keras.data.video.opening import Video
from slr_keras.data.video.scans import require_few_scans
from slr_keras.data.video.windows import require_end, window_frames
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded
from slr_keras.utils.limits import PIXELS, require_file
from slr_keras.utils.unicode import spelled

PICTURES = (".png", ".jpg", ".jpeg")
# What files named .png or .jpg hold; other formats of Pillow run further programs or libraries.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
# JPEG, and JPEG with further pictures.
_OF_SCANS = ("JPEG", "MPO")
# The EXIF tag of the orientation, and its values that exchange width and height.
_ORIENTATION, _TURNED = 0x0112, range(5, 9)
_DIGITS = re.compile(r"(\d+)")

Size = tuple[int, int]


def frames_of(
    sample: Sample,
    folder: Path,
    size: Size | None,
    open_files: dict[Path, np.ndarray],
    wanted: Sequence[int] | None = None,
) -> Iterator[np.ndarray]:
    """Yield the pictures of a sample, in order.

    Args:
        sample: sample with the path and the number of the pictures.
        folder: folder of the manifest.
        size: required (width, height); None: any size, but the same for all pictures.
        open_files: cache of memory-mapped arrays of many clips; updated.
        wanted: numbers of the frames, ascending and unique; None: all frames.

    Yields:
        `(height, width, 3)` uint8, RGB; possibly read-only.

    Raises:
        UserError: a file is missing or damaged, a picture has another size, or the number of frames
            differs from the manifest; names the file.
    """
    if not sample.video:
        raise UserError("the sample has no video, only keypoints")
    if sample.frames < 1:
        raise UserError("the clip has no frames; remove it from the manifest")
    path = spelled(folder / sample.video)
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
    """The PNG and JPEG files of a folder in natural order of their names.

    Raises:
        UserError: the folder cannot be read or has no such files.
    """
    try:
        names = [entry for entry in folder.iterdir() if entry.suffix.lower() in PICTURES]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from error
    # Some systems leave "._a.png" next to "a.png".
    files = [path for path in names if not path.name.startswith(".")]
    if not files:
        raise UserError(f"{folder}: has no PNG or JPEG pictures; restore them or drop the clip")
    return sorted(files, key=lambda path: (_by_value(path.name), path.name))


def _by_value(name: str) -> list[str | tuple[int, str]]:
    # "frame9" before "frame10", because not every program pads numbers with zeros. Splitting at
    # digits puts texts at even places and numbers at odd places, so that types match.
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
    """Read a PNG or JPEG file as `(height, width, 3)` uint8, RGB, upright; converts grey and alpha.

    Args:
        path: the file.
        size: required (width, height); None: any size.

    Raises:
        UserError: the file is missing or damaged, has another size, or has more than 8 bits per
            channel.
    """
    from PIL import Image, ImageOps

    require_file(path)
    with guarded(path, "truncated, or not a picture", "restore it or drop the clip"):
        try:
            image = Image.open(path, formats=_FORMATS)
        # Pillow's own limits are higher than that of `PIXELS`.
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PIXELS.exceeded("its pixels are many times", path) from None
        with image:
            # Checked before decoding, because a wrong picture may be huge.
            PIXELS.require(image.width * image.height, path)
            if image.format in _OF_SCANS:
                _require_few_scans(path)
            if image.mode[0] in "IF":
                raise UserError(f"{path}: has more than 8 bits per channel; convert it to 8 bits")
            turned = image.getexif().get(_ORIENTATION, 1) in _TURNED
            actual = image.size[::-1] if turned else image.size
            _require_size(actual, size or actual, path)
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _require_few_scans(path: Path) -> None:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        require_few_scans(data, path)


def _array_frames(
    path: Path, sample: Sample, open_files: dict[Path, np.ndarray], wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    frames = video_array(path, sample, open_files)
    for number in wanted:
        yield path, frames[number]


def video_array(path: Path, sample: Sample, open_files: dict[Path, np.ndarray]) -> np.ndarray:
    """Map a sample's `(frames, height, width, 3)` uint8 pictures in a `.npy` file into memory.

    Raises:
        UserError: the file is missing, damaged, or of another shape or type.
    """
    if sample.video_start is not None:
        sample = dataclasses.replace(sample, start=sample.video_start)
    array = mapped(path, sample, open_files)
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise UserError(
            f"{path}: has shape {array.shape} of {array.dtype}, but video must be "
            "(frames, height, width, 3) of uint8"
        )
    return cut(array, sample, path)


def _file_frames(
    path: Path, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    chosen, count = set(wanted), 0
    with Video(path) as video:
        for frame in video.frames():
            if count in chosen:
                yield path, video.upright(frame)
            count += 1
    # Checked at the end, because the length stated by a container is often an estimate.
    require_count(count, frames, path)


def _require_size(actual: Size, size: Size, path: Path) -> None:
    if tuple(actual) != tuple(size):
        raise UserError(
            f"{path}: is {actual[0]} x {actual[1]} pixels instead of {size[0]} x {size[1]}; "
            "all pictures must have the size given in frames.json"
        )


def require_count(actual: int, frames: int, path: Path) -> None:
    """Refuse a clip whose number of pictures differs from the manifest.

    Args:
        actual: number of pictures in the file or folder.
        frames: number of frames in the manifest.
        path: file or folder, for the message.

    Raises:
        UserError: the numbers differ; names the file and both numbers.
    """
    if actual != frames:
        raise UserError(
            f"{path}: has {actual} frames, but the manifest says {frames}; correct 'frames' or "
            "restore the missing ones"
        )
