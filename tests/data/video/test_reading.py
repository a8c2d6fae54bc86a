"""Pictures read from folders, arrays and video files; damage is named with sample and file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.manifest import Manifest, read_folder, read_manifest, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video import reading
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.opening import Video
from slr_keras.data.video.orientation import orientation_of
from slr_keras.utils.errors import UserError


def saved_by(folder, frames, name, **options):
    folder.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / name.format(number), **options)


def manifest_of(folder, sample) -> Manifest:
    write_manifest(folder / "dev.jsonl", [sample])
    return read_folder(folder)["dev"]


def write_mp4(path, frames, codec="libx264", pix_fmt="yuv444p", options=None):
    av = pytest.importorskip("av")
    options = {"crf": "0"} if options is None else options
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())


def test_every_way_of_keeping_pictures_is_read_back(train, originals):
    for row, sample in enumerate(train):
        loaded = train.load_video(row)
        assert loaded.dtype == np.uint8
        np.testing.assert_array_equal(loaded, originals[sample.id], err_msg=sample.id)
        np.testing.assert_array_equal(train.load_video(sample), loaded)


def test_only_the_frames_wanted_are_decoded(train, originals, monkeypatch):
    read = []
    original = reading.read_picture
    monkeypatch.setattr(
        reading, "read_picture", lambda path, size: read.append(path.name) or original(path, size)
    )
    frames = list(train.video_frames(0, [2, 7]))
    np.testing.assert_array_equal(frames, originals["pictures"][[2, 7]])
    assert read == ["images0003.png", "images0008.png"]


def test_a_shared_array_is_mapped_once_and_not_read_whole(train):
    first = next(train.video_frames(2))
    assert np.shares_memory(first, next(train.video_frames(2)))
    assert not first.flags.writeable


def test_numbers_in_names_count_by_value(tmp_path, originals):
    frames = originals["pictures"]
    saved_by(tmp_path / "clip", frames, "frame{}.png")
    (tmp_path / "clip" / "._frame0.png").write_bytes(b"droppings")
    (tmp_path / "clip" / "notes.txt").write_text("no picture")
    FrameContract((24, 20)).write(tmp_path / "frames.json")
    manifest = manifest_of(tmp_path, Sample("a", (), len(frames), video="clip"))
    np.testing.assert_array_equal(manifest.load_video(0), frames)


def test_pictures_are_read_as_opencv_reads_them(tmp_path, originals):
    cv2 = pytest.importorskip("cv2")
    frame = originals["own"][0]
    turned = Image.Exif()
    turned[0x0112] = 6
    saves = {
        "a.png": (Image.fromarray(frame), {}),
        "b.jpg": (Image.fromarray(frame), {"quality": 95}),
        "c.PNG": (Image.fromarray(frame).convert("L"), {}),
        "d.png": (Image.fromarray(frame).convert("P"), {}),
        "e.png": (Image.fromarray(np.dstack([frame, frame[..., :1]])), {}),
        "f.jpeg": (Image.fromarray(frame), {"exif": turned, "quality": 95}),
    }
    for name, (image, options) in saves.items():
        image.save(tmp_path / name, **options)
        ours = reading.read_picture(tmp_path / name, None)
        theirs = cv2.imread(str(tmp_path / name), cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_a_video_file_is_read_frame_by_frame(tmp_path, originals):
    frames = originals["pictures"]
    write_mp4(tmp_path / "clip.mp4", frames)
    FrameContract((24, 20)).write(tmp_path / "frames.json")
    manifest = manifest_of(tmp_path, Sample("a", (), len(frames), video="clip.mp4"))
    loaded = manifest.load_video(0)
    assert loaded.shape == frames.shape
    # Lossless but for the rounding from RGB to YUV and back.
    assert np.abs(loaded.astype(int) - frames).max() <= 4
    np.testing.assert_array_equal(list(manifest.video_frames(0, [1, 12])), loaded[[1, 12]])


def test_lying_phone_video_is_turned_upright():
    class Lying:
        rotation = -90

        @property
        def side_data(self):
            # As PyAV fails on data that it does not know.
            raise ValueError("99 is not a valid Type")

    picture = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    # Minus 90 degrees counter-clockwise: the left column becomes the top row.
    turned = orientation_of(Lying()).shown(picture)
    assert turned[..., 0].tolist() == [[3, 0], [4, 1], [5, 2]]


def damage_truncate(path: Path):
    path.write_bytes(path.read_bytes()[:-30])


def damage_text(path: Path):
    path.write_text("nothing of the kind")


def resized(path: Path):
    Image.new("RGB", (30, 20)).save(path)


def deep(path: Path):
    Image.fromarray(np.zeros((20, 24), np.uint16)).save(path)


PICTURE = "frames/pictures/images0005.png"
DAMAGES = {
    "cut": (0, PICTURE, damage_truncate, "truncated, or not a picture"),
    "text": (0, PICTURE, damage_text, "truncated, or not a picture"),
    "empty": (0, PICTURE, lambda path: path.write_bytes(b""), "truncated, or not a picture"),
    "size": (0, PICTURE, resized, "is 30 x 20 pixels instead of 24 x 20"),
    "depth": (0, PICTURE, deep, "more than 8 bits"),
    "gone": (0, PICTURE, Path.unlink, "has 12 frames, but the manifest says 13"),
    "folder": (0, "frames/pictures", lambda path: path.rename(path / "../x"), "no such file"),
    "bare": (4, "frames/single/images0001.png", Path.unlink, "has no PNG or JPEG pictures"),
    "array-gone": (1, "own.npy", Path.unlink, "cannot be read"),
    "array-cut": (1, "own.npy", damage_truncate, "truncated"),
    "array-short": (
        3,
        "train.frames.npy",
        lambda path: np.save(path, np.zeros((9, 20, 24, 3), np.uint8)),
        "has 9 frames, but the sample means frames 9 to 49",
    ),
    "array-size": (
        1,
        "own.npy",
        lambda path: np.save(path, np.zeros((6, 24, 20, 3), np.uint8)),
        "is 20 x 24 pixels instead of 24 x 20",
    ),
    "array-type": (
        1,
        "own.npy",
        lambda path: np.save(path, np.zeros((6, 20, 24, 3), np.float32)),
        "of float32, but video must be (frames, height, width, 3) of uint8",
    ),
    "array-grey": (
        1,
        "own.npy",
        lambda path: np.save(path, np.zeros((6, 20, 24), np.uint8)),
        "has shape (6, 20, 24)",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_manifest_sample_and_file(video_folder, damage):
    row, name, do, message = DAMAGES[damage]
    do(video_folder / name)
    train = read_folder(video_folder)["train"]
    with pytest.raises(UserError) as caught:
        train.load_video(row)
    text = str(caught.value)
    assert text.startswith(f"{train.where(row)}: {video_folder / Path(name).parent}")
    assert message in text


@pytest.fixture
def filmed(tmp_path, originals):
    write_mp4(tmp_path / "clip.mp4", np.concatenate([originals["shared-2"]] * 2))
    FrameContract((24, 20)).write(tmp_path / "frames.json")
    return manifest_of(tmp_path, Sample("filmed", (), 80, video="clip.mp4"))


def cut_in_half(path: Path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def scramble(path: Path):
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 3000
    data[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "do",
    [Path.unlink, damage_text, cut_in_half, scramble, lambda path: path.write_bytes(b"")],
    ids=["gone", "text", "half", "scrambled", "empty"],
)
def test_a_damaged_video_file_is_named_with_its_sample(filmed, do, capfd):
    do(filmed.folder / "clip.mp4")
    with pytest.raises(UserError, match=r"sample 'filmed': .*clip\.mp4: "):
        filmed.load_video(0)


def test_a_picture_that_the_decoder_had_to_guess_is_refused(filmed, monkeypatch):
    from types import SimpleNamespace

    with Video(filmed.folder / "clip.mp4") as video:
        video.container.close()
        video.container = SimpleNamespace(
            decode=lambda stream: iter([SimpleNamespace(is_corrupt=True)]), close=lambda: None
        )
        video.stream = SimpleNamespace(width=64, height=48, frames=1)
        with pytest.raises(UserError, match=r"clip\.mp4: a picture is damaged"):
            list(video.frames())


@pytest.mark.parametrize("frames", [79, 81])
def test_a_video_file_of_another_length_is_refused(filmed, frames):
    sample = replace(filmed[0], frames=frames)
    with pytest.raises(UserError, match=f"has 80 frames, but the manifest says {frames}"):
        list(Manifest(filmed.path, [sample]).video_frames(0, [0]))


def test_a_file_with_sound_only_is_refused(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "clip.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 80), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    FrameContract((24, 20)).write(tmp_path / "frames.json")
    manifest = manifest_of(tmp_path, Sample("a", (), 80, video="clip.wav"))
    with pytest.raises(UserError, match="has no video stream"):
        manifest.load_video(0)


def test_clips_may_differ_in_size_but_not_within(video_folder):
    FrameContract(None, resize=(24, 20)).write(video_folder / "frames.json")
    resized(video_folder / "frames/single/images0001.png")
    resized(video_folder / PICTURE)
    train = read_folder(video_folder)["train"]
    assert train.load_video(4).shape == (1, 20, 30, 3)
    with pytest.raises(UserError, match=r"images0005.png: is 30 x 20 pixels instead of 24 x 20"):
        train.load_video(0)


def test_a_library_that_is_missing_is_named_with_its_extra(filmed, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r"'filmed'.*pip install 'slr-keras\[video\]'"):
        filmed.load_video(0)


def line(**changes):
    return json.dumps({"id": "a", "glosses": [], "frames": 3} | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(), "neither 'keypoints' nor 'video'"),
        (line(video=""), "'video' must be the name of a file or a folder"),
        (line(video=7), "'video' must be"),
        (line(video="a\0b"), "'video' must be"),
        (line(video="../frames"), "leave the manifest's folder"),
        (line(video="a/../../frames", keypoints="a.npy"), "leave the manifest's folder"),
    ],
)
def test_a_faulty_place_is_refused_by_file_and_line(tmp_path, text, message):
    (tmp_path / "train.jsonl").write_text(text + "\n")
    with pytest.raises(UserError, match=r"train\.jsonl:1: sample 'a'") as caught:
        read_manifest(tmp_path / "train.jsonl")
    assert message in str(caught.value)


def test_a_line_keeps_its_places_and_no_others(tmp_path):
    samples = [
        Sample("both", (), 3, keypoints="a.npy", video="frames"),
        Sample("points", (), 3, keypoints="a.npy"),
        Sample("video", (), 3, video="a.mp4"),
    ]
    write_manifest(tmp_path / "dev.jsonl", samples)
    lines = [json.loads(text) for text in (tmp_path / "dev.jsonl").read_text().splitlines()]
    assert [sorted({"keypoints", "video"} & set(value)) for value in lines] == [
        ["keypoints", "video"],
        ["keypoints"],
        ["video"],
    ]
    read = list(read_manifest(tmp_path / "dev.jsonl"))
    assert [replace(sample, split="") for sample in read] == samples


def test_keypoints_and_video_are_asked_for_by_name(train, tmp_path):
    with pytest.raises(UserError, match=r"keypoints\.json"):
        train.load(0)
    points_only = Manifest(tmp_path / "x.jsonl", [Sample("a", (), 3, keypoints="a.npy")])
    points_only._frame_contract = train.frame_contract
    with pytest.raises(UserError, match="'a': the sample has no video, only keypoints"):
        points_only.load_video(0)


def test_a_folder_without_any_contract_still_asks_for_keypoints(video_folder):
    (video_folder / "frames.json").unlink()
    with pytest.raises(UserError, match=r"keypoints\.json"):
        read_folder(video_folder)


def test_parts_of_a_manifest_keep_the_frame_contract(train):
    assert train[1:3].frame_contract is train.frame_contract
