"""A run of isolated signs from fit to evaluate, predict, compare and fuse."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from slr_keras import evaluate, fuse, predict
from slr_keras.data.manifest import read_manifest
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.run import Run
from slr_keras.utils.arrays import read_record, save_arrays
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    """A trained run, for these tests alone, with its data beside it."""
    folder = tmp_path_factory.mktemp("isolated")
    shutil.copytree(tiny.trained_signs(tmp_path_factory).parent, folder, dirs_exist_ok=True)
    return folder / "run"


@pytest.fixture(scope="module")
def other(run):
    """The same run with spoilt weights."""
    folder = Path(shutil.copytree(run, run.with_name("other")))
    for file in folder.glob("*_scores.json"):
        file.unlink()
    model = Run.load(run).model()
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.3, variable.shape))
    best = folder / "checkpoints" / "best.npz"
    save_arrays(best, {"model": model.variables}, read_record(best))
    return folder


def json_of(command, capsys, *arguments):
    capsys.readouterr()
    assert command.main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def top(value, k=1, kind="per_instance"):
    return value["groups"]["total"][kind][f"top_{k}"]["value"]


def test_it_learns_the_signs_and_keeps_the_epoch_with_the_best_dev_accuracy(run):
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    tops = [record["dev"]["top_1"]["ensemble"] for record in records]
    assert max(tops) >= 75
    best = read_record(run / "checkpoints" / "best.npz")
    assert tops[best["epoch"] - 1] == max(tops)
    assert best["wer"] == pytest.approx(100 - max(tops))
    last = records[-1]
    assert last["loss"] == pytest.approx(
        sum(last[term] for term in last["terms"] if term != "distillation") + last["distillation"],
        rel=1e-5,
    )
    assert {"cross_entropy_fuse", "cross_entropy_left"} < set(last["terms"])


def test_the_run_folder_has_curves_report_and_no_language_model(run):
    assert (run / "curves.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    report = (run / "report.md").read_text()
    assert "Dev top-1 accuracy" in report
    assert "(dev_signs.md)" in report
    assert (run / "dev_confusion.png").is_file()
    assert (run / "dev_reliability.png").is_file()
    assert not (run / "language_model.json").exists()


def test_evaluate_gives_the_accuracies_of_the_predictions_that_it_writes(run, capsys):
    found = json_of(evaluate, capsys, run)["signs"]
    lines = [json.loads(x) for x in (run / "test_predictions.jsonl").read_text().splitlines()]
    right = [line["reference"] == line["hypothesis"] for line in lines]
    assert len(right) == 8
    assert top(found) == pytest.approx(100 * np.mean(right))
    # Two clips of each sign.
    assert top(found, kind="per_class") == pytest.approx(top(found))
    written = json.loads((run / "test_scores.json").read_text())
    assert written["signs"]["groups"] == found["groups"]
    assert written["sets"]["ensemble"]["wer"] == pytest.approx(100 - top(found))
    assert set(written["signs"]["heads"]) == {"fuse", "left", "body"}
    page = (run / "test_signs.md").read_text()
    assert "8 clips scored, 4 signs, each with clips" in page


def test_evaluate_prints_top_1_and_top_5_with_denominators_and_groups(run, capsys):
    folder = run.parent / "data"
    (folder / "groups.json").write_text(json.dumps({"confusing": ["NORTH", "EAST"]}))
    assert evaluate.main([str(run), "--data", str(folder)]) == 0
    shown = capsys.readouterr().out
    for part in ("total top-1", "total top-5", "confusing top-1", "by class"):
        assert part in shown
    assert "confusing: 4 clips scored, 2 signs, each with clips" in shown


def test_predict_names_the_sign_that_evaluate_named_over_the_whole_clip(run, capsys):
    manifest = run.parent / "data" / "test.jsonl"
    found = json_of_predict(capsys, run, manifest)
    lines = [json.loads(x) for x in (run / "test_predictions.jsonl").read_text().splitlines()]
    for clip, line in zip(found["clips"], lines, strict=True):
        (gloss,) = clip["glosses"]
        assert [gloss["gloss"]] == line["hypothesis"]
        assert gloss["confidence"] == pytest.approx(line["confidences"][0], abs=2e-4)
        assert (gloss["start"], gloss["end"]) == (0, clip["duration"])


def json_of_predict(capsys, *arguments):
    capsys.readouterr()
    assert predict.main([*map(str, arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_clip_longer_than_the_model_takes_is_sampled_as_a_whole(run, tiny):
    loaded = Run.load(run)
    recogniser = Recogniser(loaded)
    longest = loaded.config.data.max_frames
    rng = np.random.default_rng(0)
    short = tiny.clip(["EAST"], rng, frames_per_gloss=12)
    slow = np.repeat(short, 90, axis=0)
    assert len(slow) > 4 * longest
    quick, stretched = recogniser.recognise_batch([short, slow])
    assert stretched.glosses == quick.glosses == ("EAST",)
    assert stretched.times == ((0.0, len(slow) / 25),)
    assert recogniser.logits([slow])[0]["ensemble"].shape == (1, 6)


def test_a_clip_alone_and_beside_others_are_named_alike(run, tiny):
    rng = np.random.default_rng(1)
    clips = [tiny.clip([gloss], rng, n) for gloss, n in (("EAST", 4), ("WEST", 30))]
    recogniser = Recogniser(Run.load(run))
    together = recogniser.logits(clips)
    for clip, scores in zip(clips, together):
        np.testing.assert_allclose(
            recogniser.logits([clip])[0]["ensemble"], scores["ensemble"], atol=1e-5
        )


def test_a_beam_or_a_language_model_is_refused(run, capsys):
    clip = run.parent / "data" / "test.jsonl"
    with pytest.raises(UserError, match="without a beam"):
        predict.main([str(run), str(clip), "--beam", "3"])
    with pytest.raises(UserError, match=r"language_model_order.*one sign of a clip"):
        evaluate.main([str(run), "--set", "decoding.language_model_order=2"])


def test_a_split_of_sentences_is_refused_by_its_sample(run, tiny, tmp_path):
    sentences = tiny.write_data(tmp_path / "sentences")
    with pytest.raises(UserError, match=r"'test-01'.*2 glosses"):
        evaluate.main([str(run), "--data", str(sentences)])


def test_two_runs_are_compared_with_a_picture(run, other, tmp_path, capsys):
    found = json_of(evaluate, capsys, "--compare", run, other, "--to", tmp_path / "out")
    assert found["paired_bootstrap"]["difference"] > 0
    assert (tmp_path / "out" / "alignment.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_fusion_at_nought_is_the_first_run_alone(run, other, capsys):
    found = json_of(fuse, capsys, run, other, "--alpha", "0")
    alone = json_of(evaluate, capsys, run)["signs"]
    assert found["fused"]["groups"] == alone["groups"] == found["runs"][0]["groups"]
    spoilt = json_of(evaluate, capsys, other)["signs"]
    assert found["runs"][1]["groups"] == spoilt["groups"] != alone["groups"]


def test_fusion_adds_the_log_probabilities_of_the_same_clips(run, other, capsys, tmp_path):
    found = json_of(fuse, capsys, other, run, "--alpha", "0.7", "--to", tmp_path / "out")
    saved = [np.load(x / "test_log_probabilities.npz") for x in (other, run)]
    assert saved[0]["ids"].tolist() == saved[1]["ids"].tolist()
    total = saved[0]["log_probabilities"] + 0.7 * saved[1]["log_probabilities"]
    glosses = Run.load(run).vocabulary.glosses
    named = [glosses[place] for place in total.argmax(axis=1)]
    signed = [sample.glosses[0] for sample in read_manifest(run.parent / "data" / "test.jsonl")]
    assert top(found["fused"]) == pytest.approx(
        100 * np.mean([a == b for a, b in zip(named, signed)])
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.md",
        "scores.json",
        "confusion.png",
        "reliability.png",
    }


def test_the_sweep_chooses_on_dev_alone(run, other, capsys):
    found = json_of(fuse, capsys, other, run, "--sweep")
    assert found["split"] == "test"
    assert found["sweep"]["split"] == "dev"
    tops = found["sweep"]["top_1"]
    assert list(tops) == [str(round(step / 10, 1)) for step in range(11)]
    best = max(tops.values())
    assert found["alpha"] == min(float(alpha) for alpha, value in tops.items() if value == best)
    with pytest.raises(UserError, match="chooses alpha on dev"):
        fuse.main([str(run), str(other), "--sweep", "--split", "dev"])


def test_runs_that_do_not_go_together_are_refused(run, other, tmp_path):
    with pytest.raises(UserError, match="the same run"):
        fuse.main([str(run), str(run)])
    sentences = Path(shutil.copytree(run, tmp_path / "sentences"))
    recipe = (sentences / "config.yaml").read_text()
    (sentences / "config.yaml").write_text(recipe.replace("stark_isolated", "stark"))
    with pytest.raises(UserError, match="stark recognises sentences"):
        fuse.main([str(run), str(sentences)])
    with pytest.raises(SystemExit):
        fuse.main([str(run), str(other), "--alpha", "-1"])


def test_other_clips_or_other_signs_are_refused_by_id(run, other, tiny):
    from slr_keras.comparison.fusion import fused_split

    runs = [Run.load(run), Run.load(other)]
    manifest = read_manifest(run.parent / "data" / "test.jsonl")
    with pytest.raises(UserError, match=r"1 of 8 clips .* are not in .*'test-07'"):
        fused_split(runs, "test", [manifest, manifest.subset(range(7))])
