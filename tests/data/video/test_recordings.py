"""Videos that come alone: their pictures, times, and what is wrong with them."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.rates import at_rate
from slr_keras.data.video.recordings import is_readable, is_recording, shown_in, timed
from slr_keras.utils.errors import UserError

av = pytest.importorskip("av")


def film(path, moments, size=(32, 48), sound_from=None):
    """A video file of grey pictures, 20 levels brighter each, at these moments (milliseconds)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if sound_from is not None:
            sound = container.add_stream("aac", rate=8000)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 8000, sound_from * 8
            silence.time_base = Fraction(1, 8000)
            container.mux(sound.encode(silence))
            container.mux(sound.encode())
        for number, moment in enumerate(moments):
            picture = np.full((*size, 3), 20 * (number + 1) % 256, np.uint8)
            picture[: size[0] // 4] = 0  # dark above
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def numbers(frames):
    """Which of `film`'s pictures these are."""
    return [round(float(frame[-1, -1].mean()) / 20) - 1 for frame in frames]


def test_a_steady_video_has_its_own_rate(tmp_path):
    shown = list(shown_in(film(tmp_path / "a.mp4", range(0, 400, 40)), fps=10.0))
    assert numbers(one.frame for one in shown) == list(range(10))
    assert [float(one.start) for one in shown] == pytest.approx(np.arange(10) / 25, abs=1e-3)
    assert float(shown[-1].end) == pytest.approx(0.4, abs=0.011)
    assert shown[0].frame.shape == (32, 48, 3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_varying_video_is_shown_by_its_times(tmp_path, suffix):
    moments = [0, 400, 440, 480, 520]
    path = film(tmp_path / f"a.{suffix}", moments)
    assert numbers(at_rate(shown_in(path, 25.0), 25.0)) == [0] * 10 + [1, 2, 3, 4]
    # Told a rate, it is that of the pictures.
    assert numbers(at_rate(shown_in(path, 25.0, given=12.5), 25.0)) == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
    ]


def test_times_count_from_where_the_sound_begins_as_players_count(tmp_path):
    path = film(tmp_path / "a.mkv", range(200, 400, 40), sound_from=0)
    shown = list(shown_in(path, 25.0))
    assert float(shown[0].start) == pytest.approx(0.2, abs=0.002)
    mute = film(tmp_path / "b.mkv", range(200, 400, 40))
    assert next(shown_in(mute, 25.0)).start == 0


def test_a_clock_that_is_set_back_goes_on():
    class Frame:
        def __init__(self, pts):
            self.pts, self.time_base, self.duration = pts, Fraction(1, 25), 1

    class Film:
        path = "a.mp4"

        class stream:
            average_rate, guessed_rate, time_base = Fraction(25), None, Fraction(1, 25)

        class container:
            class streams:
                audio = ()

        def frames(self):
            return map(Frame, [*range(50), *range(50), None, 51])

    starts = [25 * one.start for one in timed(Film(), 25.0)]
    assert starts == [*range(100), 100, 101]


def test_a_video_of_one_picture_lasts_one_frame(tmp_path):
    (one,) = shown_in(film(tmp_path / "a.mp4", [0]), 25.0)
    assert (one.start, numbers([one.frame])) == (0, [0])
    assert 0 < one.end < 0.1


def test_a_lying_video_is_turned_upright(tmp_path):
    source, turned = film(tmp_path / "a.mp4", range(0, 200, 40)), tmp_path / "b.mp4"
    data = source.read_bytes()
    # The track's matrix: 1 0 0 / 0 1 0 becomes a quarter turn.
    identity = bytes.fromhex("00010000" + "00" * 12 + "00010000" + "00" * 12 + "40000000")
    quarter = bytes.fromhex(
        "00000000" + "00010000" + "00" * 4 + "ffff0000" + "00" * 16 + "40000000"
    )
    at = data.index(identity, data.index(b"tkhd"))
    turned.write_bytes(data[:at] + quarter + data[at + 36 :])
    frame = next(shown_in(turned, 25.0)).frame
    assert frame.shape == (48, 32, 3)
    # What was above is at the right, a quarter turn clockwise.
    assert frame[:, -2:].mean() < 5 < 15 < frame[:, :8].mean()


def test_grey_and_transparent_pictures_are_converted(tmp_path):
    grey = np.arange(4 * 6 * 8, dtype=np.uint8).reshape(4, 6, 8)
    clear = np.dstack([grey[0], grey[1], grey[2], np.zeros_like(grey[0])])
    np.save(tmp_path / "grey.npy", grey)
    np.save(tmp_path / "thin.npy", grey[..., None])
    np.save(tmp_path / "clear.npy", clear[None])
    for name in ("grey", "thin"):
        shown = list(shown_in(tmp_path / f"{name}.npy", 25.0))
        np.testing.assert_array_equal(shown[2].frame, np.dstack([grey[2]] * 3))
    (one,) = shown_in(tmp_path / "clear.npy", 25.0)
    np.testing.assert_array_equal(one.frame, clear[..., :3])
    (tmp_path / "folder").mkdir()
    Image.fromarray(grey[0]).save(tmp_path / "folder" / "1.png")
    Image.fromarray(clear).save(tmp_path / "folder" / "2.png")
    first, second = shown_in(tmp_path / "folder", 25.0)
    np.testing.assert_array_equal(first.frame, np.dstack([grey[0]] * 3))
    np.testing.assert_array_equal(second.frame, clear[..., :3])


def test_what_is_damaged_or_no_video_is_named(tmp_path):
    whole = film(tmp_path / "a.mp4", range(0, 2000, 40)).read_bytes()
    cases = {
        "short.mp4": (whole[: len(whole) // 2], "truncated, or not a video"),
        "empty.mp4": (b"", "truncated, or not a video"),
        "text.mp4": (b"hello", "truncated, or not a video"),
        "torn.npy": (b"\x93NUMPY", "truncated, or not a .npy"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"{name}: {message}"):
            list(shown_in(tmp_path / name, 25.0))
    for shape, kind in (((9, 133, 3), np.float32), ((6, 8, 3), np.uint8), ((2, 0, 8, 3), np.uint8)):
        np.save(tmp_path / "b.npy", np.zeros(shape, kind))
        with pytest.raises(UserError, match=r"b.npy: has shape"):
            list(shown_in(tmp_path / "b.npy", 25.0))


def test_clips_are_told_from_other_files_and_folders(tmp_path):
    film(tmp_path / "a.mp4", [0, 40])
    (tmp_path / "camera").write_bytes((tmp_path / "a.mp4").read_bytes())
    (tmp_path / "notes.txt").write_text("a video, they said\n" * 99)
    (tmp_path / "frames").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "frames" / "1.PNG")
    assert is_recording(tmp_path / "a.mp4")
    assert is_recording(tmp_path / "frames")
    assert not is_recording(tmp_path)
    assert not is_recording(tmp_path / "camera")
    assert is_readable(tmp_path / "camera")
    assert is_readable(tmp_path / "frames" / "1.PNG")
    assert not is_readable(tmp_path / "notes.txt")
    (tmp_path / "frames" / "b.mp4").write_bytes(b"")
    with pytest.raises(UserError, match=r"both pictures \(1.PNG\) and videos \(b.mp4\)"):
        is_recording(tmp_path / "frames")
