"""What a pipe may say, and what is made of it."""

import json

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout
from slr_keras.recognition.modality.base import Overrides
from slr_keras.streaming.sources import LineSource
from slr_keras.utils.errors import UserError

PIXELS = contract("coco_wholebody_133", image_size=(200, 100))


def lines(frames, header=None):
    values = [[None if np.isnan(p).any() else p.tolist() for p in frame] for frame in frames]
    return [json.dumps(value) for value in ([header] if header else []) + values]


def clip(frames=4, points=133):
    return np.random.default_rng(0).uniform(20, 90, (frames, points, 3)).astype(np.float32)


def read(lines, known=PIXELS, **overrides):
    return np.stack(list(LineSource(lines, known, Overrides(**overrides))))


def test_frames_without_a_header_are_the_runs():
    frames = clip()
    frames[1, 5] = np.nan
    np.testing.assert_array_equal(read(lines(frames)), frames)


def test_the_image_size_of_the_header_scales_to_the_runs():
    found = read(lines(clip(), {"image_size": [400, 400]}))
    np.testing.assert_allclose(found[..., :2], clip()[..., :2] * [0.5, 0.25], rtol=1e-6)


def test_another_layout_is_paired_by_name_where_the_user_asks():
    frames = clip(2, 79)
    found = read(lines(frames), layout=layout("stark_79"))
    np.testing.assert_array_equal(found[:, list(PIXELS.indices)], frames)
    with pytest.raises(UserError, match="stark_79"):
        read(lines(frames, {"layout": "stark_79"}))


def test_another_rate_is_brought_to_the_runs():
    frames = clip(8)
    np.testing.assert_array_equal(read(lines(frames, {"fps": 50})), frames[1::2])


def test_times_count_where_there_are_any():
    frames = clip(4)
    timed = [
        json.dumps({"time": time, "points": frame.tolist()})
        for time, frame in zip((5.0, 5.04, 5.16, 5.2), frames)
    ]
    np.testing.assert_array_equal(read(timed), frames[[0, 1, 1, 1, 2, 3]])
    with pytest.raises(UserError, match="frame 2: has no time, or one before"):
        read([timed[1], timed[0]])


def test_no_lines_are_no_frames():
    assert list(LineSource([], PIXELS)) == []
    assert list(LineSource(["\n", '{"fps": 30}\n', "\n"], PIXELS)) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[[1, 2, 3]", "line 2: is no JSON value"),
        ("[" * 100_000, "line 2: is no JSON value"),
        ("[[1, 2, 3]]", "line 2: a frame of layout 'coco_wholebody_133' is a list of 133 points"),
        ('[["a", 2, 3]]', "line 2: a frame of layout"),
        ('{"time": "now", "points": []}', "line 2: a frame of layout"),
        ("7", "line 2: a frame of layout"),
        ("1" * 300_000, "line 2: has more than"),
    ],
)
def test_a_bad_line_is_named(line, said):
    with pytest.raises(UserError, match=said):
        read([lines(clip(1))[0], line])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"fsp": 30}, "unknown key 'fsp'"),
        ({"fps": 0}, "line 1: write"),
        ({"fps": "many"}, "line 1: write"),
        ({"image_size": [0, 5]}, "line 1: write"),
        ({"layout": "../keypoints"}, "is not the name of a layout"),
    ],
)
def test_a_bad_header_says_what_may_be_there(header, said):
    with pytest.raises(UserError, match=said):
        read(lines(clip(1), header))


def test_fractions_where_the_run_wants_pixels_are_refused_once():
    with pytest.raises(UserError, match="looks like fractions"):
        read(lines(clip() / 200))
    # Later a detector may say anything.
    assert len(read(lines(np.concatenate([clip(1), clip(1) / 200])))) == 2
