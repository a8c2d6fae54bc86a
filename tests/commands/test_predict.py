"""`predict`: from what a user has to glosses, with a real run, whatever the user has."""

import contextlib
import copy
import json
import re
import subprocess
import sys
import zlib

import numpy as np
import pytest

from slr_keras.config import parse_config
from slr_keras.data.contract import contract
from slr_keras.data.layout import layout
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.errors import UserError
from slr_keras.predict import main

GLOSSES = ("NORTH", "EAST", "SOUTH", "WEST")
FRAMES = (40, 21, 1, 33, 4, 64, 7, 40)
MODEL = {
    "widths": [8],
    "stem_width": 8,
    "heads": 1,
    "window": 3,
    "pools": [1],
    "head_width": 16,
    "feed_forward_width": 16,
}


def moving(frames, rng, points=133):
    """A body that jumps about an image of 210 x 260 every eight frames: `(frames, points, 3)`."""
    values = np.empty((frames, points, 3), np.float32)
    jumps = rng.uniform(-60, 60, (frames // 8 + 1, 1, 2)).repeat(8, axis=0)[:frames]
    values[..., :2] = rng.uniform(70, 140, (points, 2)) + jumps + rng.normal(0, 2, jumps.shape)
    values[..., 2] = rng.uniform(0.5, 1, (frames, points))
    return values


def give_weights(model, points):
    """Weights that depend on names alone and recognise many signs in `(time, points, 3)`."""
    classifiers = {}
    for weight in model.weights:
        if weight.path.endswith("kernel"):
            rng = np.random.default_rng(zlib.crc32(weight.path.encode()))
            weight.assign(rng.normal(0, 1 / np.sqrt(weight.shape[-2]), weight.shape))
        elif weight.path.endswith("output/bias") and weight.path.startswith("head_"):
            classifiers[weight.path.split("/")[0].removeprefix("head_")] = weight
    inputs = {"keypoints": points[None], "mask": np.ones((1, len(points)), np.float32)}
    for head, logits in model(inputs, training=False).items():
        # Every class is the best one now and then, but the unknown gloss never.
        bias = np.array(classifiers[head]) - np.mean(logits[0], axis=0)
        bias[1] -= 50
        classifiers[head].assign(bias)


@pytest.fixture(scope="session")
def whole_body():
    return contract("coco_wholebody_133", image_size=(210, 260), fps=25.0)


@pytest.fixture(scope="session")
def data(tmp_path_factory, whole_body):
    """A data folder with clips of many lengths."""
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("predict") / "data"
    with FolderWriter(folder, whole_body) as writer:
        for split, signer in (("train", "a"), ("dev", "b"), ("test", "c")):
            for number, frames in enumerate(FRAMES):
                writer.add(
                    split,
                    id=f"{split}-{number}",
                    glosses=[GLOSSES[number % 4], GLOSSES[(number + 1) % 4]],
                    keypoints=moving(frames, rng),
                    signer=signer,
                )
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory, data, whole_body):
    """A run as `fit` leaves it; its weights are random, which recognises plenty of signs."""
    from slr_keras.training.checkpoint import save_arrays
    from slr_keras.training.folder import RunFolder
    from slr_keras.training.run import write_description
    from slr_keras.training.task import build_model, read_task

    recipe = {
        "data": {"folder": str(data)},
        "model": {"name": "stark_tiny", "options": MODEL},
        "decoding": {"method": "greedy"},
    }
    config = parse_config(recipe)
    folder = RunFolder(tmp_path_factory.mktemp("predict") / "run")
    folder.open(config)
    task = read_task(config.data)
    model = build_model(config, len(task.vocabulary), whole_body)
    give_weights(model, whole_body.prepare(moving(400, np.random.default_rng(0))))
    write_description(folder, config, task, model.count_params())
    save_arrays(folder.best, {"model": model.variables}, {"epoch": 1, "wer": 50.0})
    return folder.path


@pytest.fixture(scope="session")
def recognisers():
    """Recognisers that share one model, and for the same heads its graph: both take seconds."""
    from slr_keras.readout import CtcReadout
    from slr_keras.recognise import Recogniser

    by_heads = {}

    def make(run, decoding):
        if not by_heads:
            by_heads[decoding.heads] = Recogniser(run, decoding)
        if decoding.heads not in by_heads:
            other = copy.copy(next(iter(by_heads.values())))
            other.decoding, other._predict = decoding, None
            other._readout = CtcReadout(decoding.heads)
            by_heads[decoding.heads] = other
        by_heads[decoding.heads]._forward()
        sharing = copy.copy(by_heads[decoding.heads])
        sharing.decoding = decoding
        return sharing

    return make


@pytest.fixture
def predict(trained, recognisers, capsys, monkeypatch):
    """Run the command in this process: (exit code, standard output, standard error)."""
    monkeypatch.setattr("slr_keras.recognise.Recogniser", recognisers)

    def call(*arguments):
        with contextlib.suppress(SystemExit):
            code = main([str(trained), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def recognised(predict):
    """The clips of the command's JSON."""

    def call(*arguments):
        code, out, err = predict(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)["clips"]

    return call


def same(clips, others):
    assert [[g["gloss"] for g in c["glosses"]] for c in clips] == [
        [g["gloss"] for g in c["glosses"]] for c in others
    ]
    for clip, other in zip(clips, others, strict=True):
        for a, b in zip(clip["glosses"], other["glosses"], strict=True):
            assert (a["start"], a["end"]) == (b["start"], b["end"])
            assert a["confidence"] == pytest.approx(b["confidence"], abs=2e-4)


def test_the_glosses_are_those_of_the_recogniser(recognised, recognisers, trained, data):
    from slr_keras.training.run import Run

    run = Run.load(trained)
    recogniser = recognisers(run, run.decoding)
    test = read_folder(data)["test"]
    clips = recognised(data)
    assert sum(len(clip["glosses"]) for clip in clips) > 12
    for index, clip in enumerate(clips):
        found = recogniser.recognise(test.load(index))
        assert [gloss["gloss"] for gloss in clip["glosses"]] == list(found.glosses)
        assert [gloss["start"] for gloss in clip["glosses"]] == [
            pytest.approx(start, abs=1e-3) for start, _ in found.times
        ]


def test_a_clip_alone_is_recognised_as_among_others(recognised, data, tmp_path):
    test = read_folder(data)["test"]
    for index, sample in enumerate(test):
        np.save(tmp_path / f"{sample.id}.npy", test.load(index))
    together = recognised(tmp_path)
    same(together, recognised(data))
    for clip in together:
        same([clip], recognised(tmp_path / f"{clip['id']}.npy"))


def test_file_manifest_folder_and_data_folder_agree(recognised, data, tmp_path):
    test = read_folder(data)["test"]
    np.savez(tmp_path / "test-0.npz", keypoints=test.load(0), fps=25.0)
    clips = recognised(data)
    assert [clip["id"] for clip in clips] == [f"test-{n}" for n in range(len(FRAMES))]
    assert [clip["frames"] for clip in clips] == list(FRAMES)
    same(clips, recognised(data / "test.jsonl"))
    same(clips[:1], recognised(tmp_path / "test-0.npz"))
    same(clips[:1], recognised(tmp_path))
    same(clips[:3], recognised(data, "--limit", 3))
    assert recognised(data, "--split", "dev")[0]["id"] == "dev-0"


def test_times_lie_within_the_clip_and_follow_each_other(recognised, data):
    for clip in recognised(data):
        assert clip["duration"] == pytest.approx(clip["frames"] / 25, abs=1e-3)
        times = [t for gloss in clip["glosses"] for t in (gloss["start"], gloss["end"])]
        assert times == sorted(times)
        assert all(0 <= time <= clip["duration"] for time in times)
        assert all(0 <= gloss["confidence"] <= 1 for gloss in clip["glosses"])


def test_the_frame_rate_scales_times_and_not_glosses(recognised, data, tmp_path):
    # Every frame twice at twice the rate is the same clip.
    test = read_folder(data)["test"]
    np.save(tmp_path / "slow.npy", test.load(0))
    np.savez(tmp_path / "fast.npz", keypoints=np.repeat(test.load(0), 2, axis=0), fps=50.0)
    slow = recognised(tmp_path / "slow.npy")
    same(slow, recognised(tmp_path / "fast.npz"))
    same(slow, recognised(tmp_path / "fast.npz", "--fps", 50))
    assert recognised(tmp_path / "fast.npz", "--fps", 25)[0]["duration"] == 3.2


def test_the_models_79_points_are_accepted_when_named(recognised, predict, data, tmp_path):
    test = read_folder(data)["test"]
    names = layout("stark_79").points
    selected = test.load(0)[:, list(layout("coco_wholebody_133").indices(names))]
    np.save(tmp_path / "clip.npy", selected)
    same(recognised(data, "--limit", 1), recognised(tmp_path, "--layout", "stark_79"))
    code, out, err = predict(tmp_path / "clip.npy")
    assert code == 2
    assert out.strip() == ""
    assert re.search(r"clip.npy: .*79.*coco_wholebody_133.*133.*--layout stark_79", err)


def test_a_video_of_another_size_gives_the_same_glosses(recognised, data, tmp_path):
    clip = np.array(read_folder(data)["test"].load(0))
    np.save(tmp_path / "large.npy", clip * np.array([2, 2, 1], np.float32))
    found = recognised(tmp_path / "large.npy", "--image-size", "420x520")
    same(recognised(data, "--limit", 1), found)


def test_one_frame_gives_a_defined_result(recognised, data):
    (clip,) = (clip for clip in recognised(data) if clip["frames"] == 1)
    assert clip["duration"] == 0.04
    assert len(clip["glosses"]) <= 1
    assert all(gloss["end"] <= 0.04 for gloss in clip["glosses"])


def test_a_clip_longer_than_the_model_is_trained_on_is_recognised_to_its_end(recognised, tmp_path):
    np.save(tmp_path / "long.npy", moving(1500, np.random.default_rng(0)))
    (clip,) = recognised(tmp_path)
    assert clip["glosses"][-1]["end"] > 50


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_missing_points_and_noticed(
    predict, recognised, data, tmp_path, bad
):
    clip = np.array(read_folder(data)["test"].load(0))
    clip[3:9, 100:110] = 0
    np.save(tmp_path / "zeros.npy", clip)
    clip[3:9, 100:110] = bad
    np.save(tmp_path / "bad.npy", clip)
    code, out, err = predict(tmp_path / "bad.npy", "--format", "json")
    assert code == 0
    assert err.splitlines() == [
        f"notice: {tmp_path / 'bad.npy'}: 60 points in 6 frames with NaN or infinite values, "
        "taken as missing"
    ]
    found = json.loads(out)["clips"]
    assert "60 points in 6 frames" in found[0]["notices"][0]
    same(recognised(tmp_path / "zeros.npy"), found)


def test_one_bad_file_does_not_stop_the_others_and_is_reported_at_the_end(predict, tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "a.npy", moving(20, rng))
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY truncated")
    np.save(tmp_path / "c.npy", moving(20, rng)[:0])
    np.save(tmp_path / "d.npy", moving(20, rng, points=20))
    np.savez(tmp_path / "e.npz", keypoints=moving(20, rng), fps=0.0)
    np.save(tmp_path / "f.npy", moving(30, rng))
    code, _, err = predict(tmp_path, "--format", "json", "--to", tmp_path / "out.json")
    assert code == 2
    assert "Traceback" not in err
    found = json.loads((tmp_path / "out.json").read_text())
    assert [clip["id"] for clip in found["clips"]] == ["a", "f"]
    assert [error["id"] for error in found["errors"]] == ["b", "c", "d", "e"]
    lines = err.splitlines()
    assert [line for line in lines if not line.startswith("error: ")] == []
    for line, (name, reason) in zip(
        lines,
        [("b.npy", "truncated"), ("c.npy", "no frames"), ("d.npy", "20"), ("e.npz", "rate")],
        strict=True,
    ):
        assert f"{tmp_path / name}: " in line
        assert reason in line


def test_many_failures_are_counted_and_not_all_listed(predict, tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.npy").write_bytes(b"")
    code, _, err = predict(tmp_path)
    assert code == 2
    assert len(err.splitlines()) <= 12
    assert "20 more" in err


def test_text_shows_one_line_a_clip_errors_and_the_word_error_rate(predict, recognised, data):
    from slr_keras.metrics.wer import word_error_rate

    _, out, _ = predict(data)
    clips = recognised(data)
    for clip in clips:
        words = " ".join(gloss["gloss"] for gloss in clip["glosses"])
        assert f"{clip['id']}: {words}".rstrip() + "\n" in out
    assert out.count("  REF: ") == out.count("  HYP: ") == len(clips)
    expected = word_error_rate(
        [clip["reference"] for clip in clips],
        [[gloss["gloss"] for gloss in clip["glosses"]] for clip in clips],
    )
    assert f"WER {expected.wer:.2f} % of {expected.references} glosses in 8 clips" in out


def test_the_word_error_rate_is_that_of_evaluate(predict, trained, data, capsys):
    from slr_keras.evaluate import main as evaluate

    _, out, _ = predict(data, "--format", "json")
    score = json.loads(out)["score"]
    evaluate([str(trained), "--split", "test", "--json"])
    evaluated = json.loads(capsys.readouterr().out)["sets"]["ensemble"]
    assert score["wer"] == evaluated["wer"]
    assert 0 < score["substitutions"] + score["deletions"] < score["references"]


def test_text_without_references_shows_glosses_alone_and_times_on_request(predict, tmp_path):
    np.save(tmp_path / "clip.npy", moving(64, np.random.default_rng(0)))
    code, out, _ = predict(tmp_path / "clip.npy")
    assert code == 0
    assert re.fullmatch(r"clip: [A-Z ]+\n", out)
    glosses = out.split()[1:]
    _, out, _ = predict(tmp_path / "clip.npy", "--times")
    _, columns, *rows = out.splitlines()
    assert columns.split() == ["start", "end", "confidence", "gloss"]
    assert [row.split()[3] for row in rows] == glosses


def test_json_names_the_run_its_vocabulary_and_its_contract(predict, trained, data, whole_body):
    from slr_keras.data.vocabulary import Vocabulary

    _, out, _ = predict(data, "--format", "json", "--beam", 3, "--head", "left")
    found = json.loads(out)
    assert found["run"] == str(trained)
    assert found["model"] == "stark_tiny"
    assert found["vocabulary"] == Vocabulary.read(trained / "vocabulary.txt").digest
    assert found["contract"] == whole_body.digest
    assert found["head"] == "left"
    assert (found["decoding"]["method"], found["decoding"]["beam"]) == ("beam", 3)


def test_every_head_can_be_decoded_and_they_differ(recognised, data):
    heads = ("ensemble", "fuse", "left")
    found = {
        head: str([clip["glosses"] for clip in recognised(data, "--head", head)]) for head in heads
    }
    assert len(set(found.values())) == len(heads)


def test_an_unknown_head_names_those_there_are(predict, data):
    with pytest.raises(UserError, match=r"no head 'lft'.*\bleft\b"):
        predict(data, "--head", "lft")


def test_webvtt_of_one_clip_goes_to_a_file_or_to_standard_output(predict, data, trained, tmp_path):
    _, out, _ = predict(data, "--limit", 1, "--format", "vtt")
    assert out.startswith("WEBVTT\n\nNOTE\nclip: test-0\n")
    assert f"run: {trained}\n" in out
    assert " --> " in out
    predict(data, "--limit", 1, "--format", "vtt", "--to", tmp_path / "new" / "clip.vtt")
    assert (tmp_path / "new" / "clip.vtt").read_text() == out


def test_webvtt_of_several_clips_goes_to_a_folder(predict, data, tmp_path):
    code, out, _ = predict(data, "--format", "vtt", "--to", tmp_path / "subtitles")
    assert (code, out) == (0, "")
    assert sorted(path.name for path in (tmp_path / "subtitles").iterdir()) == [
        f"test-{n}.vtt" for n in range(len(FRAMES))
    ]
    text = (tmp_path / "subtitles" / "test-5.vtt").read_text()
    assert text.startswith("WEBVTT\n\nNOTE\nclip: test-5\n")


def test_webvtt_keeps_subfolders_and_leaves_the_folder_never(predict, whole_body, tmp_path):
    rng = np.random.default_rng(0)
    with FolderWriter(tmp_path / "data", whole_body) as writer:
        for name in ("../../escape", "a/b", "/etc/c d"):
            writer.add("test", id=name, glosses=[], keypoints=moving(8, rng))
    out = tmp_path / "deep" / "er" / "out"
    code, _, _ = predict(tmp_path / "data", "--format", "vtt", "--to", out)
    assert code == 0
    found = sorted(path for path in tmp_path.rglob("*.vtt"))
    assert len(found) == 3
    assert all(out in path.parents for path in found)
    assert out / "a" / "b.vtt" in found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "vtt"], "8 clips make 8 subtitle files: name a folder"),
        (["--split", "nowhere"], "no split 'nowhere'.*train, dev, test"),
        (["--layout", "nowhere"], "unknown keypoint layout 'nowhere'"),
        (["--to", "."], "is a folder; name the file"),
        (["--layout", "stark_79"], "'coco_wholebody_133', not in 'stark_79'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_recognised(
    predict, data, arguments, message, monkeypatch
):
    monkeypatch.setattr("slr_keras.recognise.Recogniser", lambda *_: pytest.fail("too late"))
    with pytest.raises(UserError, match=message):
        predict(data, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--beam", "0"],
        ["--limit", "-1"],
        ["--fps", "0"],
        ["--fps", "nan"],
        ["--image-size", "0x5"],
        ["--image-size", "wide"],
        ["--format", "srt"],
    ],
)
def test_an_option_out_of_range_is_refused(trained, data, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(trained), str(data), *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_two_clips_never_share_a_subtitle_file(predict, tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "clip.npy", moving(8, rng))
    inputs = (tmp_path / "a" / "clip.npy", tmp_path / "b" / "clip.npy")
    with pytest.raises(UserError, match=r"b/clip.npy: .*overwrite those of .*a/clip.npy"):
        predict(*inputs, "--format", "vtt", "--to", tmp_path / "out")


def test_a_full_disk_leaves_the_file_that_was_there(predict, data, tmp_path, monkeypatch):
    import errno

    predict(data, "--limit", 1, "--to", tmp_path / "out.txt")
    before = (tmp_path / "out.txt").read_text()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "out.txt"))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        predict(data, "--to", tmp_path / "out.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert (tmp_path / "out.txt").read_text() == before


def test_the_command_says_errors_in_one_line_and_ends_with_2(trained, tmp_path):
    for arguments in (
        [str(trained), str(tmp_path / "nowhere.npy")],
        [str(tmp_path / "no_run"), str(tmp_path)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "slr_keras.predict", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("error: ")


@pytest.mark.shared_data
def test_a_pose_file_is_recognised_by_a_run_of_its_layout(
    shared_data, tmp_path, trained, predict, recognised
):
    pose = shared_data / "pose_samples" / "openpose.pose"
    (clip,) = recognised(pose)
    assert (clip["frames"], clip["fps"]) == (93, 24.0)
    assert clip["glosses"]
    code, _, err = predict(shared_data / "pose_samples" / "mediapipe.pose")
    assert code == 2
    assert "'mediapipe_holistic_543'" in err
    assert "'coco_wholebody_133'" in err
