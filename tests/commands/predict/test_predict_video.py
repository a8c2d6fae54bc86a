"""`predict` with a run that sees video: every way of having a clip, and one answer for it."""

import contextlib
import json

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator import simulate_folder
from slr_keras.predict import main
from slr_keras.utils.errors import UserError

RECIPE = {
    "model": {"name": "c2st_tiny", "options": {"width": 16, "backbone": "resnet_micro",
                                               "language_model_options": {"width": 8}}},
    # Not all is blank, nor all a gloss.
    "decoding": {"method": "greedy", "blank_penalty": 2.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def frames_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict_video") / "data"
    return simulate_folder(folder, "demo", {"train": 6, "dev": 1, "test": 3}, frames=(32, 32))


@pytest.fixture(scope="module")
def run(frames_data, tmp_path_factory):
    """A run as `fit` leaves it; its weights are random, which is enough to emit signs."""
    import keras

    from slr_keras.config import parse_config
    from slr_keras.training.data import open_run_data
    from slr_keras.training.folder import RunFolder
    from slr_keras.training.model import build_model
    from slr_keras.training.run import write_description
    from slr_keras.utils.arrays import save_arrays

    config = parse_config({"data": {"folder": str(frames_data)}, **RECIPE})
    folder = RunFolder(tmp_path_factory.mktemp("predict_video") / "run")
    folder.open(config)
    task = open_run_data(config)
    keras.utils.set_random_seed(0)
    model = build_model(config, len(task.vocabulary), task.contract)
    write_description(folder, config, task, model.count_params())
    save_arrays(folder.best, {"model": model.variables}, {"epoch": 1, "wer": 50.0})
    return folder.path


@pytest.fixture(scope="module")
def recogniser(run):
    from slr_keras.recognition.recogniser import Recogniser
    from slr_keras.training.run import Run

    return Recogniser(Run.load(run))


@pytest.fixture
def predict(run, recogniser, capsys, monkeypatch):
    """Run the command with one model for all tests: (exit code, standard output, error)."""
    monkeypatch.setattr("slr_keras.recognition.recogniser.Recogniser", lambda *_: recogniser)

    def call(*arguments):
        with contextlib.suppress(SystemExit):
            code = main([str(run), *map(str, arguments)])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def recognised(predict):
    def call(*arguments):
        code, out, err = predict(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)["clips"]

    return call


def write_video(path, pictures, codec="ffv1", rate=25, pix_fmt="bgr0"):
    """A video file, lossless by default."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = pix_fmt
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_pictures(folder, pictures):
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number}.png")


def test_file_folder_array_manifest_and_data_folder_agree(recognised, frames_data, tmp_path, same):
    test = read_folder(frames_data)["test"]
    clips = recognised(frames_data)
    assert [clip["id"] for clip in clips] == [sample.id for sample in test]
    assert sum(len(clip["glosses"]) for clip in clips) > 3
    same(clips, recognised(frames_data / "test.jsonl"))
    for number, sample in enumerate(test):
        pictures = test.load_video(number)
        for kind in ("videos", "arrays"):
            (tmp_path / kind).mkdir(exist_ok=True)
        write_video(tmp_path / "videos" / f"{sample.id}.mkv", pictures)
        write_pictures(tmp_path / "pictures" / sample.id, pictures)
        np.save(tmp_path / "arrays" / f"{sample.id}.npy", pictures)
    for kind in ("videos", "pictures", "arrays"):
        together = recognised(tmp_path / kind)
        assert [clip["frames"] for clip in together] == [sample.frames for sample in test]
        assert [clip["fps"] for clip in together] == pytest.approx([25.0] * 3)
        same(clips, together)
        # Alone as among others.
        for path, clip in zip(sorted((tmp_path / kind).iterdir()), clips):
            same([clip], recognised(path))


def test_an_mp4_at_twice_the_rate_gives_the_same_signs_at_the_same_times(
    recognised, frames_data, tmp_path, same
):
    pictures = read_folder(frames_data)["test"].load_video(0)
    write_video(tmp_path / "slow.mp4", pictures, "libx264", 25, "yuv420p")
    np.save(tmp_path / "slow.npy", pictures)
    np.save(tmp_path / "fast.npy", np.repeat(pictures, 2, axis=0))
    (mp4,) = recognised(tmp_path / "slow.mp4")
    assert (mp4["frames"], mp4["fps"]) == (len(pictures), pytest.approx(25.0))
    assert mp4["duration"] == pytest.approx(len(pictures) / 25, abs=0.002)
    slow = recognised(tmp_path / "slow.npy")
    fast = recognised(tmp_path / "fast.npy", "--fps", 50)
    same(slow, fast)
    assert fast[0]["duration"] == slow[0]["duration"]


def test_signs_have_the_times_of_the_steps_that_emit_them(recognised, frames_data):
    for clip in recognised(frames_data):
        times = [(gloss["start"], gloss["end"]) for gloss in clip["glosses"]]
        assert times == sorted(times)
        for start, end in times:
            assert start == pytest.approx(round(start / 0.16) * 0.16, abs=1e-3)
            assert 0 <= start < end <= min(start + 0.161, clip["duration"] + 1e-3)
        assert all(0 <= gloss["confidence"] <= 1 for gloss in clip["glosses"])


def test_the_word_error_rate_is_that_of_evaluate(predict, run, frames_data, capsys):
    from slr_keras.evaluate import main as evaluate

    _, out, _ = predict(frames_data, "--format", "json")
    evaluate([str(run), "--split", "test", "--json"])
    evaluated = json.loads(capsys.readouterr().out)["sets"]["ensemble"]
    assert json.loads(out)["score"]["wer"] == evaluated["wer"]


def test_a_long_video_is_read_in_windows_to_its_end(recognised, recogniser, frames_data, tmp_path):
    pictures = read_folder(frames_data)["test"].load_video(0)
    long = np.resize(pictures, (900, *pictures.shape[1:]))
    np.save(tmp_path / "long.npy", long)
    (clip,) = recognised(tmp_path / "long.npy")
    assert clip["duration"] == 36
    assert clip["glosses"][-1]["end"] > 30
    (scores,) = recogniser.logits([long])
    assert scores["ensemble"].shape[0] == 225


def test_one_picture_is_a_clip_and_a_picture_of_another_shape_is_noticed(predict, tmp_path):
    Image.new("L", (128, 32)).save(tmp_path / "wide.png")
    code, out, err = predict(tmp_path / "wide.png", "--format", "json")
    assert code == 0
    (clip,) = json.loads(out)["clips"]
    assert (clip["frames"], clip["duration"]) == (1, 0.04)
    assert "wide.png: pictures are 128 x 32, but the run was trained on 32 x 32" in err
    assert clip["notices"]


def test_bad_clips_are_named_and_do_not_stop_the_others(predict, frames_data, tmp_path):
    pictures = read_folder(frames_data)["test"].load_video(0)[:20]
    write_video(tmp_path / "a.mp4", pictures, "libx264", 25, "yuv420p")
    (tmp_path / "b.mp4").write_bytes((tmp_path / "a.mp4").read_bytes()[:500])
    np.save(tmp_path / "c.npy", pictures[:0])
    np.save(tmp_path / "d.npy", np.zeros((20, 133, 3), np.float32))
    write_pictures(tmp_path / "e", pictures)
    (tmp_path / "e" / "13.png").write_bytes(b"not a picture")
    np.save(tmp_path / "f.npy", pictures)
    code, out, err = predict(tmp_path, "--format", "json")
    found = json.loads(out)
    assert code == 2
    assert [clip["id"] for clip in found["clips"]] == ["a", "f"]
    assert [error["id"] for error in found["errors"]] == ["b", "c", "d", "e"]
    reasons = ("not a video", "no frames", "video must be", "13.png: truncated")
    for line, reason in zip(err.splitlines(), reasons, strict=True):
        assert line.startswith(f"error: {tmp_path}")
        assert reason in line


def test_every_level_can_be_decoded(run, frames_data, capsys):
    assert main([str(run), str(frames_data), "--head", "chunk", "--limit", "1"]) == 0
    capsys.readouterr()
    with pytest.raises(UserError, match=r"no head 'left'.*chunk, video"):
        main([str(run), str(frames_data), "--head", "left"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layout", "stark_79"], "--layout: applies to keypoints"),
        (["--image-size", "64x64"], "--image-size: applies to keypoints"),
        (["--split", "nowhere"], "no split 'nowhere'"),
    ],
)
def test_what_cannot_be_done_with_video_is_refused(predict, frames_data, arguments, message):
    with pytest.raises(UserError, match=message):
        predict(frames_data, *arguments)


def test_keypoints_and_text_are_no_videos(predict, data, frames_data, tmp_path):
    with pytest.raises(UserError, match=r"frames.json"):
        predict(data)
    with pytest.raises(UserError, match=r"test.frames.npy: holds all clips of test.jsonl"):
        predict(frames_data / "test.frames.npy")
    (tmp_path / "notes.txt").write_text("a video, they said\n" * 99)
    with pytest.raises(UserError, match=r"notes.txt: not a clip; give a video"):
        predict(tmp_path / "notes.txt")
    with pytest.raises(UserError, match="no clip in this folder"):
        predict(tmp_path)
