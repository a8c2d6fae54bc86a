"""A camera gives its newest picture, however slow the reader is."""

import time
from itertools import pairwise

import numpy as np
import pytest

from slr_keras.data.rates import Shown
from slr_keras.extraction import landmark_frames
from slr_keras.extraction.camera import Camera, until_the_next
from slr_keras.utils.errors import UserError

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def capture(tmp_path, film):
    """OpenCV's capture of forty pictures, each brighter than the one before."""
    pictures = [np.full((32, 48, 3), 20 + 5 * number, np.uint8) for number in range(40)]
    return cv2.VideoCapture(str(film(tmp_path / "a.mp4", pictures)))


def test_a_slow_reader_sees_fewer_pictures_but_none_that_is_old(capture):
    camera = Camera(capture, "camera 0")
    taken = []
    for shown in camera.shown():
        time.sleep(0.02)
        taken.append(shown)
    numbers = [round((float(one.frame.mean()) - 20) / 5) for one in taken]
    assert numbers == sorted(set(numbers))
    assert 1 <= len(numbers) < 40
    assert numbers[-1] == 39
    assert camera.dropped == 40 - len(numbers)
    assert taken[0].start == 0
    assert all(a.start < b.start for a, b in pairwise(taken))


def test_pictures_of_a_camera_are_red_green_blue(tmp_path, film):
    red = np.zeros((32, 48, 3), np.uint8)
    red[..., 0] = 200
    camera = Camera(cv2.VideoCapture(str(film(tmp_path / "a.mp4", [red]))), "camera 0")
    (shown,) = camera.shown()
    assert shown.frame[..., 0].mean() > 150 > 50 > shown.frame[..., 2].mean()


def test_a_picture_lasts_until_the_next_one():
    shown = [Shown("a", 0, 0), Shown("b", 2, 2), Shown("c", 3, 3)]
    assert list(until_the_next(iter(shown))) == [Shown("a", 0, 2), Shown("b", 2, 3)]


def test_a_camera_that_is_not_there_is_named():
    pytest.importorskip("mediapipe")
    with landmark_frames(97) as frames, pytest.raises(UserError, match="camera 97: cannot be"):
        next(frames)
