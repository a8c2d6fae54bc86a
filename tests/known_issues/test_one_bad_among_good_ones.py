"""One damaged clip ended a whole command with a traceback and no output.

Readers listed the exceptions that they expected (tokenize.TokenError, NotImplementedError,
RuntimeError, OverflowError and MemoryError were not among them), and `evaluate` and `prepare` ended
with the first clip that they could not read. A bad clip is now passed over: the others give their
answers, the bad one is reported by name at the end and in the output file, and the exit code says
so.
"""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from export.serving.client import Client, Settings, Target
from slr_keras import evaluate, flow, predict, prepare
from slr_keras.data.datasets.prepare import passed_over
from slr_keras.data.manifest import read_folder
from slr_keras.recognition.scorer import scored
from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import SOME_FAILED, Failures

ARTEFACTS = Path(__file__).parents[1] / "compatibility" / "artefacts"


def unknown_compression(path):
    """An archive whose entry claims a compression that zipfile does not know."""
    np.savez(path, keypoints=np.ones((9, 6, 3)))
    content = path.read_bytes().replace(struct.pack("<HH", 20, 0), struct.pack("<HH", 20, 0))
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.index(mark) + offset
        content = content[:place] + struct.pack("<H", 99) + content[place + 2 :]
    path.write_bytes(content)


def header_of(text):
    """An array whose header is a text that is no dictionary."""
    data = text.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data


DAMAGE = {
    "a_truncated.npy": lambda path: path.write_bytes(b"\x93NUMPY"),
    "b_header.npy": lambda path: path.write_bytes(header_of("{'descr': '<f4', 'shape': (")),
    "c_huge.npy": lambda path: path.write_bytes(
        header_of("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9, 10**9, 3), }\n")
    ),
    "d_empty.npz": lambda path: path.write_bytes(b""),
    "e_compression.npz": unknown_compression,
    "f_text.pose": lambda path: path.write_text("no pose"),
    "g_shape.npy": lambda path: np.save(path, np.ones((9, 5, 3))),
}


@pytest.fixture
def sentences():
    """Clips of the run and the bundle in the artefacts."""
    manifest = next(iter(read_folder(ARTEFACTS / "sentences").values()))
    return [np.array(manifest.load(row)) for row in range(min(len(manifest), 3))]


@pytest.fixture
def clips(tmp_path, sentences):
    folder = tmp_path / "clips"
    folder.mkdir()
    for number, clip in enumerate(sentences):
        np.save(folder / f"good{number}.npy", clip)
    for name, damage in DAMAGE.items():
        damage(folder / name)
    return folder


@pytest.fixture
def data(tmp_path):
    """The split of the artefacts with a file for each clip, the second of which is damaged."""
    folder = tmp_path / "data"
    split = read_folder(ARTEFACTS / "sentences")["test"]
    folder.mkdir()
    split.contract.write(folder / "keypoints.json")
    lines = []
    for row, sample in enumerate(split):
        np.save(folder / f"{row}.npy", split.load(row))
        line = {"id": sample.id, "glosses": sample.glosses, "frames": sample.frames}
        lines.append(json.dumps(line | {"keypoints": f"{row}.npy"}) + "\n")
    (folder / "test.jsonl").write_text("".join(lines))
    shutil.copytree(folder, tmp_path / "whole")
    DAMAGE["b_header.npy"](folder / "1.npy")
    return folder


def test_predict_answers_for_the_good_clips_and_names_the_bad_ones(clips, tmp_path, capsys):
    bundle = str(ARTEFACTS / "stark_bundle")
    to = tmp_path / "out.json"
    assert predict.main([bundle, str(clips), "--format", "json", "--to", str(to)]) == SOME_FAILED
    said = capsys.readouterr().err
    value = json.loads(to.read_text())
    assert [clip["id"] for clip in value["clips"]] == ["good0", "good1", "good2"][
        : len(value["clips"])
    ]
    assert [error["source"] for error in value["errors"]] == [str(clips / name) for name in DAMAGE]
    for error in value["errors"]:
        assert error["message"].startswith(error["source"])
        assert error["message"] in said
    # The good ones alone give the same.
    for name in DAMAGE:
        (clips / name).unlink()
    assert predict.main([bundle, str(clips), "--format", "json", "--to", str(to)]) == 0
    assert json.loads(to.read_text())["clips"] == value["clips"]


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError("deep"), KeyError("x"), OSError(5, "I/O")]
)
def test_whatever_a_reader_raises_is_the_failure_of_its_clip(
    clips, capsys, monkeypatch, error, tmp_path
):
    from slr_keras.recognition.modality import keypoints

    whole = keypoints.READERS[".npy"]

    def read(path):
        if path.name == "good1.npy":
            raise error
        return whole(path)

    monkeypatch.setitem(keypoints.READERS, ".npy", read)
    for name in DAMAGE:
        (clips / name).unlink()
    to = tmp_path / "out.txt"
    assert (
        predict.main([str(ARTEFACTS / "stark_bundle"), str(clips), "--to", str(to)]) == SOME_FAILED
    )
    lines = to.read_text().splitlines()
    assert lines[0].startswith("good0: ")
    assert lines[-1].startswith("error: ")
    assert str(clips / "good1.npy") in lines[-1]
    assert lines[-1] in capsys.readouterr().err


def test_ctrl_c_is_no_failure_of_a_clip():
    failures = Failures()
    with pytest.raises(KeyboardInterrupt), failures.passing_over("a"):
        raise KeyboardInterrupt
    assert not failures


