"""`python -m slr_keras.predict` on a video, for a run that sees keypoints."""

import sys

import numpy as np
import pytest

from slr_keras.data.rates import at_rate
from slr_keras.data.video.recordings import shown_in
from slr_keras.utils.errors import UserError

pytest.importorskip("mediapipe")
pytest.importorskip("av")

PAIRED = ("--layout", "mediapipe_holistic_543")


@pytest.fixture
def video(tmp_path, portrait, film):
    pictures = [np.roll(portrait, 4 * number, axis=1) for number in range(6)]
    return film(tmp_path / "clip.mp4", pictures, [0, 20, 40, 60, 80, 100])


def test_keypoints_are_found_in_a_video_and_kept_where_the_user_says(
    predict, recognised, video, tmp_path, monkeypatch
):
    cache = tmp_path / "cache"
    (clip,) = recognised(video, *PAIRED, "--cache", cache)
    # Of fifty pictures a second, the twenty-five that the run sees.
    seen = len(list(at_rate(shown_in(video, 25.0), 25.0)))
    assert 3 <= seen < 6
    assert (clip["id"], clip["frames"], clip["fps"]) == ("clip", seen, 25.0)
    (kept,) = cache.iterdir()
    with np.load(kept, allow_pickle=False) as file:
        assert file["keypoints"].shape == (seen, 543, 4)
        assert (file["keypoints"][:, :9, 3] > 0.5).all()
    # Nothing beside the video.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "clip.mp4"]

    def fail(*arguments, **options):
        raise AssertionError("the keypoints are in the cache")

    monkeypatch.setattr("slr_keras.recognition.modality.extracted.landmark_frames", fail)
    assert recognised(video, *PAIRED, "--cache", cache) == [clip]
    # Another video of the same name is another.
    video.write_bytes(video.read_bytes() + b"\0")
    code, _, err = run(predict, video, *PAIRED, "--cache", cache)
    assert code == 2
    assert "the keypoints are in the cache" in err


def test_a_run_of_other_points_asks_to_pair_them_before_any_are_found(predict, video, monkeypatch):
    code, _, err = run(predict, video)
    assert code == 2
    assert "--layout mediapipe_holistic_543 to pair the points" in err


def test_without_mediapipe_the_user_is_told_what_to_install(predict, video, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    code, _, err = run(predict, video, *PAIRED)
    assert code == 2
    assert "pip install 'slr-keras[keypoints" in err


def run(predict, *arguments):
    """Exit code, output and error, where the command refuses in one line."""
    try:
        return predict(*arguments)
    except UserError as error:
        return 2, "", str(error)


def test_videos_in_a_folder_are_clips_unless_their_keypoints_lie_beside_them(tmp_path, whole_body):
    from slr_keras.data.layout import layout
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides

    for name in ("a.mp4", "b.mp4", "b.npz", "notes.txt"):
        (tmp_path / name).touch()
    overrides = Overrides(layout("mediapipe_holistic_543"))
    clips = find_clips([tmp_path], whole_body, overrides=overrides)
    assert [clip.source for clip in clips] == [str(tmp_path / "a.mp4"), str(tmp_path / "b.npz")]


def test_a_video_that_is_damaged_costs_itself_alone(predict, video, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(video.read_bytes()[:500])
    code, out, err = predict(tmp_path / "broken.mp4", video, *PAIRED)
    assert code == 2
    assert out.startswith("clip: ")
    assert "broken.mp4: truncated, or not a video" in err


def test_a_data_folder_of_video_is_sent_to_extract(tmp_path, whole_body):
    from slr_keras.data.manifest import write_manifest
    from slr_keras.data.sample import Sample
    from slr_keras.data.video.contract import FrameContract
    from slr_keras.recognition.find_clips import find_clips

    FrameContract((64, 48)).write(tmp_path / "frames.json")
    write_manifest(tmp_path / "test.jsonl", [Sample("a", (), 5, video="a.mp4")])
    with pytest.raises(UserError, match=r"test.jsonl: the clips are videos.*slr extract"):
        find_clips([tmp_path], whole_body)


def test_the_annotated_video_shows_the_keypoints_that_were_found_without_finding_them_again(
    predict, video, tmp_path, monkeypatch
):
    import av

    from slr_keras.recognition.modality import extracted

    calls, landmark_frames = [], extracted.landmark_frames
    monkeypatch.setattr(
        extracted, "landmark_frames", lambda *a, **k: calls.append(a) or landmark_frames(*a, **k)
    )
    code, _, _ = predict(video, *PAIRED, "--video", tmp_path / "out.mp4")
    assert (code, len(calls)) == (0, 1)
    with av.open(str(tmp_path / "out.mp4")) as container:
        # Every picture of the recording, more than the run reads.
        assert container.streams.video[0].frames == len(list(shown_in(video, 25.0)))
    with pytest.raises(UserError, match="is an input"):
        predict(video, *PAIRED, "--video", video)
