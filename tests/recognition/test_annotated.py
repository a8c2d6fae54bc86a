"""Annotated videos: points where and when they were found, signs when they were recognised."""

import sys

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout, layout_from_json
from slr_keras.recognition import Clip, Gloss, Prediction
from slr_keras.recognition.annotated.films import Films
from slr_keras.recognition.clip import Failure, Pictures, Points
from slr_keras.recognition.modality.base import Overrides
from slr_keras.utils.errors import UserError

av = pytest.importorskip("av")

FPS, FRAMES = 25.0, 20
RULES = contract(
    layout_from_json(
        {
            "name": "two",
            "points": ["left_wrist", "right_wrist"],
            "mirror": {"left_wrist": "right_wrist"},
            "streams": {"body": ["left_wrist", "right_wrist"]},
        }
    ),
    image_size=(320, 240),
    fps=FPS,
)
SIGNS = (Gloss("R&B", 0.2, 0.4, 0.91), Gloss("ÜBER", 0.56, 0.72, 0.5))


def points():
    """The left wrist moves to the right by 10 pixels a frame; the right one is missing."""
    values = np.zeros((FRAMES, 2, 3), np.float32)
    values[:, 0] = np.stack([40 + 10 * np.arange(FRAMES), np.full(FRAMES, 80), np.ones(FRAMES)], 1)
    return Points(values)


def prediction(clip, signs=SIGNS, frames=FRAMES, fps=FPS):
    return Prediction(clip.id, clip.source, frames, fps, signs)


def filmed(to, clip, result=None, rules=RULES, overrides=None):
    """The pictures and the rate of the annotated video of a clip, and the prediction."""
    films = Films(to, [clip], rules, overrides or Overrides())
    films.clips[0].read()
    (found,) = films.drawn([result or prediction(clip)])
    with av.open(str(to)) as container:
        rate = container.streams.video[0].average_rate
        return (
            [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)],
            rate,
            found,
        )


def marks(picture):
    """Mean place (x, y) of the pixels that differ from the ground."""
    rows, columns = np.nonzero((abs(picture.astype(int) - picture[0, 0]) > 50).any(-1))
    return (columns.mean(), rows.mean()) if len(rows) else None


def lit(picture, height):
    """Whether the large line of the caption is white, as during a sign."""
    strip = picture[height : height + 64, 12:]
    return bool((strip.min(-1) > 225).sum() > 50)


@pytest.fixture
def video(tmp_path, film):
    black = np.zeros((240, 320, 3), np.uint8)
    return film(tmp_path / "clip.mp4", [black] * FRAMES)


def test_points_are_drawn_where_and_when_they_were_found(tmp_path, video):
    clip = Clip("clip", str(video), points, video=video)
    pictures, rate, _ = filmed(tmp_path / "out.mp4", clip)
    assert (len(pictures), rate) == (FRAMES, FPS)
    # Small pictures are enlarged by half.
    for number, picture in enumerate(pictures):
        found = marks(picture[:360])
        assert found == pytest.approx((1.5 * (40 + 10 * number), 120), abs=3)


