"""The pixels of the preprocessing equal OpenCV's for the same operations."""

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.loaders.video import VideoLoader
from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.pixels import Window, resize
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

FRAMES = 6


@pytest.fixture
def phoenix(tmp_path):
    """A clip with PHOENIX's sizes; noise, which every error of a resampling filter shows in."""
    folder = tmp_path / "frames"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(FRAMES):
        picture = rng.integers(0, 256, (260, 210, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"images{number:04d}.png", compress_level=1)
    write_manifest(tmp_path / "train.jsonl", [Sample("a", ("RAIN",), FRAMES, video="frames")])
    FrameContract((210, 260), 25, resize=(256, 256), crop=(224, 224)).write(
        tmp_path / "frames.json"
    )
    return read_folder(tmp_path)["train"]


def loader(manifest, augmentation=None) -> VideoLoader:
    return VideoLoader(
        manifest, Vocabulary(("RAIN",)), manifest.frame_contract, ClipOptions(augmentation)
    )


def literal(cv2, manifest) -> list[np.ndarray]:
    """Frames as published systems write them to disk, 256 x 256, blue first."""
    paths = sorted((manifest.folder / "frames").iterdir())
    return [
        cv2.resize(cv2.imread(str(path)), (256, 256), interpolation=cv2.INTER_LANCZOS4)
        for path in paths
    ]


def test_evaluation_equals_literal_opencv_calls(phoenix):
    cv2 = pytest.importorskip("cv2")
    expected = [
        cv2.cvtColor(frame[16:240, 16:240], cv2.COLOR_BGR2RGB) for frame in literal(cv2, phoenix)
    ]
    clip, _ = loader(phoenix).load(0)
    # 6 frames, and the last one repeated up to a multiple of 4.
    np.testing.assert_array_equal(clip, [*expected, expected[-1], expected[-1]])


def test_training_equals_literal_opencv_calls_at_one_window_for_the_clip(phoenix):
    cv2 = pytest.importorskip("cv2")
    frames = literal(cv2, phoenix)
    clips = loader(phoenix, VideoAugmentationConfig(shortest=4))
    windows = set()
    for epoch in range(4):
        clip, _ = clips.load(0, epoch)
        windows.add(found_window(cv2, frames, clip))
    assert len(windows) == 4
    assert {flipped for _, _, flipped in windows} == {True, False}


def found_window(cv2, frames, clip):
    """Where the clip was cut, and that all of its frames were cut there."""
    for flipped in (False, True):
        shown = [cv2.cvtColor(cv2.flip(f, 1) if flipped else f, cv2.COLOR_BGR2RGB) for f in frames]
        for source in shown:
            score = cv2.matchTemplate(source, clip[0], cv2.TM_SQDIFF)
            left, top = cv2.minMaxLoc(score)[2]
            if np.array_equal(source[top : top + 224, left : left + 224], clip[0]):
                cuts = [f[top : top + 224, left : left + 224] for f in shown]
                for frame in clip:
                    assert any(np.array_equal(frame, cut) for cut in cuts)
                return top, left, flipped
    raise AssertionError("the first frame is no window of any picture")


def test_resizing_to_the_same_size_needs_no_opencv(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cv2", None)
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert resize(picture, (5, 4)) is picture
    with pytest.raises(UserError, match=r"slr-keras\[video\]"):
        resize(picture, (4, 5))


def test_a_window_that_leaves_the_picture_repeats_its_edge():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    padded = np.pad(picture, ((2, 2), (2, 2), (0, 0)), mode="edge")
    for top in range(-2, 3):
        for left in range(-2, 3):
            cut = Window(top, left, 3, 4).cut(picture)
            np.testing.assert_array_equal(cut, padded[top + 2 : top + 5, left + 2 : left + 6])


@pytest.mark.parametrize(
    ("picture", "crop", "corner"),
    [((256, 256), (224, 224), (16, 16)), ((9, 11), (8, 8), (0, 2)), ((5, 5), (5, 5), (0, 0))],
)
def test_the_centre_is_rounded_as_published(picture, crop, corner):
    window = Window.centre(picture, crop)
    # int(round(margin / 2.)): halves go to the even number.
    assert (window.top, window.left) == corner
