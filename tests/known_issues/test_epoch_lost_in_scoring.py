"""An error while the dev split was scored cost the whole epoch.

The state was saved after the scoring, so that a dev split that cannot be scored was found after an
epoch that was then lost. The split is now checked before training, and the state is saved before
the scoring: the next command goes on with the scoring.
"""

import dataclasses
import json

import numpy as np
import pytest

from slr_keras.data.manifest import read_manifest
from slr_keras.fit import main
from slr_keras.training import trainer
from slr_keras.training.folder import RunFolder
from slr_keras.utils.arrays import read_record
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def data(tiny, tmp_path_factory):
    return tiny.write_data(tmp_path_factory.mktemp("scoring") / "data")


def test_an_error_in_scoring_never_costs_the_epoch(tiny, data, tmp_path, monkeypatch):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", data, epochs=2, deterministic=True)
    unbroken, broken = RunFolder(tmp_path / "unbroken"), RunFolder(tmp_path / "broken")
    assert main([str(recipe), "--to", str(unbroken.path)]) == 0

    calls = []

    def failing(*arguments, **keywords):
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("out of memory")
        return evaluate(*arguments, **keywords)

    evaluate = trainer.evaluate
    monkeypatch.setattr(trainer, "evaluate", failing)
    with pytest.raises(MemoryError):
        main([str(recipe), "--to", str(broken.path)])
    monkeypatch.undo()
    position = read_record(broken.last)["position"]
    assert (position["epoch"], position["batch"] > 0) == (1, True)

    monkeypatch.setattr(trainer.TrainingStep, "__call__", None)
    assert main([str(recipe), "--to", str(broken.path)]) == 0
    with np.load(unbroken.last) as expected, np.load(broken.last) as kept:
        for name in expected.files:
            if "record" not in name:
                np.testing.assert_array_equal(kept[name], expected[name], err_msg=name)
    losses = [
        [json.loads(line)["loss"] for line in folder.metrics.read_text().splitlines()]
        for folder in (unbroken, broken)
    ]
    assert losses[0] == losses[1]


def _rewritten(path, change):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(change(line)) + "\n" for line in lines))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda line: {**line, "glosses": []}, "no clip has glosses"),
        (lambda line: {**line, "keypoints": "absent.npz"}, "absent.npz does not exist"),
    ],
)
def test_a_dev_split_that_cannot_be_scored_is_refused_before_training(
    tiny, tmp_path, change, problem, monkeypatch
):
    data = tiny.write_data(tmp_path / "data")
    _rewritten(data / "dev.jsonl", change)
    recipe = tiny.write_recipe(tmp_path / "r.yaml", data)
    monkeypatch.setattr(trainer.TrainingStep, "__call__", None)
    with pytest.raises(UserError, match=problem) as caught:
        main([str(recipe), "--to", str(tmp_path / "run")])
    assert "dev.jsonl" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_dev_split_that_the_clean_up_empties_is_refused(tiny, tmp_path):
    from slr_keras.training.data_checks import require_references

    data = tiny.write_data(tmp_path / "data")
    dev = read_manifest(data / "dev.jsonl")
    marks = dev.relabelled(dataclasses.replace(s, glosses=("__ON__",)) for s in dev)
    require_references(marks, "plain")
    with pytest.raises(UserError, match="leaves no gloss"):
        require_references(marks, "phoenix2014t")
