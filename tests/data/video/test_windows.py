"""A clip in the midst of a longer video, folder or array."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video import windows
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.windows import window_frames
from slr_keras.utils.errors import UserError

av = pytest.importorskip("av")

LENGTH = 400


def pictures():
    """Pictures whose brightness at four places spells their number."""
    digits = np.arange(LENGTH)[:, None] // 6 ** np.arange(4) % 6
    rows = np.repeat(np.repeat(40 * digits, 8, axis=1)[:, None], 16, axis=1)
    return np.stack([rows] * 3, axis=-1).astype(np.uint8)


def numbers(frames):
    """Which of `pictures` these are."""
    digits = [np.rint(frame[8, 4::8, 0] / 40).astype(int) for frame in frames]
    return [int((digit * 6 ** np.arange(4)).sum()) for digit in digits]


def film(path, moments=None, **options):
    """All of `pictures`, at 25 a second or at these moments in hundredths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"g": "30", "crf": "5", **options}
        )
        stream.height, stream.width, stream.pix_fmt = 16, 32, "yuv420p"
        if moments is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for number, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if moments is not None:
                frame.pts, frame.time_base = moments[number], Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A steady video, one with open groups of pictures, and one whose rate varies."""
    folder = tmp_path_factory.mktemp("films")
    uneven = np.cumsum(np.random.default_rng(0).integers(2, 9, LENGTH)).tolist()
    return {
        "steady": film(folder / "steady.mp4"),
        "open": film(folder / "open.mp4", **{"x264-params": "open-gop=1:bframes=3"}),
        "matroska": film(folder / "steady.mkv"),
        "uneven": film(folder / "uneven.mp4", uneven),
    }


@pytest.mark.parametrize("kind", ["steady", "open", "matroska", "uneven"])
@pytest.mark.parametrize("first", [0, 7, 119, 120, 121, 233, 395])
def test_a_window_has_the_pictures_of_its_numbers(films, kind, first):
    window = window_frames(films[kind], first, 5, [0, 3, 4])
    assert numbers(frame for _, frame in window) == [first, first + 3, first + 4]


def test_only_the_pictures_near_the_window_are_decoded(films, monkeypatch):
    decoded, original = [], windows.Video.frames

    def counted(*arguments, **options):
        for frame in original(*arguments, **options):
            decoded.append(frame)
            yield frame

    # Counted once per file: the first pictures are compared with the file's times.
    list(window_frames(films["steady"], 200, 1, [0]))
    monkeypatch.setattr(windows.Video, "frames", counted)
    assert numbers(frame for _, frame in window_frames(films["steady"], 350, 5, range(5))) == [
        *range(350, 355)
    ]
    assert len(decoded) <= 30 + 5


def test_a_window_beyond_the_end_is_refused(films):
    for first, frames in ((398, 5), (900, 5), (50, 400)):
        with pytest.raises(
            UserError, match=rf"steady.mp4: has 400 frames, .* {first + frames - 1}"
        ):
            list(window_frames(films["steady"], first, frames, [0, 1]))


def test_windows_of_every_way_of_keeping_pictures(films, tmp_path):
    np.save(tmp_path / "all.npy", pictures()[:150])
    (tmp_path / "folder").mkdir()
    for number, picture in enumerate(pictures()[:150]):
        Image.fromarray(picture).save(tmp_path / "folder" / f"{number}.png")
    places = {"file": str(films["steady"]), "array": "all.npy", "folder": "folder"}
    samples = [
        Sample(name, ("RAIN",), 9, video=place, video_start=130) for name, place in places.items()
    ]
    write_manifest(tmp_path / "train.jsonl", samples)
    FrameContract((32, 16)).write(tmp_path / "frames.json")
    train = read_folder(tmp_path)["train"]
    for row in range(3):
        assert train[row].video_start == 130
        assert numbers(train.load_video(row)) == list(range(130, 139))
    assert not validate_folder(tmp_path).errors


def test_validation_finds_a_window_that_the_video_does_not_have(films, tmp_path):
    place = {"video": str(films["steady"]), "video_start": 396}
    write_manifest(tmp_path / "train.jsonl", [Sample("a", ("RAIN",), 9, **place)])
    FrameContract((32, 16)).write(tmp_path / "frames.json")
    (error,) = validate_folder(tmp_path).errors
    assert "has 400 frames, but the clip ends after frame 404" in error.what
