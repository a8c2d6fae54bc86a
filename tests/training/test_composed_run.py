"""Runs that train on composed sentences."""

import json

import numpy as np
import pytest
import tiny_run

from slr_keras.config import load_config, parse_config
from slr_keras.data.manifest import FolderWriter
from slr_keras.evaluate import main as evaluate
from slr_keras.fit import main as fit
from slr_keras.training.data import open_run_data
from slr_keras.utils.errors import UserError

SIGNS = (*tiny_run.GLOSSES, "-")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Isolated signs and rests in train, sentences in dev and test."""
    folder = tmp_path_factory.mktemp("composed") / "data"
    rng = np.random.default_rng(0)
    with FolderWriter(folder, tiny_run.tiny_contract()) as writer:
        for number in range(20):
            gloss = SIGNS[number % len(SIGNS)]
            signs = [gloss] if gloss != "-" else []
            # Without the rest at both ends of a recording.
            points = tiny_run.clip(signs, rng)[4:-4] if signs else tiny_run.clip([], rng)
            writer.add("train", id=f"{number}", glosses=[gloss], keypoints=points, signer="ann")
        for split in ("dev", "test"):
            for number in range(4):
                glosses = [str(g) for g in rng.choice(tiny_run.GLOSSES, 2, replace=False)]
                points = tiny_run.clip(glosses, rng)
                glosses = [glosses[0], "-", glosses[1]]
                writer.add(split, id=f"{number}", glosses=glosses, keypoints=points)
    return folder


def recipe(folder, **composition):
    tree = tiny_run.tree(folder, epochs=30, learning_rate=0.02)
    settings = {"fraction": 1.0, "sentences": 24, "rest_label": "-", "words": [1, 3]}
    return {**tree, "composition": {**settings, **composition}}


def test_a_run_on_composed_sentences_recognises_sentences_that_it_never_saw(data, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe(data)))
    assert fit([str(path), "--to", str(tmp_path / "run")]) == 0
    assert "-" not in (tmp_path / "run" / "vocabulary.txt").read_text().split()
    assert evaluate([str(tmp_path / "run"), "--split", "test"]) == 0
    scores = json.loads((tmp_path / "run" / "test_scores.json").read_text())["sets"]["ensemble"]
    # The gloss of rest is no reference word.
    assert scores["words"] == 8
    assert scores["wer"] < 30


def test_the_batches_of_a_recipe_hold_composed_sentences_and_their_spans(data):
    run_data = open_run_data(parse_config(recipe(data, fraction=0.5)))
    dataset = run_data.training_dataset()
    assert len(dataset) == 24
    assert dataset.clips.sentences == 12
    batches = list(dataset.numpy_batches(0))
    assert len(batches) == dataset.batches_per_epoch == 6
    for batch in batches:
        for row, spans, count in zip(batch["index"], batch["spans"], batch["label_lengths"]):
            if row < 12:
                assert (spans[:count, 1] > spans[:count, 0]).all()
    assert "spans" not in run_data.evaluation_dataset().element_spec()


def test_batches_of_a_recipe_without_composition_or_spans_are_as_before(data):
    run_data = open_run_data(parse_config(recipe(data, fraction=0.0)))
    dataset = run_data.training_dataset()
    assert len(dataset) == len(run_data.train)
    assert "spans" not in dataset.element_spec()


def test_a_model_of_isolated_signs_refuses_composed_sentences(tmp_path):
    tree = tiny_run.sign_tree(tiny_run.write_signs(tmp_path / "signs"))
    with pytest.raises(UserError, match=r"stark_isolated names the one sign of a clip"):
        open_run_data(parse_config({**tree, "composition": {"fraction": 0.5}}))


def test_a_dev_split_without_glosses_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    with FolderWriter(tmp_path / "d", tiny_run.tiny_contract()) as writer:
        writer.add("train", id="a", glosses=["NORTH"], keypoints=tiny_run.clip(["NORTH"], rng))
        writer.add("dev", id="a", glosses=[], keypoints=tiny_run.clip([], rng))
    with pytest.raises(UserError, match=r"dev\.jsonl: no clip has glosses"):
        open_run_data(parse_config(tiny_run.tree(tmp_path / "d")))


def test_the_grammar_is_taken_from_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(
        "data: {folder: d}\ncomposition: {fraction: 0.5, order: ngram, grammar: orders.txt}\n"
    )
    config = load_config("recipe.yaml")
    assert config.composition.grammar == str(tmp_path / "orders.txt")
    with pytest.raises(UserError, match=r"--set composition\.cut=0\.9: composition: cut is 0\.9"):
        load_config("recipe.yaml", ["composition.cut=0.9"])


def test_batches_of_fixed_size_pad_spans_like_labels():
    from slr_keras.jax_training.loading import complete

    batch = {
        "labels": np.array([[5, 6]], np.int32),
        "spans": np.array([[[0, 4], [6, 9]]], np.int32),
        "weight": np.ones(1, np.float32),
    }
    padded = complete(batch, clips=2, labels=3)
    assert padded["spans"].tolist() == [[[0, 4], [6, 9], [0, 0]], [[0, 0]] * 3]
    assert padded["labels"].shape == (2, 3)


def test_the_most_labels_of_composed_sentences_are_known_in_advance(data):
    run_data = open_run_data(parse_config(recipe(data, words=[1, 5])))
    loader = run_data.training_dataset().clips
    assert loader.most_labels == 5
    drawn = [len(loader.plan(epoch, row).glosses) for epoch in range(5) for row in range(24)]
    assert max(drawn) == 5
