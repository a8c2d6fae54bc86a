"""`evaluate --compare`: two runs on the same sentences, in numbers, text and a picture."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from slr_keras.comparison import Comparison
from slr_keras.comparison.emission import emission
from slr_keras.comparison.recognised import open_split, recognise
from slr_keras.data.manifest import FolderWriter, read_manifest
from slr_keras.evaluate import main
from slr_keras.training.run import Run
from slr_keras.utils.arrays import read_record, save_arrays
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text


@pytest.fixture(scope="module")
def good(tiny, tmp_path_factory):
    """A copy of the trained run, for these tests alone."""
    folder = tmp_path_factory.mktemp("compare") / "good"
    return Path(shutil.copytree(tiny.trained_run(tmp_path_factory), folder))


@pytest.fixture(scope="module")
def bad(good):
    """The same run with spoilt weights."""
    return spoilt(good, good.with_name("bad"))


def spoilt(run, folder, seed=0):
    shutil.copytree(run, folder)
    for file in folder.glob("*_scores.json"):
        file.unlink()
    model = Run.load(run).model()
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.25, variable.shape))
    best = folder / "checkpoints" / "best.npz"
    save_arrays(best, {"model": model.variables}, read_record(best))
    return folder


def compare(capsys, one, other, *options):
    capsys.readouterr()
    assert main(["--compare", str(one), str(other), "--json", *map(str, options)]) == 0
    return json.loads(capsys.readouterr().out)


def scored(run, capsys, *options):
    capsys.readouterr()
    assert main([str(run), "--json", *map(str, options)]) == 0
    return json.loads(capsys.readouterr().out)["sets"]["ensemble"]


def test_both_scores_are_those_that_each_run_has_alone(good, bad, capsys):
    found = compare(capsys, good, bad)
    for name, run in (("A", good), ("B", bad)):
        alone = scored(run, capsys)
        for key in ("wer", "low", "high", "deletions", "insertions", "substitutions"):
            assert found["runs"][name][key] == pytest.approx(alone[key], abs=1e-3), (name, key)
    tested = found["paired_bootstrap"]
    assert tested["difference"] == pytest.approx(
        found["runs"]["B"]["wer"] - found["runs"]["A"]["wer"]
    )
    assert tested["difference"] > 0
    assert tested["low"] <= tested["difference"] <= tested["high"]
    errors = np.array([clip["errors"] for clip in found["clips"]])
    outcomes = [(errors[:, 0] < errors[:, 1]).sum(), (errors[:, 0] > errors[:, 1]).sum()]
    assert [found["outcomes"]["a_better"], found["outcomes"]["b_better"]] == outcomes
    assert sum(found["outcomes"].values()) == len(errors) == found["sentences"]


def test_exchanged_runs_exchange_the_result(good, bad, capsys):
    one, other = compare(capsys, good, bad), compare(capsys, bad, good)
    assert one["runs"]["A"]["wer"] == other["runs"]["B"]["wer"]
    assert one["paired_bootstrap"]["difference"] == -other["paired_bootstrap"]["difference"]
    assert one["paired_bootstrap"]["p_value"] == other["paired_bootstrap"]["p_value"]
    assert one["outcomes"]["a_better"] == other["outcomes"]["b_better"]


def test_predictions_are_used_again_until_weights_recipe_or_clips_change(good, bad, capsys):
    def reused():
        return [
            run["reused"] for run in compare(capsys, copy, bad, "--split", "dev")["runs"].values()
        ]

    copy = good.with_name("copy")
    shutil.copytree(good, copy)
    compare(capsys, copy, bad, "--split", "dev")
    assert reused() == [True, True]
    # Another decoding than the recipe's was written over them.
    scored(copy, capsys, "--split", "dev", "--set", "decoding.beam=2")
    assert reused() == [False, True]
    assert reused() == [True, True]
    # Weights that another epoch left behind.
    shutil.copy(bad / "checkpoints" / "best.npz", copy / "checkpoints" / "best.npz")
    found = compare(capsys, copy, bad, "--split", "dev")
    assert [run["reused"] for run in found["runs"].values()] == [False, True]
    assert found["runs"]["A"]["wer"] == found["runs"]["B"]["wer"]
    assert found["paired_bootstrap"]["p_value"] == 1
    # Somebody edited the predictions.
    predictions = copy / "dev_predictions.jsonl"
    write_text(predictions, predictions.read_text().replace("NORTH", "SOUTH"))
    assert reused() == [False, True]
    # The clips changed, though the manifest did not.
    data = Path(Run.load(good).config.data.folder)
    (arrays,) = {data / sample.keypoints for sample in read_manifest(data / "dev.jsonl")}
    arrays.touch()
    assert reused() == [False, False]


def test_faulty_clips_are_never_taken_for_whole_ones(good, bad, capsys):
    scored(good, capsys, "--drop-points", "5")
    for kind in ("scores.json", "predictions.jsonl"):
        shutil.copy(good / f"test_drop_points-5_{kind}", good / f"test_{kind}")
    assert compare(capsys, good, bad)["runs"]["A"]["reused"] is False


def test_runs_are_paired_by_id_whatever_order_and_vocabulary(good, bad, tiny, tmp_path, capsys):
    data = Path(Run.load(good).config.data.folder)
    manifest = read_manifest(data / "test.jsonl")
    with FolderWriter(tmp_path / "data", tiny.tiny_contract()) as writer:
        for row in reversed(range(len(manifest))):
            sample = manifest[row]
            writer.add(
                "test", id=sample.id, glosses=sample.glosses, keypoints=np.array(manifest.load(row))
            )
    runs = [Run.load(path) for path in (good, bad)]
    forward, backward = (
        open_split(runs[0], "test"),
        open_split(runs[1], "test", tmp_path / "data"),
    )
    assert [s.id for s in backward] == [s.id for s in forward][::-1]
    sides = recognise(runs[0], "test", forward), recognise(runs[1], "turned", backward)
    turned = Comparison.of(*sides)
    usual = compare(capsys, good, bad)
    assert turned.difference.difference == usual["paired_bootstrap"]["difference"]
    assert [s.id for s in turned.sentences] == [clip["id"] for clip in usual["clips"]]


def test_the_terminal_shows_scores_tests_signers_and_aligned_sentences(good, bad, capsys):
    assert main(["--compare", str(good), str(bad)]) == 0
    out = capsys.readouterr().out
    for word in ("B - A", "95 % interval", "paired bootstrap", "MAPSSWE", "test-signer", "del %"):
        assert word in out, word
    assert "A better in" in out
    block = out[out.index("\n\ntest-0") :].strip().splitlines()
    assert [line.split(" ")[0] for line in block[1:3]] == ["REF:", "A:"]
    assert any(line.startswith("B:") for line in block)


def test_the_folder_gets_report_record_and_picture(good, bad, tmp_path, capsys):
    found = compare(capsys, good, bad, "--to", tmp_path / "out", "--sample", "test-02")
    assert json.loads((tmp_path / "out" / "comparison.json").read_text()) == found
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith("# good and bad\n")
    assert "![test-02](alignment.png)" in report
    assert f"{found['runs']['B']['wer']:.2f}" in report
    from PIL import Image

    with Image.open(tmp_path / "out" / "alignment.png") as picture:
        assert picture.width > 1000
        assert len(set(picture.convert("RGB").getdata())) > 50
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.md",
        "comparison.json",
        "alignment.png",
    }


def test_the_picture_shows_what_was_recognised_where_it_was_signed(good):
    run = Run.load(good)
    side = recognise(run, "test", open_split(run, "test"))
    for row, sample in enumerate(side.manifest):
        found = emission(side, row)
        assert tuple(gloss for gloss, _ in found.glosses) == side.glosses[row]
        assert found.probabilities.shape == (len(found.edges) - 1, len(found.glosses))
        assert found.edges[0] == 0
        assert found.edges[-1] == pytest.approx(sample.frames // 4 * 4 / sample.fps)
        if side.glosses[row] != side.references[row]:
            continue
        # The clip rests 4 frames, then signs 8, rests 4, and so on.
        for k, (start, end) in enumerate(found.spans):
            seconds = found.edges[[start, end]]
            signed = np.array([4 + 12 * k - 4, 4 + 12 * k + 12]) / sample.fps
            assert signed[0] <= seconds.mean() <= signed[1]
            assert found.probabilities[start:end, k].max() > 0.3


@pytest.fixture
def stranger(good, tmp_path, tiny):
    """A data folder of one's own, made of the given ids and glosses."""

    def make(*sentences):
        with FolderWriter(tmp_path / "strange", tiny.tiny_contract()) as writer:
            for name, glosses in sentences:
                points = np.ones((9 + 12 * len(glosses), 6, 3))
                writer.add("test", id=name, glosses=list(glosses), keypoints=points)
        other = Path(shutil.copytree(good, tmp_path / "other"))
        data = Run.load(good).config.data.folder
        config = other / "config.yaml"
        write_text(config, config.read_text().replace(str(data), str(tmp_path / "strange")))
        return other

    return make


