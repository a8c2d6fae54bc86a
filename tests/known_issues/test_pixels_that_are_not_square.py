"""The display aspect ratio of a video was ignored: people in anamorphic video were stretched."""

from fractions import Fraction

import numpy as np
import pytest

from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.recordings import shown_in

av = pytest.importorskip("av")


def film(path, ratio):
    """A video of 64 x 48 stored pixels, white in the middle half."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[12:36, 16:48] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.bit_rate = 2_000_000
        stream.sample_aspect_ratio = ratio
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize(
    ("ratio", "width"), [(Fraction(1), 64), (Fraction(16, 11), 93), (Fraction(1, 2), 32)]
)
def test_pictures_have_square_pixels(tmp_path, suffix, ratio, width):
    path = film(tmp_path / f"a.{suffix}", ratio)
    write_manifest(tmp_path / "train.jsonl", [Sample("a", ("RAIN",), 5, video=path.name)])
    FrameContract((width, 48)).write(tmp_path / "frames.json")
    train = read_folder(tmp_path)["train"]
    for picture in (next(shown_in(path, 25.0)).frame, train.load_video(0)[0]):
        assert picture.shape == (48, width, 3)
        white = picture[24, :, 0] > 128
        assert white.sum() == pytest.approx(width / 2, abs=2)
