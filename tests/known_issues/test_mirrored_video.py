"""A front camera's video was turned by half a turn instead of mirrored.

Players follow the display matrix of a file, which may mirror pictures. Readers took the angle alone
from it, which is 180 degrees for a mirror image.
"""

import hashlib
import struct
from fractions import Fraction
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.flow_files import source_digest
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.viewing import open_sample
from slr_keras.utils.files import sha256

av = pytest.importorskip("av")

IDENTITY = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
MATRICES = [
    *((1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1)),
    *((0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0)),
]


def corners() -> np.ndarray:
    """A picture `(32, 64, 3)` whose quarters differ."""
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:16, :32], picture[:16, 32:], picture[16:, :32] = 60, 120, 180
    return picture


def shown_by(matrix) -> np.ndarray:
    """Grey levels `(2, 2)` of the quarters as the matrix maps their places."""
    a, b, c, d = matrix
    stored, shown = np.array([[60, 120], [180, 0]]), np.zeros((2, 2), int)
    for q in range(2):
        for p in range(2):
            x, y = a * p + c * q, b * p + d * q
            # A negative coefficient counts from the other end.
            x, y = x + (a + c < 0), y + (b + d < 0)
            shown[y, x] = stored[q, p]
    return shown


def levels(picture) -> np.ndarray:
    height, width = picture.shape[:2]
    places = np.ix_((height // 4, 3 * height // 4), (width // 4, 3 * width // 4))
    return picture[..., 0][places].astype(int)


def film(path, matrix):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for _ in range(150):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(corners(), "rgb24")))
        container.mux(stream.encode())
    data = path.read_bytes()
    place = data.index(IDENTITY, data.index(b"tkhd"))
    a, b, c, d = (value << 16 for value in matrix)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:place] + turned + data[place + 36 :])
    return path


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_reader_shows_pictures_as_the_display_matrix_says(tmp_path, matrix):
    path = film(tmp_path / "a.mp4", matrix)
    right, upright = shown_by(matrix), (64, 32) if matrix[0] else (32, 64)
    places = {"whole": None, "near": 3, "sought": 130}
    samples = [
        Sample(name, ("RAIN",), 150 if first is None else 5, video="a.mp4", video_start=first)
        for name, first in places.items()
    ]
    write_manifest(tmp_path / "train.jsonl", samples)
    FrameContract(upright).write(tmp_path / "frames.json")
    train = read_folder(tmp_path)["train"]
    drawn = open_sample(path).drawing(upright[1]).pictures[0]
    pictures = [
        next(shown_in(path, 25.0)).frame,
        next(shown_in(path, 25.0, given=25.0)).frame,
        drawn,
        *(train.load_video(row)[-1] for row in range(3)),
    ]
    for picture in pictures:
        assert picture.shape == (*upright[::-1], 3)
        assert np.abs(levels(picture) - right).max() < 12


@pytest.mark.parametrize("value", range(1, 9))
def test_pictures_in_a_video_follow_their_exif_orientation(tmp_path, value):
    exif, file = Image.Exif(), BytesIO()
    exif[0x0112] = value
    Image.fromarray(corners()).save(file, "JPEG", exif=exif, quality=95)
    right = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuvj420p"
        container.start_encoding()
        packet = av.Packet(file.getvalue())
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.time_base, packet.is_keyframe = Fraction(1, 25), True
        container.mux(packet)
    (one,) = shown_in(tmp_path / "a.avi", 25.0)
    assert one.frame.shape == right.shape
    assert np.abs(levels(one.frame) - levels(right)).max() < 12


@pytest.mark.parametrize("matrix", MATRICES)
def test_flow_and_keypoints_of_mirrored_video_are_made_again(tmp_path, matrix):
    path = film(tmp_path / "a.mp4", matrix)
    digest = source_digest(Sample("a", (), 150, video=path.name), tmp_path, {})
    # As earlier versions recorded the file, which only turned its pictures.
    earlier = hashlib.sha256(f"{sha256(path)} 0 150".encode()).hexdigest()
    a, b, c, d = matrix
    assert (digest == earlier) == (a * d - b * c == 1)
