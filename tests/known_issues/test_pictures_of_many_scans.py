"""A JPEG of 41 kB took 6.5 s, and one of 1.6 MB would have taken hours: each scan costs a picture.

Scans of a progressive JPEG take 16 bytes, and a decoder goes over the whole picture for each. The
scans are now counted before anything is decoded.
"""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.video.reading import read_picture
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.video.scans import require_few_scans
from slr_keras.utils.errors import UserError


def picture(more: int, side: int = 48) -> bytes:
    """A progressive JPEG of ten scans and `more` repeated ones."""
    file = io.BytesIO()
    shades = np.arange(side * side * 3, dtype=np.uint8).reshape(side, side, 3)
    Image.fromarray(shades).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    return data[:-2] + more * data[data.rindex(b"\xff\xda") : -2] + data[-2:]


def test_a_picture_of_many_scans_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(90))
    assert read_picture(path).shape == (48, 48, 3)
    path.write_bytes(picture(91))
    with pytest.raises(UserError, match=r"a\.jpg: its scans are more than the limit of 100"):
        read_picture(path)


def test_the_limit_of_scans_can_be_raised(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(200))
    monkeypatch.setenv("SLR_KERAS_MAX_SCANS", "210")
    assert read_picture(path).shape == (48, 48, 3)


def test_what_looks_like_scans_in_other_segments_and_behind_the_picture_is_none(tmp_path):
    whole = picture(0)
    comment = b"\xff\xfe" + (2002).to_bytes(2, "big") + 1000 * b"\xff\xda"
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:2] + comment + whole[2:] + 1000 * b"\xff\xda\0\x02")
    np.testing.assert_array_equal(read_picture(path), read_picture(written(tmp_path, whole)))


def written(folder, data):
    (folder / "whole.jpg").write_bytes(data)
    return folder / "whole.jpg"


def film(path, data):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 48, "yuvj420p"
        container.start_encoding()
        for number in range(3):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = Fraction(1, 25), True
            container.mux(packet)


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mov"])
def test_a_video_of_pictures_of_many_scans_is_refused(tmp_path, suffix):
    film(tmp_path / f"good{suffix}", picture(0))
    assert len(list(shown_in(tmp_path / f"good{suffix}", 25.0))) == 3
    film(tmp_path / f"bad{suffix}", picture(91))
    with pytest.raises(UserError, match="its scans are more than the limit"):
        list(shown_in(tmp_path / f"bad{suffix}", 25.0))


def test_a_field_of_flow_of_many_scans_is_refused():
    from slr_keras.data.video.flow_files import _require_size

    _require_size(picture(0), (48, 48))
    with pytest.raises(UserError, match="a field: its scans are more"):
        _require_size(picture(91), (48, 48))


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xda", 200 * b"\xff\xda", 500 * b"\xff\xda\xff"]
)
def test_any_bytes_are_counted(data):
    try:
        require_few_scans(data, "a")
    except UserError:
        assert len(data) > 100