def test_a_full_disk_is_no_failure_of_a_clip():
    failures = Failures()
    with pytest.raises(OSError, match="full"), failures.passing_over("a"):
        raise OSError(28, "full")
    assert not failures


@pytest.mark.parametrize("model", ["stark_bundle", "stark"])
def test_evaluate_scores_the_good_clips_and_names_the_bad_one(model, data, tmp_path, capsys):
    run = shutil.copytree(ARTEFACTS / model, tmp_path / model)
    arguments = [str(run), "--split", "test", "--json", "--data"]
    assert evaluate.main([*arguments, str(tmp_path / "whole")]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert "errors" not in whole
    assert evaluate.main([*arguments, str(data)]) == SOME_FAILED
    out, err = capsys.readouterr()
    value = json.loads(out)
    assert value["sets"]["ensemble"]["clips"] == whole["sets"]["ensemble"]["clips"] - 1
    (error,) = value["errors"]
    assert f"{data / 'test.jsonl'}:2: sample" in error["name"]
    assert str(data / "1.npy") in error["error"]
    assert f"error: {error['error']}" in err
    assert err.rstrip().endswith("error: 1 clip failed and left out of the scores")
    if model == "stark":
        written = json.loads(RunFolder(run).scores("test").read_text())
        assert written["errors"] == value["errors"]


def test_a_split_without_a_good_clip_is_refused(data):
    for path in data.glob("*.npy"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"no clip can be scored; .*0\.npy"):
        evaluate.main([str(ARTEFACTS / "stark_bundle"), "--split", "test", "--data", str(data)])


def table_of_clips(folder):
    rows = ["id,glosses,split"]
    for number, split in enumerate(("train", "train", "train", "dev", "dev")):
        np.save(folder / f"c{number}.npy", np.ones((5, 133, 3)) * (number + 1))
        rows.append(f"c{number},RAIN,{split}")
    (folder / "glosses.csv").write_text("\n".join(rows))


@pytest.mark.parametrize("damage", ["a_truncated.npy", "b_header.npy", "g_shape.npy"])
def test_prepare_writes_the_good_clips_and_lists_the_bad_ones(tmp_path, capsys, damage):
    table_of_clips(tmp_path)
    for name in ("c1.npy", "c4.npy"):
        DAMAGE[damage](tmp_path / name)
    to = tmp_path / "out"
    assert prepare.main(["npz", "--from", str(tmp_path), "--to", str(to)]) == SOME_FAILED
    splits = read_folder(to)
    assert {name: [s.id for s in split] for name, split in splits.items()} == {
        "train": ["c0", "c2"], "dev": ["c3"],
    }  # fmt: skip
    np.testing.assert_array_equal(splits["train"].load(1), np.full((5, 133, 3), 3.0))
    err = capsys.readouterr().err
    assert [failed.name for failed in passed_over(to)] == ["c1", "c4"]
    for _, reason in passed_over(to):
        assert f"error: {reason}" in err
    assert json.loads((to / "missing.json").read_text())["expected"] == {"train": 3, "dev": 2}
    # Prepared again from whole files, nothing is left of it.
    table_of_clips(tmp_path)
    assert prepare.main(["npz", "--from", str(tmp_path), "--to", str(to), "--force"]) == 0
    assert not (to / "errors.json").exists()
    assert not (to / "missing.json").exists()


def test_flow_is_made_of_the_good_clips_whatever_the_bad_one_raises(tmp_path, capsys, monkeypatch):
    pytest.importorskip("cv2")
    from slr_keras.data.manifest import Manifest

    shutil.copytree(ARTEFACTS / "films", tmp_path / "films")
    folder, whole = tmp_path / "films", Manifest.video_frames
    first = next(iter(read_folder(folder).values()))[0].id

    def frames(self, row, wanted=None):
        if self[row].id == first:
            raise MemoryError
        return whole(self, row, wanted)

    monkeypatch.setattr(Manifest, "video_frames", frames)
    assert flow.main([str(folder), "--method", "farneback", "--workers", "1"]) == SOME_FAILED
    out, err = capsys.readouterr()
    assert f"sample {first!r}: failed (MemoryError)" in err
    assert "clips have no flow" in err
    assert "flow of 0 clips made" not in out
    listed = json.loads((folder / "flow" / "errors.json").read_text())["errors"]
    assert all(first in entry["name"] for entry in listed)
    monkeypatch.undo()
    assert flow.main([str(folder), "--method", "farneback", "--workers", "1"]) == 0
    assert not (folder / "flow" / "errors.json").exists()


def test_a_batch_that_fails_is_scored_clip_by_clip():
    def score(clips):
        if any(clip.sum() == 0 for clip in clips):
            raise UserError("the process died")
        return [{"sum": clip.sum()} for clip in clips]

    first, second, third = scored(score, [np.ones(3), np.zeros(3), np.ones(4)])
    assert (first, third) == ({"sum": 3}, {"sum": 4})
    assert str(second) == "the process died"


class Garbled(Client):
    """A client of a server whose answers are none."""

    def close(self):
        pass

    def _predict(self, inputs, signature):
        return {}["outputs"]

    def _states(self):
        return {int("seven"): "AVAILABLE"}


def test_an_answer_of_a_server_that_is_none_is_an_error_in_words():
    client = Garbled(Target.parse("http://127.0.0.1/stark"), Settings(retries=0))
    with pytest.raises(UserError, match=r"http://127.0.0.1/stark: its answer cannot be read \(Key"):
        client.predict({})
    assert not client.is_ready()
    with pytest.raises(UserError, match="not ready after 0 s; invalid literal"):
        client.wait_until_ready(0)
