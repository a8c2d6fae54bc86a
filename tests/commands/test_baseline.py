"""The baseline command."""

import json
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.baseline import main
from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter
from slr_keras.metrics import read_transcripts, word_error_rate
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two signs, the right hand going up or down, alone in their clips."""
    rng = np.random.default_rng(0)
    rules = contract("kinect_20")
    wrist = rules.source.points.index("wrist_right")
    path = tmp_path_factory.mktemp("baseline") / "data"
    with FolderWriter(path, rules) as writer:
        for split, count in (("train", 12), ("dev", 4), ("test", 6)):
            for k in range(count):
                clip = np.zeros((14, 20, 4))
                clip[..., :2] = np.linspace(-1, 1, 40).reshape(20, 2)
                clip[..., 3] = 1
                clip[:, wrist, 1] += np.linspace(0, 1, 14) * (1 if k % 2 else -1)
                clip[..., :2] += rng.normal(0, 0.02, (14, 20, 2))
                gloss = ["DOWN", "UP"][k % 2]
                writer.add(split, id=f"c{k}", glosses=[gloss], signer=split, keypoints=clip)
            # A clip that nobody labelled is no error and is not scored.
            writer.add(split, id="bare", glosses=[], keypoints=clip)
    return path


def result(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 0
    return json.loads("{" + capsys.readouterr().out.split("{", 1)[1])


@pytest.mark.parametrize("method", ["dtw", "bag"])
def test_prints_the_rate_of_the_predictions_it_writes(method, folder, tmp_path, capsys):
    to = tmp_path / "out.jsonl"
    shown = result(capsys, method, folder, "--to", to, "--json")
    references = read_transcripts(to, role="reference")
    hypotheses = read_transcripts(to, role="hypothesis")
    assert list(references) == [f"c{k}" for k in range(6)]
    counts = word_error_rate(
        [t.glosses for t in references.values()], [hypotheses[key].glosses for key in references]
    )
    assert (shown["wer"], shown["references"]) == (counts.wer, 6)
    assert shown["interval"][0] <= shown["wer"] <= shown["interval"][1]
    assert shown["wer"] == 0


def test_text_names_rate_interval_and_counts(folder, capsys):
    assert main(["dtw", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "WER 0.00 % (95 % interval 0.00 to 0.00)" in shown.out
    assert "substitutions 0, insertions 0, deletions 0, of 6 glosses" in shown.out
    assert "1 clips without glosses left out" in shown.err
    assert "recognising test" in shown.err


def test_the_same_seed_writes_the_same_file(folder, tmp_path, capsys):
    for name in ("a", "b"):
        main(["bag", str(folder), "--seed", "5", "--hidden", "4", "--to", str(tmp_path / name)])
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() != ""


def test_scoring_dev_does_not_tune_on_dev(folder, capsys, monkeypatch):
    seen = []
    from slr_keras.baselines import DtwBaseline

    fit = DtwBaseline.fit

    def watched(self, train, dev=None, *rest):
        seen.append(dev)
        return fit(self, train, dev, *rest)

    monkeypatch.setattr(DtwBaseline, "fit", watched)
    result(capsys, "dtw", folder, "--split", "dev", "--json")
    result(capsys, "dtw", folder, "--json")
    assert seen[0] is None
    assert seen[1].path.name == "dev.jsonl"


def test_a_missing_split_is_named(folder, tmp_path):
    empty = tmp_path / "data"
    empty.mkdir()
    for name in ("keypoints.json", "train.jsonl", "train.npy"):
        (empty / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UserError, match=r"no test\.jsonl.*train"):
        main(["dtw", str(empty)])


def test_bad_input_is_one_line_and_exit_code_two(folder, tmp_path):
    broken = tmp_path / "data"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "train.npy").write_bytes((folder / "train.npy").read_bytes()[:2000])
    done = subprocess.run(
        [sys.executable, "-m", "slr_keras.baseline", "dtw", str(broken)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    message = done.stderr.strip().split("\r")[-1].strip()
    assert message.splitlines()[-1].startswith("error: ")
    assert "train" in message
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("wrong", [["--stride", "0"], ["--templates", "-1"], ["--seed", "x"]])
def test_wrong_numbers_are_refused(folder, wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["dtw", str(folder), *wrong])
    assert stop.value.code == 2
    assert "is not a whole number" in capsys.readouterr().err


def test_copies_take_the_augmentation_of_a_recipe(folder, tmp_path, capsys, monkeypatch):
    from slr_keras.baselines import base

    configs = []

    def watched(rng, prepared, rules, config):
        configs.append(config)
        return prepared

    monkeypatch.setattr(base, "augmented_clip", watched)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "data: {folder: none}\nmodel: {name: stark_tiny}\naugmentation: {rotation: 33}\n"
    )
    shown = result(capsys, "dtw", folder, "--augment", 2, "--recipe", recipe, "--json")
    assert (shown["options"]["augment"], shown["options"]["recipe"]) == (2, str(recipe))
    assert len(configs) == 24
    assert {config.rotation for config in configs} == {33}
    result(capsys, "dtw", folder, "--augment", 1, "--json")
    assert configs[-1].rotation == 15
    with pytest.raises(UserError, match="add --augment N"):
        main(["dtw", str(folder), "--recipe", str(recipe)])


@pytest.mark.parametrize("mirror", ["always", "never"])
def test_mirroring_can_be_chosen(mirror, folder, capsys):
    shown = result(capsys, "dtw", folder, "--mirror", mirror, "--json")
    assert shown["options"]["mirror"] == (mirror == "always")
    assert shown["options"]["mirroring"] == mirror
