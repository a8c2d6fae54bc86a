"""Of a file whose first stream is cover art, the cover was read as a video of one frame."""

import numpy as np
import pytest

from slr_keras.data.video.measuring import measured
from slr_keras.data.video.opening import Video, stated
from slr_keras.data.video.recordings import shown_in
from slr_keras.utils.errors import UserError

av = pytest.importorskip("av")


def film(path, streams):
    """Write streams of (frames, (width, height), dispositions), the n-th of grey level 50 n."""
    with av.open(str(path), "w") as container:
        made = []
        for _, size, marks in streams:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.disposition = sum(getattr(av.stream.Disposition, mark) for mark in marks)
            made.append(stream)
        for number, (stream, (frames, size, _)) in enumerate(zip(made, streams)):
            picture = np.full((size[1], size[0], 3), 50 * (number + 1), np.uint8)
            for time in range(frames):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = time
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


SMALL, LARGE = (64, 48), (160, 112)
CASES = {
    "cover first": ([(1, LARGE, []), (12, SMALL, ["default"])], 1),
    "unmarked cover first": ([(1, LARGE, []), (12, SMALL, [])], 1),
    "default cover first": ([(1, LARGE, ["default"]), (12, SMALL, [])], 1),
    "cover last": ([(12, SMALL, []), (1, LARGE, [])], 0),
    "default before size": ([(12, LARGE, []), (12, SMALL, ["default"])], 1),
    "size decides": ([(12, SMALL, []), (12, LARGE, [])], 1),
    "all default, size decides": ([(12, SMALL, ["default"]), (12, LARGE, ["default"])], 1),
    "first of equals": ([(12, SMALL, []), (12, SMALL, [])], 0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_stream_that_players_show_is_read(tmp_path, case):
    streams, right = CASES[case]
    path = film(tmp_path / "a.mkv", streams)
    with Video(path) as video:
        assert video.stream.index == right
    shown = list(shown_in(path, 25.0))
    assert len(shown) == measured(path).frames == stated(path).frames == 12
    assert int(shown[0].frame.mean()) == pytest.approx(50 * (right + 1), abs=5)


def cover_and(path, kind):
    """A file of cover art of level 200, and of sound or a video of level 100."""
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = *LARGE, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        other = container.add_stream(kind, rate=8000 if kind == "aac" else 25)
        if kind == "aac":
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            frame.sample_rate, frames = 8000, [frame]
        else:
            other.width, other.height, other.pix_fmt = *SMALL, "yuv420p"
            grey = np.full((SMALL[1], SMALL[0], 3), 100, np.uint8)
            frames = [av.VideoFrame.from_ndarray(grey, "rgb24") for _ in range(12)]
        white = np.full((LARGE[1], LARGE[0], 3), 200, np.uint8)
        container.mux(cover.encode(av.VideoFrame.from_ndarray(white, "rgb24")))
        container.mux(cover.encode())
        for frame in frames:
            container.mux(other.encode(frame))
        container.mux(other.encode())
    return path


def test_cover_art_that_is_marked_is_never_the_video(tmp_path):
    shown = list(shown_in(cover_and(tmp_path / "a.mp4", "mpeg4"), 25.0))
    assert len(shown) == 12
    assert int(shown[0].frame.mean()) == pytest.approx(100, abs=5)
    with pytest.raises(UserError, match=r"b\.mp4: has no video stream \(only cover art\)"):
        list(shown_in(cover_and(tmp_path / "b.mp4", "aac"), 25.0))
