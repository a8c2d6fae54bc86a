"""Recordings as people have them, from `prepare` to the batch: a result or a clear error."""

from fractions import Fraction

import numpy as np
import pytest

from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.rates import at_rate
from slr_keras.data.segments import Segments
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.prepare import main
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import SOME_FAILED

av = pytest.importorskip("av")

IDENTITY = bytes.fromhex("00010000" + "00" * 12 + "00010000" + "00" * 12 + "40000000")
QUARTER = bytes.fromhex("00000000" + "00010000" + "00" * 4 + "ffff0000" + "00" * 16 + "40000000")


def film(path, frames, moments=None, rate=25, size=(32, 24)):
    """Grey pictures, each 5 levels brighter than the one before, dark above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "1", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if moments is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 5 * number, np.uint8)
            picture[: size[1] // 4] = 0
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if moments is not None:
                frame.pts, frame.time_base = moments[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def numbers(clip):
    """Which of `film`'s pictures a clip has; their middle is never dark."""
    return np.rint(clip[:, clip.shape[1] // 2, clip.shape[2] // 2, 0] / 5).astype(int).tolist()


@pytest.fixture
def source(tmp_path):
    """A class with one sound clip, to which each test adds its own."""
    film(tmp_path / "source/HELLO/sound.mp4", 20)
    return tmp_path / "source"


def prepared(source, *options, code=0):
    """The only split of a data folder of 24 x 24 pictures, its middle 16 x 16 seen."""
    folder = source.parent / "data"
    command = ["folders", "--from", str(source), "--to", str(folder), "--fractions", "0", "0"]
    assert main([*command, "--resize", "24x24", "--crop", "16x16", "--force", *options]) == code
    return read_folder(folder)["train"]


def dataset(manifest, training=False, augmentation=None):
    glosses = Vocabulary(("HELLO",))
    contract = manifest.frame_contract
    options = ClipOptions(augmentation, segments=Segments(8))
    return ClipDataset(manifest, glosses, contract, 8, training, options)


def loaded(source, name):
    """A clip of the prepared folder as evaluation sees it, in a batch with the others."""
    train = prepared(source)
    (batch,) = dataset(train).numpy_batches()
    assert batch["video"].shape == (len(train), 8, 16, 16, 3)
    assert batch["mask"].all()
    row = train.find(f"HELLO/{name}")
    return train[row], batch["video"][batch["index"].tolist().index(row)]


def test_a_sound_video_is_sampled_at_the_centres(source):
    sample, clip = loaded(source, "sound")
    assert sample.frames == 20
    assert numbers(clip) == Segments(8).centres(20).tolist()


def test_one_frame_is_repeated(source):
    film(source / "HELLO/single.mp4", 1)
    sample, clip = loaded(source, "single")
    assert (sample.frames, numbers(clip)) == (1, [0] * 8)


def test_a_lying_video_is_turned_upright_before_it_is_resized(source):
    path = film(source / "HELLO/lying.mp4", 9)
    data = path.read_bytes()
    at = data.index(IDENTITY, data.index(b"tkhd"))
    path.write_bytes(data[:at] + QUARTER + data[at + 36 :])
    _, clip = loaded(source, "lying")
    assert numbers(clip) == Segments(8).centres(9).tolist()
    # Dark above, turned clockwise, is dark at the right.
    last = clip[-1].astype(int)
    assert last[:, -1].mean() < 10 < 30 < last[:, :8].mean()
    assert np.ptp(last[:, 4], axis=0).max() < 6


def test_pictures_of_a_varying_rate_are_seen_at_their_times(source):
    moments = [0, 40, 400, 410, 420, 900, 940, 980, 1500, 1540, 1580, 3000]
    path = film(source / "HELLO/uneven.mp4", 12, moments)
    sample, clip = loaded(source, "uneven")
    assert sample.frames == 12
    # Recognition of the file sees the same pictures.
    seen = numbers(np.stack(list(at_rate(shown_in(path, 25.0), 25.0))))
    assert numbers(clip) == [seen[place] for place in Segments(8).centres(len(seen))]


def test_sizes_and_rates_may_differ_from_clip_to_clip(source):
    film(source / "HELLO/large.mp4", 10, rate=50, size=(64, 48))
    sample, clip = loaded(source, "large")
    assert (sample.frames, sample.fps) == (10, 50)
    # The model sees 25 frames a second: every second picture.
    assert numbers(clip) == np.arange(1, 10, 2)[Segments(8).centres(5)].tolist()


def test_what_a_container_says_of_its_length_is_not_believed(source):
    path = film(source / "HELLO/liar.mp4", 10)
    data = path.read_bytes()
    # The table of sample times: 10 pictures of equal length; and their number in the header.
    at = data.index(b"stts") + 12
    assert int.from_bytes(data[at : at + 4]) == 10
    path.write_bytes(data[:at] + (99).to_bytes(4) + data[at + 4 :])
    sample, clip = loaded(source, "liar")
    assert sample.frames == 10
    assert numbers(clip) == Segments(8).centres(10).tolist()


@pytest.mark.parametrize("kind", ["empty", "text", "half", "sound only", "no pictures"])
def test_broken_files_are_named_and_passed_over_and_no_failure_when_allowed(source, kind, capsys):
    path = source / "HELLO/broken.mp4"
    whole = film(path, 20).read_bytes()
    if kind == "sound only":
        with av.open(str(path), "w") as container:
            sound = container.add_stream("aac", rate=8000)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            silence.sample_rate = 8000
            container.mux(sound.encode(silence))
            container.mux(sound.encode())
    elif kind == "no pictures":
        path.unlink()
        path = source / "HELLO/broken.npy"
        np.save(path, np.zeros((0, 8, 8, 3), np.uint8))
    else:
        content = {"empty": b"", "text": b"a video, they said", "half": whole[: len(whole) // 2]}
        path.write_bytes(content[kind])
    assert [sample.id for sample in prepared(source, code=SOME_FAILED)] == ["HELLO/sound"]
    printed = capsys.readouterr().err
    assert f"error: {path}:" in printed
    assert "Traceback" not in printed
    train = prepared(source, "--allow-missing")
    assert [sample.id for sample in train] == ["HELLO/sound"]
    report = validate_folder(source.parent / "data")
    assert not report.errors
    assert [w.kind for w in report.warnings] == ["missing-clips", "missing-split"]


def test_damage_inside_a_file_is_found_when_it_is_prepared(source, capsys):
    path = film(source / "HELLO/torn.mp4", 40)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    data[start : start + 300] = np.random.default_rng(0).bytes(300)
    path.write_bytes(bytes(data))
    assert [sample.id for sample in prepared(source, code=SOME_FAILED)] == ["HELLO/sound"]
    assert str(path) in capsys.readouterr().err


def test_files_that_change_after_preparing_stop_the_batch_with_their_name(source):
    path = film(source / "HELLO/later.mp4", 12)
    train = prepared(source)
    film(path, 9)
    with pytest.raises(UserError, match=r"'HELLO/later'.*later.mp4: has 9 frames, but .* 12"):
        list(dataset(train).numpy_batches())
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"'HELLO/later'.*later.mp4: truncated, or not a video"):
        list(dataset(train).numpy_batches())
    path.unlink()
    with pytest.raises(UserError, match=r"'HELLO/later'.*later.mp4: cannot be read"):
        list(dataset(train).numpy_batches())


def test_training_draws_frames_and_one_window_for_all_of_them(source):
    train = prepared(source)
    data = dataset(train, True, VideoAugmentationConfig())
    drawn = set()
    for epoch in range(16):
        clip, _ = data.clips.load(0, epoch)
        again, _ = dataset(train, True, VideoAugmentationConfig()).clips.load(0, epoch)
        np.testing.assert_array_equal(clip, again)
        frames = numbers(clip)
        assert all(k * 20 // 8 <= n < (k + 1) * 20 // 8 for k, n in enumerate(frames))
        drawn.add(tuple(frames))
    assert len(drawn) > 12


def test_the_published_crop_is_256_of_pictures_320_wide_and_256_high(source):
    # A ramp from left to right and one from above, as a picture of another shape.
    ramp = np.zeros((2, 240, 426, 3), np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 426)
    ramp[..., 1] = np.linspace(0, 255, 240)[:, None]
    np.save(source / "HELLO/ramp.npy", ramp)
    folder = source.parent / "data"
    command = ["folders", "--from", str(source), "--to", str(folder), "--fractions", "0", "0"]
    assert main(command) == 0
    train = read_folder(folder)["train"]
    row = train.find("HELLO/ramp")
    clip, _ = dataset(train).clips.load(row)
    assert clip.shape == (8, 256, 256, 3)
    # 32 of the 320 columns are cut off on either side, and no row.
    left, right = clip[0, 128, [0, -1], 0] / 255
    top, bottom = clip[0, [0, -1], 128, 1] / 255
    np.testing.assert_allclose((left, right), (0.1, 0.9), atol=0.01)
    np.testing.assert_allclose((top, bottom), (0, 1), atol=0.01)
    lefts = set()
    shaken = dataset(train, True, VideoAugmentationConfig(flip=0))
    for epoch in range(12):
        clip, _ = shaken.clips.load(row, epoch)
        lefts.add(round(float(clip[0, 128, 0, 0]) / 255 * 320))
        np.testing.assert_allclose(clip[0, [0, -1], 128, 1] / 255, (0, 1), atol=0.01)
    assert 0 <= min(lefts) < 16
    assert 48 < max(lefts) <= 65
