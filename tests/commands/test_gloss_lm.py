"""The command that trains a gloss language model."""

import json
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.lines import write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import NgramLanguageModel
from slr_keras.gloss_lm import main
from slr_keras.models.gloss_lm import load_language_model
from slr_keras.models.gloss_lm.training import perplexity
from slr_keras.utils.errors import UserError

SMALL = ["--width", "8", "--heads", "2", "--blocks", "1", "--epochs", "2", "--capacity", "8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("sentences")
    generator = np.random.default_rng(0)
    for split, count in (("train", 40), ("dev", 9)):
        samples = []
        for k in range(count):
            first = int(generator.integers(0, 4))
            glosses = tuple("ABCD"[(first + step) % 4] for step in range(2 + k % 3))
            samples.append(Sample(f"{split}{k}", glosses, frames=40, keypoints="none.npy"))
        samples.append(Sample(f"{split}-silent", (), frames=40, keypoints="none.npy"))
        write_manifest(path / f"{split}.jsonl", samples)
    return path


def sentences(folder, split):
    lines = (folder / f"{split}.jsonl").read_text().splitlines()
    return [glosses for line in lines if (glosses := json.loads(line)["glosses"])]


def test_the_report_and_the_file_agree(folder, tmp_path, capsys):
    to = tmp_path / "lm.npz"
    assert main([str(folder), "--to", str(to), "--json", *SMALL]) == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert (result["sentences"], result["epochs"]) == ({"train": 40, "dev": 9}, 2)
    assert shown.err.count("dev perplexity") == 2
    train, dev = sentences(folder, "train"), sentences(folder, "dev")
    vocabulary = Vocabulary.from_samples([Sample("x", tuple(row), frames=9) for row in train])
    model = load_language_model(to, vocabulary)
    ids = [vocabulary.encode(glosses) for glosses in dev]
    found = result["dev_perplexity"]
    assert list(found) == ["causal", "1-gram", "2-gram", "3-gram", "4-gram"]
    assert found["causal"] == pytest.approx(perplexity(model, ids), rel=1e-5)
    bigram = NgramLanguageModel.train(map(vocabulary.encode, train), 2, len(vocabulary))
    assert found["2-gram"] == pytest.approx(bigram.perplexity(ids))


def test_a_seed_fixes_the_weights_and_a_given_vocabulary_is_kept(folder, tmp_path, capsys):
    names = tmp_path / "vocabulary.txt"
    vocabulary = Vocabulary(("D", "C", "B", "A", "E"))
    vocabulary.write(names)
    weights = []
    for name in "ab":
        file = tmp_path / f"{name}.npz"
        main([str(folder), "--to", str(file), "--vocabulary", str(names), "--seed", "1", *SMALL])
        weights.append(load_language_model(file, vocabulary).get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert "perplexity on 9 dev sentences" in capsys.readouterr().out


def test_mistakes_are_named(folder, tmp_path):
    with pytest.raises(UserError, match=r"no train\.jsonl"):
        main([str(tmp_path), "--to", "x.npz"])
    with pytest.raises(UserError, match="--heads 3"):
        main([str(folder), "--to", "x.npz", "--width", "8", "--heads", "3"])
    (tmp_path / "train.jsonl").write_bytes((folder / "train.jsonl").read_bytes())
    with pytest.raises(UserError, match=r"no dev\.jsonl"):
        main([str(tmp_path), "--to", "x.npz"])
    write_manifest(tmp_path / "dev.jsonl", [Sample("a", (), frames=4, keypoints="none.npy")])
    with pytest.raises(UserError, match="no clip has glosses"):
        main([str(tmp_path), "--to", "x.npz"])


@pytest.mark.parametrize("wrong", [["--width", "0"], ["--dropout", "1"], ["--seed", "-1"]])
def test_wrong_numbers_are_refused(folder, wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(folder), "--to", "x.npz", *wrong])
    assert stop.value.code == 2
    assert "is not a" in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    code = (
        "import sys, slr_keras.gloss_lm as command; command.build_parser().format_help(); "
        "print([m for m in ('keras', 'tensorflow', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
