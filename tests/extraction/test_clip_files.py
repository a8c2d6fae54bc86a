"""A clip's own file: whole or absent, and remade where it was made otherwise."""

import numpy as np
import pytest

from slr_keras.extraction.clip_files import clip_file, is_made, read_clip_file, write_clip
from slr_keras.utils.errors import UserError

RECORD = {"version": 1, "source": "abc"}


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(0, 640, (5, 543, 4)).astype(np.float32)


@pytest.fixture
def path(tmp_path, points):
    file = clip_file(tmp_path, "monday/1")
    assert write_clip(file, iter(points), 25.0, lambda: (640, 480), RECORD) == 5
    return file


def test_what_is_written_is_read_back(path, points):
    found, size = read_clip_file(path)
    np.testing.assert_array_equal(found, points)
    assert size == (640.0, 480.0)
    with np.load(path, allow_pickle=False) as file:
        assert (float(file["fps"]), str(file["layout"])) == (25.0, "mediapipe_holistic_543")


def test_a_file_is_made_only_as_its_record_says(path):
    assert is_made(path, RECORD)
    assert not is_made(path, {**RECORD, "source": "other"})
    assert not is_made(path.with_name("2.npz"), RECORD)


def test_a_damaged_file_is_not_made(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    assert not is_made(path, RECORD)
    path.write_bytes(data[: len(data) // 2])
    assert not is_made(path, RECORD)
    with pytest.raises(UserError, match=r"1.npz: damaged .*extract the clip again"):
        read_clip_file(path)


def test_frames_that_stop_leave_nothing_behind(tmp_path, points):
    def stopping():
        yield points[0]
        raise UserError("the process ended")

    with pytest.raises(UserError, match="the process ended"):
        write_clip(tmp_path / "a.npz", stopping(), 25.0, lambda: (640, 480), RECORD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/root", "..", "a/.hidden", "x" * 400])
def test_no_name_leads_out_of_the_folder_or_is_too_long_for_it(tmp_path, name):
    file = clip_file(tmp_path / "clips", name)
    assert (tmp_path / "clips").resolve() in file.resolve().parents
    assert not any(part.startswith(".") for part in file.relative_to(tmp_path).parts)
    file.parent.mkdir(parents=True)
    file.touch()
