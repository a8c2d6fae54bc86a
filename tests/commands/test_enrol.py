"""`slr enrol`, and the commands that read its files, on simulated clips."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest
from plain_encoder import PlainEncoder

from slr_keras import Recogniser, enrol, evaluate, predict, stream
from slr_keras.data.contract import contract
from slr_keras.data.simulator import Simulator
from slr_keras.enrolment.model import EnrolledModel
from slr_keras.enrolment.storage import read_enrolment, write_enrolment
from slr_keras.streaming.spotting import SpottingRecogniser
from slr_keras.utils.errors import UserError

SIGNS = ("RAIN", "WORK", "MOTHER")


@pytest.fixture(scope="module")
def clip():
    """A function from a sign and a number to raw points (frames, 133, 3)."""
    simulator = Simulator("demo")

    def clip(sign: str, number: int) -> np.ndarray:
        signer = simulator.signer("train", 0)
        return simulator.sample(f"train-{number:05d}", "train", (sign,), signer).keypoints

    return clip


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    """The encoder of these tests, which needs no installed weights."""
    plain = PlainEncoder(contract("coco_wholebody_133", normalisation="body"))

    class SignEncoder:
        @classmethod
        def from_preset(cls, name="sign-encoder"):
            if name == "other":
                return PlainEncoder(plain.contract, salt="other")
            return plain

    module = types.SimpleNamespace(SignEncoder=SignEncoder)
    monkeypatch.setitem(sys.modules, "slr_keras.enrolment.encoder", module)
    return plain


@pytest.fixture
def recordings(tmp_path, clip, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for sign in SIGNS:
        (tmp_path / "recordings" / sign).mkdir(parents=True)
        for number in range(3):
            np.save(tmp_path / "recordings" / sign / f"{number}.npy", clip(sign, number))
    return tmp_path / "recordings"


@pytest.fixture
def file(recordings, tmp_path):
    assert enrol.main(["recordings", "--to", "my_signs.slr"]) == 0
    return tmp_path / "my_signs.slr"


def signs_of(path) -> dict[str, int]:
    enrolment = read_enrolment(path)
    return {name: len(enrolment.rows(sign)) for sign, name in enumerate(enrolment.signs)}


# === Making and changing files ===


def test_a_folder_for_each_sign_is_enrolled(recordings, capsys):
    assert enrol.main(["recordings", "--to", "my_signs.slr"]) == 0
    file = "my_signs.slr"
    assert signs_of(file) == {"MOTHER": 3, "RAIN": 3, "WORK": 3}
    assert "my_signs.slr: 3 signs, 9 recordings" in capsys.readouterr().out


def test_a_table_enrols_the_same_signs(file, recordings, tmp_path):
    rows = [f"recordings/{sign}/{n}.npy;{sign}" for sign in sorted(SIGNS) for n in range(3)]
    (tmp_path / "table.csv").write_text("\n".join(["file;sign", *rows]))
    assert enrol.main(["table.csv", "--to", "table.slr"]) == 0
    both = [read_enrolment(path) for path in (file, tmp_path / "table.slr")]
    np.testing.assert_array_equal(both[0].vectors, both[1].vectors)
    assert both[0].signs == both[1].signs


def test_more_recordings_are_added_to_a_file_that_is_there(file, clip, tmp_path):
    (tmp_path / "more/thank you").mkdir(parents=True)
    np.save(tmp_path / "more/thank you/a.npy", clip("SHRINK", 0))
    assert enrol.main(["more", "--to", "my_signs.slr"]) == 0
    assert signs_of(file) == {"MOTHER": 3, "RAIN": 3, "WORK": 3, "thank-you": 1}
    assert enrol.main(["more", "--to", "my_signs.slr", "--replace"]) == 0
    assert signs_of(file) == {"thank-you": 1}


def test_recordings_that_come_twice_are_kept_once_and_told(file, capsys):
    assert enrol.main(["recordings", "--to", "my_signs.slr"]) == 0
    assert signs_of(file) == {"MOTHER": 3, "RAIN": 3, "WORK": 3}
    assert "9 recordings were enrolled already" in capsys.readouterr().err


def test_files_are_merged(file, clip, tmp_path):
    (tmp_path / "more/GROW").mkdir(parents=True)
    np.save(tmp_path / "more/GROW/a.npy", clip("GROW", 0))
    enrol.main(["more", "--to", "yours.slr"])
    assert enrol.main(["my_signs.slr", "yours.slr", "--to", "ours.slr"]) == 0
    assert signs_of(tmp_path / "ours.slr") == {"MOTHER": 3, "RAIN": 3, "WORK": 3, "GROW": 1}
    assert len(signs_of(file)) == 3


def test_signs_are_listed_renamed_and_removed(file, capsys):
    assert enrol.main(["my_signs.slr", "--rename", "RAIN", "gro\u0308\u00dfe"]) == 0
    assert enrol.main(["my_signs.slr", "--remove", "WORK"]) == 0
    capsys.readouterr()
    assert enrol.main(["my_signs.slr", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [sign["name"] for sign in listed["signs"]] == ["MOTHER", "gr\u00f6\u00dfe"]


def test_a_bad_recording_among_good_ones_is_reported(recordings, clip, capsys):
    (recordings / "RAIN/3.npy").write_bytes(b"\x93NUMPY damaged")
    np.save(recordings / "RAIN/4.npy", np.zeros((30, 133, 3)))
    np.save(recordings / "loose.npy", clip("RAIN", 8))
    assert enrol.main(["recordings", "--to", "my_signs.slr"]) == 2
    said = capsys.readouterr().err
    for words in ("RAIN/3.npy: ", "RAIN/4.npy: no hand is seen", "loose.npy: lies in no folder"):
        assert words in said
    assert signs_of("my_signs.slr") == {"MOTHER": 3, "RAIN": 3, "WORK": 3}


def test_nothing_is_written_where_every_recording_is_bad(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad/A").mkdir(parents=True)
    (tmp_path / "bad/A/1.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match="nothing was written"):
        enrol.main(["bad", "--to", "my_signs.slr"])
    assert not (tmp_path / "my_signs.slr").exists()


def test_a_sign_under_two_names_and_a_wrong_name_are_told(recordings, clip, capsys):
    for folder, sign, number in (
        ("PLUIE", "RAIN", 30),
        ("PLUIE", "RAIN", 31),
        ("WORK", "MOTHER", 33),
    ):
        (recordings / folder).mkdir(exist_ok=True)
        np.save(recordings / folder / f"x{number}.npy", clip(sign, number))
    assert enrol.main(["recordings", "--to", "my_signs.slr"]) == 0
    said = capsys.readouterr().err
    assert "PLUIE and RAIN are too alike" in said
    assert "WORK/x33.npy: looks more like MOTHER" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recordings"], "--to my_signs.slr"),
        (["recordings", "--to", "a.zip"], "named .slr"),
        (["--to", "a.slr"], "name recordings"),
        (["recordings", "--camera", "A", "--to", "a.slr"], "name no INPUT"),
        (["missing", "--to", "a.slr"], "no such file"),
        (["a.slr", "b.slr", "--list"], "name one enrolment file"),
        (["a.slr", "--list", "--remove", "A"], "do not go together"),
        (["my_signs.slr", "--remove", "RAINS"], "did you mean 'RAIN'"),
        (["my_signs.slr", "--remove", *SIGNS], "no sign would be left"),
        (["recordings", "--to", "my_signs.slr", "--encoder", "other"], "name that encoder"),
        (["recordings", "--to", "a.slr", "--keep", "k"], "goes with --camera"),
    ],
)
def test_mistakes_say_what_to_do(file, arguments, words):
    before = file.read_bytes()
    with pytest.raises(UserError, match=words):
        enrol.main(arguments)
    assert file.read_bytes() == before


# === Camera ===


@pytest.fixture
def film(clip, tmp_path, monkeypatch):
    """A file that is read like a camera: three signs with rest of a second between them."""
    monkeypatch.chdir(tmp_path)
    still = np.repeat(clip("RAIN", 0)[:1], 25, axis=0)
    parts = [still]
    for number in range(3):
        parts += [clip("RAIN", number), still]
    np.save(tmp_path / "film.npy", np.concatenate(parts))
    return "film.npy"


CAMERA = ["--countdown", "1", "--seconds", "1.6"]


def test_takes_of_a_camera_are_enrolled_and_kept(film, tmp_path, capsys):
    arguments = ["--camera", "RAIN", "--source", film, "--takes", "2", *CAMERA]
    assert enrol.main([*arguments, "--to", "my_signs.slr", "--keep", "kept"]) == 0
    assert signs_of("my_signs.slr") == {"RAIN": 2}
    assert "take 2 of 2: in 1 ..." in capsys.readouterr().err
    assert enrol.main(["kept", "--to", "again.slr"]) == 0
    assert signs_of("again.slr") == {"RAIN": 2}


def test_a_camera_that_ends_keeps_the_takes_so_far(film, capsys):
    arguments = ["--camera", "RAIN", "--source", film, "--takes", "50", *CAMERA]
    assert enrol.main([*arguments, "--to", "my_signs.slr"]) == 0
    assert "of 50 takes of RAIN were recorded" in capsys.readouterr().err
    assert 1 <= signs_of("my_signs.slr")["RAIN"] < 50


def test_a_camera_that_shows_nobody_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("nobody.npy", np.zeros((300, 133, 3)))
    with pytest.raises(UserError, match="no take of A was recorded"):
        enrol.main(["--camera", "A", "--source", "nobody.npy", "--to", "a.slr", *CAMERA])
    assert not (tmp_path / "a.slr").exists()


# === Recognition ===


def predicted(arguments, capsys) -> str:
    capsys.readouterr()
    assert predict.main(arguments) == 0
    return capsys.readouterr().out


@pytest.fixture
def queries(clip, tmp_path, file):
    (tmp_path / "queries").mkdir()
    for name, sign in (("a", "RAIN"), ("b", "MOTHER"), ("c", "WORK")):
        np.save(tmp_path / f"queries/{name}.npy", clip(sign, 21))
    rest = np.repeat(clip("RAIN", 0)[:1], 30, axis=0)
    np.save(tmp_path / "queries/r.npy", rest)
    return "queries"


def test_predict_names_enrolled_signs(queries, capsys):
    text = predicted(["my_signs.slr", queries, "--accept", "0.3"], capsys)
    assert text.split("\n")[:4] == ["a: RAIN", "b: MOTHER", "c: WORK", "r:"]


def test_top_signs_are_listed_with_confidences_that_do_not_exceed_one(queries, capsys):
    arguments = ["my_signs.slr", f"{queries}/a.npy", "--accept", "0.3"]
    text = predicted([*arguments, "--top", "3"], capsys).splitlines()
    assert len(text) == 4
    assert text[1].split()[1] == "RAIN"
    (one,) = json.loads(predicted([*arguments, "--format", "json"], capsys))["clips"]
    assert one["alternatives"][0]["gloss"] == one["glosses"][0]["gloss"]
    assert sum(sign["confidence"] for sign in one["alternatives"]) <= 1


@pytest.mark.parametrize("format", ["text", "json", "vtt", "srt", "eaf"])
def test_a_sign_that_was_not_enrolled_is_unknown_in_every_format(
    format, file, clip, tmp_path, capsys
):
    # A rate of almost zero refuses everything.
    np.save(tmp_path / "x.npy", clip("SHRINK", 4))
    text = predicted(["my_signs.slr", "x.npy", "--accept", "1e-9", "--format", format], capsys)
    escaped = {"vtt": "&lt;unknown&gt;", "eaf": "&lt;unknown&gt;"}.get(format, "<unknown>")
    assert escaped in text


def test_the_recogniser_answers_as_predict_does(queries, capsys, tmp_path):
    values = json.loads(predicted(["my_signs.slr", queries, "--format", "json"], capsys))
    with Recogniser.from_preset("my_signs.slr") as recogniser:
        for entry in values["clips"]:
            result = recogniser.recognise(tmp_path / entry["source"])
            assert [gloss["gloss"] for gloss in entry["glosses"]] == list(result.glosses)
            for gloss, confidence in zip(entry["glosses"], result.confidences, strict=True):
                assert gloss["confidence"] == pytest.approx(confidence, abs=1e-4)


def test_enrolled_signs_are_read_with_their_own_encoder_alone(file):
    with pytest.raises(UserError, match="name that encoder with --encoder"):
        Recogniser.from_preset("my_signs.slr", encoder="other")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my_signs.slr", "x.npy", "--precision", "int8"], "is no bundle"),
        (["my_signs.slr", "x.npy", "--beam", "3"], "single signs"),
        (["my_signs.slr", "x.npy", "--head", "left"], "no heads"),
        (["missing.slr", "x.npy"], "missing.slr: no such file"),
        (["asl-words", "x.npy", "--accept", "0.1"], "goes with enrolled signs"),
    ],
)
def test_options_of_other_models_are_refused(arguments, words, file, clip, tmp_path):
    np.save(tmp_path / "x.npy", clip("RAIN", 4))
    with pytest.raises(UserError, match=words):
        predict.main(arguments)


def test_the_answer_survives_writing_and_reading(file, clip, tmp_path):
    write_enrolment(tmp_path / "copy.slr", read_enrolment(file))
    rows = []
    for name in ("my_signs.slr", "copy.slr"):
        with Recogniser.from_preset(name) as recogniser:
            rows.append(recogniser.logits([clip("WORK", 25)])[0]["ensemble"])
    np.testing.assert_allclose(rows[0], rows[1], rtol=0, atol=1e-12)


# === Evaluation ===


@pytest.fixture
def labelled(clip, tmp_path, file):
    """Clips of enrolled signs, of another sign and of rest, in a folder for each."""
    for sign in (*SIGNS, "SHRINK", "-"):
        (tmp_path / "labelled" / sign).mkdir(parents=True)
        for number in range(21, 24):
            points = clip("RAIN" if sign == "-" else sign, number)
            points = np.repeat(points[:1], 30, axis=0) if sign == "-" else points
            np.save(tmp_path / "labelled" / sign / f"{number}.npy", points)
    return "labelled"


def test_evaluate_counts_naming_refusals_and_false_accepts(labelled, capsys):
    capsys.readouterr()
    assert evaluate.main(["my_signs.slr", "--data", labelled, "--accept", "0.3", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["named"]["clips"] == 9
    assert scores["named"]["percent"] == 100
    assert scores["unknown"]["clips"] == scores["rest"]["clips"] == 3
    assert scores["rest"]["percent"] == 0
    assert scores["right"]["percent"] + scores["refused"]["percent"] <= 100.001
    assert 0 <= scores["auroc"] <= 100
    assert evaluate.main(["my_signs.slr", "--data", labelled]) == 0
    assert "other signs: wrongly accepted" in capsys.readouterr().out


def test_evaluate_passes_over_a_bad_clip(labelled, tmp_path, capsys):
    (tmp_path / "labelled/RAIN/bad.npy").write_bytes(b"no array")
    assert evaluate.main(["my_signs.slr", "--data", labelled]) == 2
    said = capsys.readouterr()
    assert "15 clips" in said.out
    assert "bad.npy" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my_signs.slr"], "--data FOLDER"),
        (["my_signs.slr", "--data", "labelled", "--turn", "20"], "--turn: does not go"),
        (["asl-words", "--accept", "0.1"], "goes with enrolled signs"),
    ],
)
def test_evaluate_refuses_what_enrolled_signs_do_not_have(labelled, arguments, words):
    with pytest.raises(UserError, match=words):
        evaluate.main(arguments)


# === Streams ===


@pytest.fixture
def signing(clip, tmp_path, file):
    """A stream of two enrolled signs, with rest before, between and after them; and the spans."""
    still = np.repeat(clip("RAIN", 0)[:1], 30, axis=0)
    parts, spans, start = [still], [], 30
    for sign in ("RAIN", "MOTHER"):
        points = clip(sign, 21)
        spans.append((sign, start, start + len(points)))
        parts += [points, still]
        start += len(points) + len(still)
    np.save(tmp_path / "signing.npy", np.concatenate(parts))
    return spans


def streamed(arguments, capsys) -> list[dict]:
    capsys.readouterr()
    assert stream.main(["my_signs.slr", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_stream_gives_one_answer_for_each_sign_with_start_and_end(signing, capsys):
    events = streamed(["signing.npy", "--accept", "0.3"], capsys)
    glosses = [event for event in events if event["event"] == "gloss"]
    assert [event["gloss"] for event in glosses] == [sign for sign, *_ in signing]
    for event, (_, start, end) in zip(glosses, signing, strict=True):
        middle = (event["start"] + event["end"]) / 2 * 25
        assert start < middle < end
        assert 0 < event["confidence"] <= 1
    sentences = [event for event in events if event["event"] == "sentence"]
    assert [gloss["gloss"] for event in sentences for gloss in event["glosses"]] == [
        sign for sign, *_ in signing
    ]


def test_rest_alone_gives_no_event(clip, tmp_path, file, capsys):
    np.save(tmp_path / "rest.npy", np.repeat(clip("RAIN", 0)[:1], 200, axis=0))
    assert streamed(["rest.npy", "--accept", "0.9"], capsys) == []


def test_an_answer_of_a_stream_comes_within_the_stated_delay(signing, capsys):
    model = EnrolledModel.load("my_signs.slr", accept=0.3)
    recogniser = SpottingRecogniser(model)
    emitted = []
    for frame in np.load("signing.npy"):
        emitted += [event for event in recogniser.push(frame) if event.kind == "gloss"]
    assert len(emitted) == 2
    for event in emitted:
        assert event.frame - event.spans[0][1] <= recogniser.delay * 25


def test_a_spotted_window_has_the_confidence_of_the_clip_of_its_frames(signing, capsys):
    recogniser = SpottingRecogniser(EnrolledModel.load("my_signs.slr", accept=0.3))
    frames = np.load("signing.npy")
    events = [event for frame in frames for event in recogniser.push(frame)]
    with Recogniser.from_preset("my_signs.slr", accept=0.3) as clips:
        for event in (event for event in events if event.kind == "gloss"):
            result = clips.recognise(frames[slice(*event.spans[0])])
            assert dict(result.alternatives)[event.glosses[0]] == pytest.approx(
                event.confidences[0], abs=1e-9
            )


def test_a_stream_says_how_late_its_answers_are(signing, capsys):
    assert stream.main(["my_signs.slr", "signing.npy", "--accept", "0.3"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == ["RAIN", "MOTHER"]
    assert "an answer comes at most" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["my_signs.slr", "signing.npy", "--policy", "ema"],
        ["my_signs.slr", "signing.npy", "--report"],
        ["asl-words-live", "signing.npy", "--accept", "0.1"],
    ],
)
def test_stream_options_of_other_models_are_refused(signing, arguments):
    with pytest.raises(UserError, match="enrolled signs"):
        stream.main(arguments)


def test_enrolled_signs_need_no_tensorflow(file, clip, tmp_path, root):
    """The encoder apart, nothing that answers imports TensorFlow or Keras."""
    np.save(tmp_path / "x.npy", clip("RAIN", 4))
    script = """
import sys, types
from plain_encoder import PlainEncoder
from slr_keras.data.contract import contract
plain = PlainEncoder(contract("coco_wholebody_133", normalisation="body"))
names = types.SimpleNamespace(from_preset=lambda name: plain)
sys.modules["slr_keras.enrolment.encoder"] = types.SimpleNamespace(SignEncoder=names)
from slr_keras import Recogniser, enrol, evaluate, predict, stream
assert predict.main(["my_signs.slr", "x.npy"]) == 0
assert evaluate.main(["my_signs.slr", "--data", "recordings"]) == 0
assert stream.main(["my_signs.slr", "x.npy"]) == 0
assert enrol.main(["recordings", "--to", "again.slr"]) == 0
print(sorted({"tensorflow", "keras"} & set(sys.modules)))
"""
    path = os.pathsep.join([str(root), str(root / "tests/helpers")])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
