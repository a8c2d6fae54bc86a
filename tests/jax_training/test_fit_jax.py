"""`python -m slr_keras.fit_jax`: a run trained without TensorFlow is a run like any other."""

import json
import os
import subprocess
import sys

import pytest

from slr_keras import evaluate, simulate

pytest.importorskip("jax")

OPTIONS = {
    "widths": "[8,8]",
    "stem_width": "8",
    "pools": "[2,1]",
    "head_width": "16",
    "feed_forward_width": "16",
}


def fit_jax(*arguments):
    """The command in a process of its own: Keras has one backend for each."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "slr_keras.fit_jax", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["model.name=stark_isolated_tiny"], "trains STARK for sentences"),
        (["training.optimiser=momentum"], "adam and adamw"),
    ],
)
def test_what_it_cannot_train_is_refused(root, tiny, tmp_path, settings, words):
    data = tiny.write_data(tmp_path / "data", train=4)
    changes = [part for value in settings for part in ("--set", value)]
    found = fit_jax(
        root / "configs" / "stark_demo.yaml",
        *("--to", tmp_path / "run", "--set", f"data.folder={data}", "--processes", 0, *changes),
    )
    assert found.returncode == 2, found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.long
def test_evaluate_scores_the_run_as_it_was_scored_in_training(root, tmp_path, capsys):
    data, run, second = (tmp_path / name for name in ("data", "run", "second"))
    sizes = ["--train", "24", "--dev", "6", "--test", "1"]
    assert simulate.main(["--lexicon", "demo", "--to", str(data), *sizes]) == 0
    changes = [f"model.options.{name}={value}" for name, value in OPTIONS.items()]
    changes += [f"data.folder={data}", "training.epochs=12", "training.learning_rate=1e-2"]
    options = [part for change in changes for part in ("--set", change)]
    recipe = root / "configs" / "stark_demo.yaml"
    first = fit_jax(recipe, "--to", run, "--processes", 2, *options)
    assert first.returncode == 0, first.stderr
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert records[-1]["ctc"] < 0.7 * records[0]["ctc"]
    best = min(record["dev"]["wer"]["ensemble"] for record in records)
    capsys.readouterr()
    command = [str(run), "--split", "dev", "--set", "decoding.method=greedy", "--json"]
    assert evaluate.main(command) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["sets"]["ensemble"]["wer"] == pytest.approx(best, abs=1e-3)
    # Another model learns from it, in so much time.
    taught = fit_jax(recipe, "--to", second, "--teacher", run, "--minutes", 0.1, *options)
    assert taught.returncode == 0, taught.stderr
    record = json.loads((second / "metrics.jsonl").read_text().splitlines()[-1])
    assert record["teacher"] > 0
