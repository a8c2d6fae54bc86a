"""A video whose decoder FFmpeg lacks ended in a traceback, in `validate` too.

PyAV has no codec context for such a stream, and the first look at its width raised AttributeError.
"""

import numbered_film
import pytest

from slr_keras.data.manifest import write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.measuring import measured
from slr_keras.data.video.opening import Video, stated
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.video.windows import window_frames
from slr_keras.data.viewing import open_sample
from slr_keras.utils.errors import UserError

av = pytest.importorskip("av")

READERS = {
    "shown": lambda path: list(shown_in(path, 25.0)),
    "measured": measured,
    "stated": stated,
    "view": lambda path: open_sample(path).drawing(100),
    "window": lambda path: list(window_frames(path, 120, 3, [0])),
}


@pytest.fixture
def unknown(tmp_path):
    """An MP4 file of a codec that nobody knows."""
    path = numbered_film.write_film(tmp_path / "a.mp4", range(0, 200, 40))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_decoder_is_named_with_the_file(unknown, reader):
    with pytest.raises(UserError, match=r"a\.mp4: the FFmpeg of PyAV has no decoder"):
        READERS[reader](unknown)


def test_validation_reports_a_missing_decoder(unknown):
    write_manifest(unknown.parent / "train.jsonl", [Sample("a", ("RAIN",), 5, video="a.mp4")])
    FrameContract(numbered_film.SIZE).write(unknown.parent / "frames.json")
    (error,) = validate_folder(unknown.parent).errors
    assert (error.kind, error.sample) == ("video", "a")
    assert "no decoder" in error.what


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), OverflowError("x"), MemoryError(), KeyError(1)]
)
@pytest.mark.parametrize("reader", ["shown", "measured", "view", "window"])
def test_whatever_pyav_raises_names_the_file(tmp_path, monkeypatch, reader, error):
    path = numbered_film.write_film(tmp_path / "a.mp4", range(0, 8000, 40))

    class Frames:
        def __next__(self):
            raise error

    original = Video.__init__

    def broken(video, path):
        original(video, path)
        container = video.container

        class Container:
            streams, format, close = container.streams, container.format, container.close

            def decode(self, *_):
                return Frames()

            def demux(self, *_):
                return Frames()

        video.container = Container()

    monkeypatch.setattr(Video, "__init__", broken)
    with pytest.raises(UserError, match=r"a\.mp4: truncated, or not a video"):
        READERS[reader](path)
