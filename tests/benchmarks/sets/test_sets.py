"""The bench of real sets: its table, its scores, and a run on a made-up set."""

import json

import numpy as np
import pytest
import yaml

from slr_keras import benchmark
from slr_keras.benchmarks.sets import table
from slr_keras.benchmarks.sets.models import Model
from slr_keras.benchmarks.sets.report import BEGIN, END, section, write_section
from slr_keras.benchmarks.sets.runner import Places, score_baseline, train_model
from slr_keras.benchmarks.sets.scores import ClipErrors, score_of
from slr_keras.benchmarks.sets.table import SETS, BenchSet, Fold, Prepared, bench_set
from slr_keras.config import load_config
from slr_keras.data.datasets import dataset
from slr_keras.utils.errors import UserError


def steps_of(data):
    return [data, *(step for part in data.folders for step in steps_of(part))]


@pytest.mark.parametrize("one", SETS, ids=lambda one: one.name)
def test_recipes_and_options_of_the_table_exist(one, root):
    for model in one.models:
        load_config(root / "configs" / model.recipe, list(model.overrides))
    for fold in one.folds:
        for step in steps_of(fold.data):
            if step.dataset != "compose":
                known = {option.name for option in dataset(step.dataset).options}
                assert set(step.options) <= known


def test_dev_and_test_of_a_fold_are_never_the_same():
    for one in SETS:
        for fold in one.folds:
            options = fold.data.options
            for kind in ("signers", "session"):
                pair = [options.get(f"{split}_{kind}") for split in ("dev", "test")]
                assert pair[0] is None or pair[0] != pair[1]


def test_each_clip_of_a_set_is_scored_in_one_fold():
    names = [fold.data.options["test_signers"] for fold in bench_set("kinect").folds]
    assert len(set(names)) == len(names) == 7
    sessions = [fold.data.options["test_session"] for fold in bench_set("ksl13").folds]
    assert sorted(sessions) == ["s0", "s1", "s2", "s3"]


def test_an_unknown_set_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="kinect"):
        bench_set("kinekt")


def test_a_score_weighs_clips_by_words_and_its_interval_holds_the_truth():
    rng = np.random.default_rng(0)
    words = rng.integers(1, 6, 400)
    errors = rng.binomial(words, 0.2, (3, 400))
    score = score_of(ClipErrors(errors, words), accuracy=False)
    assert score.value == pytest.approx(100 * errors.sum() / (3 * words.sum()))
    assert score.low < 20 < score.high
    assert score.high - score.low < 6
    right = score_of(ClipErrors(errors, words), accuracy=True)
    assert right.value == pytest.approx(100 - score.value)
    assert right.low == pytest.approx(100 - score.high)


SIGNERS, SIGNS, REPEATS = ("S01", "S03", "S04"), 3, 2


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A set of three signers, trained and scored: the set, its places."""
    folder = tmp_path_factory.mktemp("bench")
    rng = np.random.default_rng(0)
    frames, lengths, labels, signers, reps = [], [], [], [], []
    body = rng.normal(size=(20, 3))
    for signer in SIGNERS:
        for sign in range(SIGNS):
            for repeat in range(REPEATS):
                time = np.linspace(0, 1, 24)[:, None, None]
                motion = np.sin(np.pi * time) * rng.normal(0, 0.05, (1, 20, 3))
                motion[:, 4:12, sign] += 2 * np.sin(np.pi * time[..., 0])
                frames.append(body + motion)
                lengths.append(24)
                labels.append(f"sign{sign}")
                signers.append(signer)
                reps.append(repeat)
    raw = folder / "raw" / "kinect_isl30"
    raw.mkdir(parents=True)
    arrays = {"lengths": lengths, "labels": labels, "signers": signers, "reps": reps}
    np.savez(raw / "sequences.npz", frames=np.concatenate(frames).astype("float32"), **arrays)
    recipe = {
        "data": {"folder": "given", "batch_size": 4},
        "model": {"name": "sign_conv_isolated_small", "options": {"width": 8, "blocks": 1}},
        "augmentation": {"time_warp": 0.1},
        "training": {"epochs": 2},
    }
    (folder / "little.yaml").write_text(yaml.safe_dump(recipe))
    options = {"dev_signers": ("S03",), "test_signers": ("S04",)}
    one = BenchSet(
        "little",
        "A little set",
        table.ACCURACY,
        (Fold("S04", Prepared("kinect_isl30", "kinect_isl30", options)),),
        (Model("sign_conv", "little.yaml", distil=True),),
        ("dtw",),
    )
    places = Places(folder / "raw", folder, folder / "to")
    train_model(one, one.models[0], one.folds[0], 2, places)
    score_baseline(one, "dtw", one.folds[0], places)
    return one, places


def test_the_table_has_a_row_for_the_seeds_the_distilled_model_and_the_baseline(bench):
    one, places = bench
    text = section([one], 2, places, "facts")
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert rows == ["system", "sign_conv", "sign_conv, distilled", "`baseline dtw`"]
    clips = SIGNS * REPEATS
    folder = places.run(one, one.models[0], one.folds[0])
    wers = [json.loads((folder / f"seed_{k}/test_scores.json").read_text()) for k in (0, 1)]
    mean = 100 - np.mean([wer["sets"]["ensemble"]["wer"] for wer in wers])
    assert f"| {mean:.2f} ± " in text
    records = (folder / "seed_0/test_predictions.jsonl").read_text().splitlines()
    assert len(records) == clips


def test_what_is_done_is_not_done_again(bench):
    one, places = bench
    folder = places.run(one, one.models[0], one.folds[0])
    files = sorted(folder.glob("*/checkpoints/*"))
    before = [file.stat().st_mtime_ns for file in files]
    train_model(one, one.models[0], one.folds[0], 2, places)
    assert [file.stat().st_mtime_ns for file in files] == before


def test_a_run_of_another_recipe_is_not_taken_for_done(bench):
    one, places = bench
    other = Model("sign_conv", "little.yaml", ("training.epochs=3",))
    with pytest.raises(UserError, match=r"training\.epochs"):
        train_model(one, other, one.folds[0], 2, places)


def test_the_section_replaces_what_stands_between_the_marks(tmp_path):
    file = tmp_path / "RESULTS.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_section(file, "new\n")
    assert file.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    file.write_text("no marks\n")
    with pytest.raises(UserError, match="marks"):
        write_section(file, "new\n")


def test_the_command_lists_the_sets_without_data(capsys):
    assert benchmark.main(["sets", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        one.name for one in SETS
    ]
