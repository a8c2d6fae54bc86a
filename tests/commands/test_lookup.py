"""The command `slr lookup`."""

import json

import numpy as np
import pytest
from counting_encoder import CountingEncoder

from slr_keras.data.contract import contract
from slr_keras.data.simulator import Simulator
from slr_keras.dictionary import encoding
from slr_keras.lookup import main
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder with the dictionary `signs` and the clip `clip.npy` of RAIN."""
    folder = tmp_path_factory.mktemp("lookup")
    (folder / "signs").mkdir()
    simulator = Simulator("demo")
    signer = simulator.signer("train", 0)
    for number, sign in enumerate(("RAIN", "WORK", "MOTHER", "RAIN")):
        clip = simulator.sample(f"train-{number:05d}", "train", (sign,), signer).keypoints
        np.save(folder / ("clip.npy" if number == 3 else f"signs/{sign}.npy"), clip)
    return folder


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    """The command opens this encoder, which needs no training."""
    rules = contract("coco_wholebody_133", normalisation="body")
    monkeypatch.setattr(encoding, "open_encoder", lambda name: CountingEncoder(rules))


def test_the_table_names_the_sign_first(clips, tmp_path, capsys):
    index = str(tmp_path / "a.index")
    arguments = [str(clips / "clip.npy"), "--dictionary", str(clips / "signs"), "--index", index]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0] == "clip"
    assert lines[1].split() == ["rank", "gloss", "similarity", "file"]
    assert lines[2].split()[:2] == ["1", "RAIN"]
    assert lines[2].split()[-1] == "RAIN.npy"
    assert "3 of 3 entries encoded" in shown.err


def test_json_and_the_page_hold_the_same_entries(clips, tmp_path, capsys):
    target, page = tmp_path / "a.json", tmp_path / "a.html"
    code = main(
        [str(clips / "clip.npy"), "--dictionary", str(clips / "signs"), "--top", "2",
         "--format", "json", "--to", str(target), "--page", str(page),
         "--index", str(tmp_path / "a.index")]
    )  # fmt: skip
    assert code == 0
    value = json.loads(target.read_text())
    (clip,) = value["clips"]
    assert [entry["rank"] for entry in clip["nearest"]] == [1, 2]
    assert clip["nearest"][0]["gloss"] == "RAIN"
    assert value["entries"] == 3
    text = page.read_text()
    assert all(f"<bdi>{entry['file']}</bdi>" in text for entry in clip["nearest"])


def test_bad_files_are_named_at_the_end_and_the_exit_code_is_2(clips, tmp_path, capsys):
    (clips / "signs" / "bad.npy").write_bytes(b"nothing")
    (tmp_path / "worse.npy").write_bytes(b"nothing")
    try:
        code = main(
            [str(tmp_path / "worse.npy"), str(clips / "clip.npy"),
             "--dictionary", str(clips / "signs"), "--format", "json",
             "--index", str(tmp_path / "a.index")]
        )  # fmt: skip
    finally:
        (clips / "signs" / "bad.npy").unlink()
    shown = capsys.readouterr()
    assert code == 2
    value = json.loads(shown.out)
    assert value["clips"][0]["nearest"][0]["gloss"] == "RAIN"
    assert [error["name"] for error in value["errors"]] == ["bad.npy", str(tmp_path / "worse.npy")]
    assert "bad.npy: " in shown.err
    assert "worse.npy: " in shown.err


def test_a_missing_clip_is_reported_before_the_dictionary_is_indexed(clips, tmp_path):
    index = tmp_path / "a.index"
    with pytest.raises(UserError, match="no such file"):
        main(["nothing.npy", "--dictionary", str(clips / "signs"), "--index", str(index)])
    assert not index.exists()


@pytest.mark.parametrize(
    ("folder", "problem"), [("nothing", "no such folder"), (".", "no clip in this folder")]
)
def test_a_folder_without_clips_is_refused(clips, tmp_path, monkeypatch, folder, problem):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=problem):
        main([str(clips / "clip.npy"), "--dictionary", folder])
