"""A run killed between the best weights and the checkpoint of their epoch kept these weights.

The run then repeated the epoch. Where training is not deterministic, the repeated epoch may be
worse, and the best weights belonged to an epoch that no file records.
"""

import json

import pytest
import yaml

from slr_keras.training.folder import RunFolder
from slr_keras.training.trainer import Trainer
from slr_keras.utils.arrays import read_record, save_arrays


def test_weights_of_an_epoch_that_was_not_saved_are_not_the_best(tiny, tmp_path, monkeypatch):
    from slr_keras.fit import main

    data = tiny.write_data(tmp_path / "data", train=4, dev=2, test=0, streams=("body",))
    recipe = tmp_path / "recipe.yaml"
    tree = tiny.tree(data, epochs=3)
    # Every epoch is the best one: dev is among the training clips.
    tree["data"]["train_on_dev"] = True
    recipe.write_text(yaml.safe_dump(tree))
    command = [str(recipe), "--to", str(tmp_path / "run")]
    save = Trainer.save

    def killed(self):
        if self.position.epoch == 2:
            raise KeyboardInterrupt
        save(self)

    monkeypatch.setattr(Trainer, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        main(command)
    folder = RunFolder(tmp_path / "run")
    assert read_record(folder.last)["position"]["epoch"] == 1
    assert read_record(folder.best)["epoch"] == 1
    monkeypatch.setattr(Trainer, "save", save)
    assert main(command) == 0
    assert read_record(folder.best)["epoch"] == 3
    assert len([json.loads(line) for line in folder.metrics.read_text().splitlines()]) == 3
    assert sorted(path.name for path in folder.last.parent.iterdir()) == ["best.npz", "last.npz"]


@pytest.mark.parametrize(("saved", "best"), [(1, 1), (2, 2), (3, 2)])
def test_new_best_weights_count_from_the_checkpoint_of_their_epoch_on(tmp_path, saved, best):
    folder = RunFolder(tmp_path)
    save_arrays(folder.best, {}, {"epoch": 1, "wer": 50.0})
    save_arrays(folder.next_best, {}, {"epoch": 2, "wer": 40.0})
    folder.settle_best(saved)
    assert read_record(folder.best)["epoch"] == best
    assert not folder.next_best.exists()
