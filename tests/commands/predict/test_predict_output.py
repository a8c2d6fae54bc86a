"""What `predict` writes: text, JSON and subtitles, times and scores."""

import json
import re

import numpy as np
import pytest

from slr_keras.data.manifest import FolderWriter
from slr_keras.text.eaf import read_eaf
from slr_keras.utils.errors import UserError


def test_times_lie_within_the_clip_and_follow_each_other(recognised, data):
    for clip in recognised(data):
        assert clip["duration"] == pytest.approx(clip["frames"] / 25, abs=1e-3)
        times = [t for gloss in clip["glosses"] for t in (gloss["start"], gloss["end"])]
        assert times == sorted(times)
        assert all(0 <= time <= clip["duration"] for time in times)
        assert all(0 <= gloss["confidence"] <= 1 for gloss in clip["glosses"])


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


def test_text_without_references_shows_glosses_alone_and_times_on_request(
    predict, tmp_path, moving
):
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


@pytest.mark.parametrize("kind", ["vtt", "srt", "eaf"])
def test_files_of_several_clips_go_to_a_folder(predict, recognised, data, tmp_path, lengths, kind):
    code, out, _ = predict(data, "--format", kind, "--to", tmp_path / "files")
    assert (code, out) == (0, "")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        f"test-{n}.{kind}" for n in range(len(lengths))
    ]
    text = (tmp_path / "files" / f"test-5.{kind}").read_text()
    beginning = {"vtt": "WEBVTT\n\nNOTE\nclip: test-5\n", "srt": "1\n00:00:0", "eaf": "<?xml"}
    assert text.startswith(beginning[kind])
    glosses = [gloss["gloss"] for gloss in recognised(data)[5]["glosses"]]
    words = "|".join(set(glosses))
    assert re.findall(rf"^\s*(?:<ANNOTATION_VALUE>)?({words})(?:<.*)?$", text, re.M) == glosses


def test_predictions_go_into_a_document_that_exists(predict, recognised, data, tmp_path):
    path = tmp_path / "test-0.eaf"
    path.write_text("<ANNOTATION_DOCUMENT><TIME_ORDER/><OWN/></ANNOTATION_DOCUMENT>")
    into = ("--limit", 1, "--format", "eaf", "--into", path)
    code, out, _ = predict(data, *into, "--tier", "guess")
    assert (code, out) == (0, "")
    glosses = recognised(data)[0]["glosses"]
    found = [(a.value, a.start, a.end) for a in read_eaf(path).tier("guess").annotations]
    assert found == [
        (gloss["gloss"], round(1000 * gloss["start"]), round(1000 * gloss["end"]))
        for gloss in glosses
    ]
    assert found
    before = path.read_bytes()
    with pytest.raises(UserError, match="has a tier 'guess' already"):
        predict(data, *into, "--tier", "guess")
    with pytest.raises(UserError, match="give --format eaf, and omit --to"):
        predict(data, "--into", path)
    with pytest.raises(UserError, match="--tier guess: names the tier that --into adds"):
        predict(data, "--tier", "guess")
    assert path.read_bytes() == before


def test_webvtt_keeps_subfolders_and_leaves_the_folder_never(predict, whole_body, tmp_path, moving):
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


def test_two_clips_never_share_a_file(predict, tmp_path, moving):
    rng = np.random.default_rng(0)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "clip.npy", moving(8, rng))
    inputs = (tmp_path / "a" / "clip.npy", tmp_path / "b" / "clip.npy")
    with pytest.raises(UserError, match=r"b/clip.npy: .*overwrite that of .*a/clip.npy"):
        predict(*inputs, "--format", "vtt", "--to", tmp_path / "out")


def test_annotated_videos_of_several_clips_go_to_a_folder_and_change_no_result(
    predict, data, tmp_path, lengths
):
    av = pytest.importorskip("av")
    _, plain, _ = predict(data)
    code, out, _ = predict(data, "--video", tmp_path / "films")
    assert (code, out) == (0, plain)
    for number, frames in enumerate(lengths):
        with av.open(str(tmp_path / "films" / f"test-{number}.mp4")) as container:
            assert (container.streams.video[0].frames, container.streams.video[0].average_rate) == (
                frames,
                25,
            )
