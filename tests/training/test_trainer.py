"""Training refuses what it cannot learn from, and never keeps what went wrong."""

import dataclasses
import json
import re
import threading

import numpy as np
import pytest

from slr_keras.data.manifest import FolderWriter, read_manifest, write_manifest
from slr_keras.training.data import open_run_data
from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError


def with_data(config, **changes):
    data = dataclasses.replace(config.data, **changes)
    return dataclasses.replace(config, data=data)


def opened(path, config):
    folder = RunFolder(path)
    folder.open(config)
    return folder


def test_a_diverging_run_names_the_clips_and_saves_nothing(tiny, data, tmp_path):
    from slr_keras.training.trainer import train

    config = tiny.config(data, learning_rate=1e30, warm_up_epochs=0)
    folder = opened(tmp_path / "run", config)
    with pytest.raises(UserError) as caught:
        train(config, folder)
    message = str(caught.value)
    assert "epoch 1, batch 2" in message or "epoch 1, batch 1" in message
    assert "train-0" in message
    assert "lower training.learning_rate" in message
    assert not folder.last.exists()
    assert not folder.best.exists()


def test_a_batch_whose_loss_is_not_finite_is_kept_as_the_model_read_it(tiny, data, tmp_path):
    import tensorflow as tf

    from slr_keras.training.trainer import Trainer, train

    config = tiny.config(data, learning_rate=1e30, warm_up_epochs=0)
    folder = opened(tmp_path / "run", config)
    with pytest.raises(UserError, match=r"batch (\d+).*bad_batch.npz") as caught:
        train(config, folder)
    number = int(re.search(r"batch (\d+)", str(caught.value))[1])
    trainer = Trainer(config, folder, tf.distribute.get_strategy())
    expected = list(trainer.data.numpy_batches(0))[number - 1]
    with np.load(folder.bad_batch) as kept:
        assert set(kept) == {"ids", *expected}
        for name, values in expected.items():
            np.testing.assert_array_equal(kept[name], values)
        assert list(kept["ids"]) == [trainer.run_data.train[row].id for row in expected["index"]]


def test_the_moving_average_is_what_is_scored_and_kept(tiny, data, tmp_path):
    import tensorflow as tf

    from slr_keras.training.trainer import Trainer
    from slr_keras.utils.arrays import load_arrays

    config = tiny.config(data, epochs=1, moving_average=0.99)
    folder = opened(tmp_path / "run", config)
    trainer = Trainer(config, folder, tf.distribute.get_strategy())
    trainer.run_epoch(0, threading.Event())
    trained = [w.numpy() for w in trainer.optimiser.targets]
    averaged = [w.numpy() for w in trainer.optimiser.average]
    load_arrays(folder.best, {"model": trainer.model.variables})
    kept = [w.numpy() for w in trainer.optimiser.targets]
    for mean, best in zip(averaged, kept, strict=True):
        np.testing.assert_array_equal(best, mean)
    assert any((a != b).any() for a, b in zip(trained, averaged))
    # The state to go on from holds the weights themselves.
    load_arrays(folder.last, trainer._state())
    for weights, restored in zip(trained, trainer.optimiser.targets, strict=True):
        np.testing.assert_array_equal(weights, restored.numpy())


def too_short(tiny, folder, count):
    rng = np.random.default_rng(0)
    with FolderWriter(folder, tiny.tiny_contract()) as writer:
        for split in ("train", "dev"):
            for number in range(10):
                glosses = ["NORTH", "EAST"]
                points = tiny.clip(glosses, rng)
                if split == "train" and number < count:
                    points, glosses = points[:8], ["NORTH", "NORTH"]
                writer.add(split, id=f"{split}-{number}", glosses=glosses, keypoints=points)
    return folder


def test_many_clips_too_short_for_their_glosses_are_refused_by_name(tiny, tmp_path):
    config = tiny.config(too_short(tiny, tmp_path / "data", 2), max_infeasible=0.1)
    with pytest.raises(UserError) as caught:
        open_run_data(config).training_dataset()
    assert "2 of 10 clips" in str(caught.value)
    assert "'train-0'" in str(caught.value)
    assert "'train-1'" in str(caught.value)


def test_few_clips_too_short_are_listed_and_masked(tiny, tmp_path, capsys):
    config = tiny.config(too_short(tiny, tmp_path / "data", 1), max_infeasible=0.1)
    dataset = open_run_data(config).training_dataset()
    assert "'train-0'" in capsys.readouterr().err
    weights = np.concatenate([b["weight"] for b in dataset.numpy_batches(0)])
    assert weights.sum() >= 9


def test_data_that_does_not_fit_a_recipe_is_refused(tiny, data, tmp_path):
    config = tiny.config(data)
    for change, message in (
        ({"folder": str(tmp_path / "absent")}, "absent does not exist"),
        ({"dev": "devel"}, r"no such split; the folder has: dev, test, train"),
        ({"vocabulary": str(tmp_path / "absent.txt")}, r"absent\.txt"),
    ):
        with pytest.raises(UserError, match=message):
            open_run_data(with_data(config, **change))


def test_splits_that_share_a_signer_are_refused_where_the_recipe_forbids_it(tiny, tmp_path):
    folder = tiny.write_data(tmp_path / "data")
    config = with_data(tiny.config(folder), unseen_signers=True)
    open_run_data(config)
    dev = read_manifest(folder / "dev.jsonl")
    moved = [dataclasses.replace(s, signer="train-signer") for s in dev]
    write_manifest(folder / "dev.jsonl", moved)
    with pytest.raises(UserError, match=r"signer 'train-signer' is in train .* and in dev"):
        open_run_data(config)


def test_a_train_gloss_outside_the_vocabulary_is_refused_with_its_line(tiny, tmp_path):
    folder = tiny.write_data(tmp_path / "data")
    (folder / "vocabulary.txt").write_text("<blank>\n<unk>\nNORTH\n")
    with pytest.raises(UserError, match=r"train\.jsonl:\d+: sample 'train-\d\d'.*unknown gloss"):
        open_run_data(tiny.config(folder))


def test_a_dev_gloss_that_training_lacks_is_an_error_or_counts_as_one(tiny, tmp_path, capsys):
    folder = tiny.write_data(tmp_path / "data")
    dev = list(read_manifest(folder / "dev.jsonl"))
    dev[1] = dataclasses.replace(dev[1], glosses=("NORTH", "UP"))
    write_manifest(folder / "dev.jsonl", dev)
    config = tiny.config(folder)
    assert "UP" not in open_run_data(config).vocabulary
    assert "1 glosses are not in the vocabulary" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"dev\.jsonl:2: sample 'dev-01'.*'UP'"):
        open_run_data(with_data(config, unknown_glosses="error"))


def test_fine_tuning_starts_from_the_weights_of_another_run(tiny, trained, tmp_path):
    import tensorflow as tf

    from slr_keras.training.run import Run
    from slr_keras.training.trainer import Trainer

    config = tiny.config(trained.parent / "data", initial_run=str(trained))
    folder = opened(tmp_path / "run", config)
    trainer = Trainer(config, folder, tf.distribute.get_strategy())
    before = Run.load(trained).model()
    for first, second in zip(before.trainable_variables, trainer.model.trainable_variables):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_metrics_of_a_lost_epoch_are_dropped(tmp_path):
    from slr_keras.training.history import History

    folder = RunFolder(tmp_path)
    lines = [json.dumps({"epoch": epoch}) for epoch in (1, 2, 3)]
    folder.metrics.write_text("\n".join(lines) + "\n")
    assert [r["epoch"] for r in History(folder, 2).records] == [1, 2]