def test_a_video_of_twice_the_rate_keeps_its_pictures_and_shows_each_point_twice(tmp_path, film):
    black = np.zeros((240, 320, 3), np.uint8)
    video = film(tmp_path / "fast.mp4", [black] * 40, [20 * n for n in range(40)])
    clip = Clip("fast", str(video), points, video=video)
    pictures, rate, _ = filmed(tmp_path / "out.mp4", clip)
    assert (len(pictures), rate) == (40, 50)
    for number in (0, 1, 10, 11, 39):
        assert marks(pictures[number][:360])[0] == pytest.approx(
            1.5 * (40 + 10 * (number // 2)), abs=3
        )


def test_a_sign_is_lit_in_exactly_the_frames_of_its_times(tmp_path, video):
    clip = Clip("clip", str(video), points, video=video)
    pictures, _, _ = filmed(tmp_path / "out.mp4", clip)
    expected = [5 <= n < 10 or 14 <= n < 18 for n in range(FRAMES)]
    assert [lit(picture, 360) for picture in pictures] == expected


def test_points_without_video_are_drawn_on_a_plain_ground(tmp_path):
    clip = Clip("clip", "clip.npy", points)
    pictures, rate, _ = filmed(tmp_path / "out.mp4", clip)
    assert (len(pictures), rate) == (FRAMES, FPS)
    assert (pictures[0][500:530, :100] > 240).all()
    across = [marks(picture[:540])[0] for picture in pictures]
    assert np.allclose(np.diff(across), 10 * 540 / 240, atol=3)


def test_pictures_that_a_run_of_video_read_keep_their_colours(tmp_path):
    from slr_keras.data.rates import steady
    from slr_keras.data.video.contract import FrameContract

    green = np.full((90, 120, 3), (20, 160, 60), np.uint8)
    clip = Clip("clip", "clip.npy", lambda: Pictures(lambda given: steady([green] * 7, 12.5)))
    result = prediction(clip, (Gloss("ONE", 0, 0.56, 0.9),), 7, 12.5)
    pictures, rate, _ = filmed(tmp_path / "out.mp4", clip, result, FrameContract((120, 90)))
    assert (len(pictures), rate) == (7, 12.5)
    assert pictures[3].shape[1] == 480
    assert np.abs(pictures[3][:340].astype(int) - (20, 160, 60)).max() < 12


def test_body_coordinates_are_placed_by_the_size_that_the_file_states(tmp_path, video):
    from dataclasses import replace

    doubled = points()
    doubled.values[..., :2] *= 2
    doubled = replace(doubled, image_size=(640.0, 480.0))
    whole_body = contract(
        "coco_wholebody_133", normalisation="body", fps=FPS, image_size=(320, 240)
    )
    values = np.zeros((FRAMES, 133, 3), np.float32)
    row = layout("coco_wholebody_133").points.index("left_wrist")
    values[:, row] = doubled.values[:, 0]
    clip = Clip("clip", str(video), lambda: replace(doubled, values=values), video=video)
    pictures, _, _ = filmed(tmp_path / "out.mp4", clip, rules=whole_body)
    assert marks(pictures[4][:360]) == pytest.approx((1.5 * 80, 120), abs=3)


def test_points_are_read_once(tmp_path, video):
    reads = []
    clip = Clip("clip", str(video), lambda: reads.append(1) or points(), video=video)
    filmed(tmp_path / "out.mp4", clip)
    assert reads == [1]


def test_a_clip_that_failed_has_no_video_and_others_do(tmp_path, video):
    clips = [Clip(name, f"{name}.npy", points) for name in ("a", "b/c")]
    films = Films(tmp_path / "out", clips, RULES, Overrides())
    films.clips[1].read()
    failure = Failure("a", "a.npy", "a.npy: has no frames")
    found = list(films.drawn([failure, prediction(clips[1])]))
    assert found[0] is failure
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [
        tmp_path / "out" / "b" / "c.mp4"
    ]


def test_a_clip_without_any_point_costs_its_video_alone(tmp_path):
    clip = Clip("clip", "clip.npy", lambda: Points(np.zeros((FRAMES, 2, 3), np.float32)))
    films = Films(tmp_path / "out.mp4", [clip], RULES, Overrides())
    films.clips[0].read()
    (found,) = films.drawn([prediction(clip)])
    assert found.glosses == SIGNS
    assert "no video drawn" in found.notices[0]
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_stopped_leaves_no_file(tmp_path, video, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("slr_keras.recognition.annotated.caption.Caption.drawn", stop)
    clip = Clip("clip", str(video), points, video=video)
    with pytest.raises(KeyboardInterrupt):
        filmed(tmp_path / "out.mp4", clip)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_an_input_is_never_replaced(tmp_path, video):
    clip = Clip("clip", str(video), points, video=video)
    (tmp_path / "link.mp4").symlink_to(video)
    (tmp_path / "hard.mp4").hardlink_to(video)
    for name in ("clip.mp4", "link.mp4", "hard.mp4", "../" + tmp_path.name + "/clip.mp4"):
        with pytest.raises(UserError, match="is an input"):
            Films(tmp_path / name, [clip], RULES, Overrides())
    with pytest.raises(UserError, match="is an input"):
        Films(str(tmp_path), [clip], RULES, Overrides())


def test_mistakes_are_named_before_anything_is_recognised(tmp_path, monkeypatch):
    one, two = (Clip(name, f"{name}.npy", points) for name in "ab")
    with pytest.raises(UserError, match=r"out.avi: the format is mp4"):
        Films(tmp_path / "out.avi", [one], RULES, Overrides())
    with pytest.raises(UserError, match=r"out.mp4: 2 clips make several videos; name a folder"):
        Films(tmp_path / "out.mp4", [one, two], RULES, Overrides())
    monkeypatch.setitem(sys.modules, "av.codec.codec", None)
    with pytest.raises(UserError, match=r"writing video files needs .*slr-keras\[video\]"):
        Films(tmp_path / "out.mp4", [one], RULES, Overrides())
    assert Films(None, [one, two], RULES, Overrides()).clips == [one, two]


def test_characters_that_no_font_shows_are_named(tmp_path, monkeypatch):
    clip = Clip("clip", "clip.npy", points)
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", list)
    result = prediction(clip, (Gloss("A\U000f0000", 0, 1, 0.5),))
    _, _, found = filmed(tmp_path / "out.mp4", clip, result)
    assert "no font here shows \U000f0000" in found.notices[0]
    _, _, found = filmed(tmp_path / "out.mp4", clip, prediction(clip, (Gloss("ÑÜŞЖΩ", 0, 1, 0.5),)))
    assert found.notices == ()


def test_an_upright_recording_stays_upright(tmp_path, video, monkeypatch):
    pictures = np.zeros((FRAMES, 320, 240, 3), np.uint8)
    pictures[:, :40] = 255
    from slr_keras.data.rates import steady

    monkeypatch.setattr(
        "slr_keras.recognition.annotated.pictures.shown_in", lambda *_: steady(pictures, FPS)
    )
    clip = Clip("clip", str(video), points, video=video)
    found, _, _ = filmed(tmp_path / "out.mp4", clip)
    assert found[0].shape[0] > found[0].shape[1] == 480
    assert (found[0][:70] > 240).all()


def test_every_encoder_that_is_there_writes_a_readable_video(tmp_path, monkeypatch):
    from slr_keras.data.video import encoding

    pictures = np.zeros((7, 49, 65, 3), np.uint8)
    pictures[:, :, :30] = 200
    for name, options in encoding._ENCODERS.items():
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        monkeypatch.setattr(encoding, "_ENCODERS", {name: options})
        assert encoding.write_video(tmp_path / "a.mp4", pictures, 29.97002997) == 7
        with av.open(str(tmp_path / "a.mp4")) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            assert round(float(container.streams.video[0].average_rate), 2) == 29.97
        assert np.shape(frames) == (7, 48, 64, 3)
        assert abs(int(frames[3][20, 10, 0]) - 200) < 12
    with pytest.raises(UserError, match="no pictures to write"):
        encoding.write_video(tmp_path / "b.mp4", [], 25)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
