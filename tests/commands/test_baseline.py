"""The baseline command."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.baseline import main
from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.metrics import read_transcripts, sign_accuracy, word_error_rate
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


def relabelled(folder, to, glosses, signers=None):
    """A copy of a data folder with other labels, or signers, of some test clips."""
    shutil.copytree(folder, to)
    path = to / "test.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["id"] in glosses:
            line["glosses"] = [glosses[line["id"]]]
        line["signer"] = (signers or {}).get(line["id"], line.get("signer", ""))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return to


def result(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 0
    return json.loads("{" + capsys.readouterr().out.split("{", 1)[1])


@pytest.fixture(scope="module")
def sentences(folder, tmp_path_factory):
    """Clips of two signs one after the other, of two signers in two sessions."""
    path = tmp_path_factory.mktemp("sentences") / "data"
    splits = read_folder(folder)
    with FolderWriter(path, splits["train"].contract) as writer:
        for split, manifest in splits.items():
            for k in range(len(manifest) - 2):
                pair = manifest[k : k + 2]
                clip = np.concatenate([manifest.load(k), manifest.load(k + 1)])
                # The last test clip is labelled wrongly.
                glosses = [pair[0].glosses[0], pair[1].glosses[0]]
                glosses[1] = "DOWN" if (split, k) == ("test", 4) else glosses[1]
                extra = {"session": f"day{k // 3}", "spans": [[0, 14], [14, 28]]}
                writer.add(
                    split, id=f"p{k}", glosses=glosses, signer=f"s{k % 2}", keypoints=clip, **extra
                )
    return path


@pytest.mark.parametrize("method", ["dtw", "bag"])
def test_prints_the_rate_of_the_predictions_it_writes(method, sentences, tmp_path, capsys):
    to = tmp_path / "out.jsonl"
    shown = result(capsys, method, sentences, "--to", to, "--json")
    references = read_transcripts(to, role="reference")
    hypotheses = read_transcripts(to, role="hypothesis")
    assert list(references) == [f"p{k}" for k in range(5)]
    counts = word_error_rate(
        [t.glosses for t in references.values()], [hypotheses[key].glosses for key in references]
    )
    assert (shown["wer"], shown["references"]) == (counts.wer, 10)
    assert shown["interval"][0] <= shown["wer"] <= shown["interval"][1]
    assert "accuracy" not in shown


def test_isolated_signs_have_the_accuracy_of_the_predictions(folder, tmp_path, capsys):
    to = tmp_path / "out.jsonl"
    broken = relabelled(folder, tmp_path / "data", {"c0": "UP"})
    shown = result(capsys, "dtw", broken, "--to", to, "--json")
    lines = [json.loads(line) for line in to.read_text().splitlines()]
    right = [line["reference"] == line["hypothesis"] for line in lines]
    assert (shown["right"], shown["clips"], sum(right)) == (5, 6, 5)
    assert shown["accuracy"] == pytest.approx(100 * 5 / 6)
    # Two clips are DOWN, and four are now UP, one of them wrongly.
    assert shown["per_class"]["accuracy"] == pytest.approx(100 * (1 + 3 / 4) / 2)
    expected = sign_accuracy([0 if hit else 9 for hit in right], [1, 1, 0, 1, 0, 1], 2)
    estimate = expected.per_instance[1]
    assert shown["interval"] == pytest.approx([estimate.low, estimate.high])
    assert estimate.low < 80 < estimate.high
    assert "wer" not in shown


def test_text_of_isolated_signs_names_accuracy_interval_and_clips(folder, capsys):
    assert main(["dtw", str(folder)]) == 0
    shown = capsys.readouterr()
    interval = "100.00 % (95 % interval 100.00 to 100.00)"
    assert f"top-1 accuracy by clip {interval}, 6 of 6 clips" in shown.out
    assert f"top-1 accuracy by class {interval}" in shown.out
    assert "WER" not in shown.out
    # All test clips are of one signer.
    assert "signer" not in shown.out
    assert "1 clips without glosses left out" in shown.err
    assert "recognising test" in shown.err


def test_text_of_sentences_names_rate_interval_and_counts(sentences, capsys):
    assert main(["dtw", str(sentences)]) == 0
    shown = capsys.readouterr().out
    assert "WER 10.00 % (95 % interval 0.00 to" in shown
    assert "substitutions 1, insertions 0, deletions 0, of 10 glosses" in shown
    assert "accuracy" not in shown


def test_each_signer_and_session_has_a_rate_of_its_own(sentences, folder, tmp_path, capsys):
    shown = result(capsys, "dtw", sentences, "--json")["by"]
    assert {key: list(groups) for key, groups in shown.items()} == {
        "signer": ["s0", "s1"],
        "session": ["day0", "day1"],
    }
    # The wrong label is of s0 on the second day.
    assert [one["wer"] for one in shown["signer"].values()] == pytest.approx([100 / 6, 0])
    assert [one["wer"] for one in shown["session"].values()] == [0, 25]
    assert [one["clips"] for one in shown["session"].values()] == [3, 2]
    broken = relabelled(folder, tmp_path / "data", {"c0": "UP"}, {"c0": "ANN", "c1": "ANN"})
    shown = result(capsys, "dtw", broken, "--json")["by"]
    assert list(shown) == ["signer"]
    assert shown["signer"]["ANN"]["accuracy"] == 50
    assert shown["signer"]["ANN"]["interval"] == [0, 100]
    assert shown["signer"]["test"]["accuracy"] == 100
    main(["dtw", str(broken)])
    assert "signer ANN: 50.00 % (95 % interval 0.00 to 100.00), 2 clips" in capsys.readouterr().out


def test_a_turn_is_scored_in_both_directions(folder, sentences, capsys, monkeypatch):
    from slr_keras.data import robustness

    plain = result(capsys, "dtw", folder, "--json")
    turns = []

    def upside_down(raw, rules, degrees):
        """To one side the clips stay, to the other they stand on their heads, all like one sign."""
        turns.append(degrees)
        return np.array(raw) * [1, 1 if degrees > 0 else -1, 1, 1]

    monkeypatch.setattr(robustness, "turned", upside_down)
    shown = result(capsys, "dtw", folder, "--turn", 20, "--json")
    turn = shown["turn"]
    assert turns == [20] * 6 + [-20] * 6
    assert (turn["measure"], turn["method"]) == ("accuracy", "rotation")
    assert turn["none"]["value"] == shown["accuracy"] == plain["accuracy"] == 100
    assert (turn["plus"]["value"], turn["minus"]["value"]) == (100, 50)
    assert (turn["worst"]["degrees"], turn["worst"]["value"]) == (-20, -50)
    main(["dtw", str(folder), "--turn", "20"])
    assert "worst change: -50.00 points at -20 degrees" in capsys.readouterr().out
    assert "turn" not in plain
    monkeypatch.undo()
    turn = result(capsys, "dtw", sentences, "--turn", 10, "--json")["turn"]
    assert (turn["measure"], turn["none"]["value"]) == ("wer", 10)


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