def test_other_sentences_are_refused(good, stranger):
    with pytest.raises(UserError, match=r"no sentence in common.*'test-00'.*'x'.*--data"):
        main(["--compare", str(good), str(stranger(("x", ["NORTH"])))])


def test_a_part_of_the_sentences_is_refused(good, stranger):
    data = Path(Run.load(good).config.data.folder)
    first = read_manifest(data / "test.jsonl")[0]
    with pytest.raises(UserError, match=r"3 of 4 sentences of .* are not in .*'test-01'"):
        main(["--compare", str(good), str(stranger((first.id, first.glosses)))])


def test_other_references_are_refused(good, stranger):
    data = Path(Run.load(good).config.data.folder)
    sentences = [(s.id, s.glosses) for s in read_manifest(data / "test.jsonl")]
    sentences[2] = (sentences[2][0], ("WEST", "WEST", "WEST", "WEST"))
    with pytest.raises(UserError, match=r"1 of 4 references differ: .*'test-02'.*WEST WEST WEST"):
        main(["--compare", str(good), str(stranger(*sentences))])


def test_other_clean_up_is_refused_until_one_is_chosen(good, bad, tmp_path, capsys):
    other = Path(shutil.copytree(bad, tmp_path / "other"))
    config = other / "config.yaml"
    write_text(config, config.read_text().replace("scoring: plain", "scoring: phoenix2014t"))
    with pytest.raises(UserError, match=r"plain and .* phoenix2014t; score both alike with --sc"):
        main(["--compare", str(good), str(other)])
    found = compare(capsys, good, other, "--scoring", "phoenix2014t")
    assert found["scoring"] == "phoenix2014t"
    with pytest.raises(UserError, match=r"data\.scoring"):
        main(["--compare", str(good), str(other), "--scoring", "phoenix"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--compare", "GOOD", "GOOD"], "are the same run"),
        (["--compare", "GOOD", "BAD/../good"], "are the same run"),
        (["--compare", "GOOD", "nowhere"], "no run here"),
        (["--compare", "GOOD", "UNFINISHED"], "no epoch is finished"),
        (["--compare", "GOOD", "BAD", "--split", "tset"], "no such split"),
        (["--compare", "GOOD", "BAD", "--set", "decoding.beam=2"], "--set goes with one run"),
        (["--compare", "GOOD", "BAD", "--drop-points", "1"], "--drop-points goes with one run"),
        (["--compare", "GOOD", "BAD", "--sample", "0"], "--to FOLDER"),
        (["--compare", "GOOD", "BAD", "--to", "x", "--sample", "77"], "no sample '77'"),
        (["GOOD", "--compare", "GOOD", "BAD"], "name one run"),
        (["GOOD", "--to", "x"], "go with --compare"),
        ([], "name one run"),
    ],
)
def test_what_cannot_be_compared_says_why(good, bad, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(bad, unfinished)
    (unfinished / "checkpoints" / "best.npz").unlink()
    names = {"GOOD": str(good), "BAD": str(bad), "UNFINISHED": str(unfinished)}
    for name, path in names.items():
        options = [option.replace(name, path) for option in options]
    with pytest.raises(UserError, match=message):
        main(options)
    assert not (tmp_path / "x").exists()
