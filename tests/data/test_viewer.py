"""Pictures of clips: what is drawn where, and files that other programs can open."""

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.contract import contract
from slr_keras.data.drawable import LEFT, RIGHT
from slr_keras.data.simulator import Simulator
from slr_keras.data.viewer import draw_frame, figure, write_gif, write_sheet
from slr_keras.utils.errors import UserError

COCO = contract("coco_wholebody_133")


@pytest.fixture(scope="module")
def clip():
    return Simulator("demo").sample("test-00001", "test")


def near(image, colour):
    """How many pixels are close to a colour."""
    return int((np.abs(np.asarray(image, int) - colour).max(-1) < 40).sum())


def one_point(name, place, score=0.9):
    raw = np.zeros((1, 133, 3), np.float32)
    raw[0, COCO.source.points.index(name)] = [*place, score]
    raw[0, 0] = [5, 5, 1]
    return raw


def test_a_gif_has_every_frame_at_the_speed_of_the_clip(clip, tmp_path):
    raw = clip.keypoints[:12]
    drawn = figure(raw, COCO, height=100, fps=25.0, glosses=clip.glosses)
    assert write_gif(drawn, tmp_path / "a.gif") == 12
    with Image.open(tmp_path / "a.gif") as image:
        assert image.format == "GIF"
        assert image.n_frames == 12
        assert image.info["duration"] == 40
        assert image.info["loop"] == 0


def test_a_gif_of_a_motionless_clip_still_has_every_frame(tmp_path):
    raw = np.repeat(one_point("left_elbow", (50, 50)), 6, axis=0)
    write_gif(figure(raw, COCO, height=80), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 6


@pytest.mark.parametrize(("frames", "columns", "rows"), [(6, 3, 2), (7, 3, 3), (50, 6, 4)])
def test_a_sheet_has_as_many_cells_as_asked_or_as_there_are(clip, tmp_path, frames, columns, rows):
    drawn = figure(clip.keypoints[:20], COCO, height=60)
    assert write_sheet(drawn, tmp_path / "a.png", frames, columns) == min(frames, 20)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        cell = draw_frame(drawn, 0).size
        assert image.size == (cell[0] * columns, cell[1] * rows)


def test_points_lie_where_the_pixels_say_and_sides_have_their_colours():
    for name, colour, other in (("left_elbow", LEFT, RIGHT), ("right_elbow", RIGHT, LEFT)):
        image = draw_frame(figure(one_point(name, (105, 65)), COCO, height=1040), 0)
        spot = image.crop((400, 240, 440, 280))
        assert near(spot, colour) > 3
        assert near(image.crop((0, 0, 840, 1000)), other) == 0


def test_unfound_points_are_hollow_and_doubtful_ones_faint():
    def darkness(score):
        image = draw_frame(figure(one_point("left_elbow", (105, 65), score), COCO, height=260), 0)
        return int((255 - np.asarray(image.crop((98, 58, 113, 73)).convert("L"), int)).sum())

    assert darkness(0.05) < 0.6 * darkness(0.9)
    assert 0 < darkness(0.2) < 0.6 * darkness(0.9)
    hollow = figure(one_point("left_elbow", (105, 65), 0.05), COCO, height=260)
    row = COCO.source.points.index("left_elbow")
    assert not hollow.detected[0, row]
    assert hollow.placed[0, row]


def test_the_prepared_view_shows_the_models_points_in_the_same_place(clip):
    raw = figure(clip.keypoints, COCO, height=260)
    model = figure(clip.keypoints, COCO, prepared=True, height=260)
    assert model.points.shape[1] == 79
    wrists = [list(COCO.points).index("left_wrist"), COCO.source.points.index("left_wrist")]
    both = model.detected[:, wrists[0]] & raw.detected[:, wrists[1]]
    both &= model.strength[:, wrists[0]] > 0.3
    difference = model.points[both, wrists[0]] - raw.points[both, wrists[1]]
    assert np.abs(difference).max() < 0.01
    assert model.detected.mean() > raw.detected[:, list(COCO.indices)].mean()


def test_y_up_layouts_are_drawn_head_up():
    kinect = contract("kinect_20")
    raw = np.zeros((2, 20, len(kinect.source.channels)), np.float32)
    raw[..., -1] = 1
    raw[..., 1] = -1.0
    head = kinect.source.points.index("head")
    raw[:, head, :2] = [0.1, 0.7]
    drawn = figure(raw, kinect)
    assert kinect.y_axis == "up"
    assert drawn.points[0, head, 1] < drawn.points[0, (head + 3) % 20, 1]


def test_the_caption_marks_the_current_gloss(clip):
    from slr_keras.data.viewer import MARK

    start, end = clip.scene.spans[0]
    drawn = figure(clip.keypoints, COCO, glosses=clip.glosses, spans=clip.scene.spans, height=200)
    height = drawn.size[1]
    strip = (0, height + 14, drawn.size[0], height + 28)
    assert near(draw_frame(drawn, start).crop(strip), MARK) > 20
    assert near(draw_frame(drawn, start - 1).crop(strip), MARK) == 0
    assert near(draw_frame(drawn, end).crop(strip), MARK) == 0


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.zeros((0, 133, 3), np.float32), "no frames"),
        (np.zeros((4, 133, 3), np.float32), "every point of every frame is missing"),
        (np.full((4, 133, 3), np.nan, np.float32), "every point of every frame is missing"),
        (np.ones((4, 20, 3), np.float32), "133 points"),
    ],
)
@pytest.mark.parametrize("prepared", [False, True])
def test_clips_that_cannot_be_drawn_are_refused(raw, message, prepared):
    with pytest.raises(UserError, match=message):
        figure(raw, COCO, prepared, title="a")


def test_infinite_coordinates_of_single_points_do_no_harm(clip, tmp_path):
    raw = clip.keypoints[:3].copy()
    raw[1, 9] = np.inf
    raw[2, 95, 0] = np.nan
    assert write_gif(figure(raw, COCO, height=80), tmp_path / "a.gif") == 3
