"""The objective of isolated signs, and what a recipe of them refuses.

See docs/papers/stepnet.md §6.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import parse_config
from slr_keras.data.manifest import FolderWriter
from slr_keras.models.stark import StarkIsolated
from slr_keras.training.data import open_run_data
from slr_keras.training.objectives.classification import (
    ClassificationObjective,
    cross_entropy,
)
from slr_keras.training.objectives.factory import make_objective
from slr_keras.utils.errors import UserError

STREAMS = {"body": (0, 1, 2), "left": (0, 1)}
HEADS = {"fuse", "left", "body"}
BATCH = {
    "keypoints": tf.constant(np.random.default_rng(0).normal(size=(3, 8, 3, 3)), tf.float32),
    "mask": tf.ones((3, 8)),
    # The last one is a filler, whose label is the blank.
    "labels": tf.constant([[2], [6], [0]]),
}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    little = {"widths": (8,), "stem_width": 8, "heads": 1, "window": 3, "pools": (1,)}
    return StarkIsolated(7, STREAMS, points=3, dropout=0.0, attention_dropout=0.0, **little)


def recipe(**training):
    return parse_config(
        {"data": {"folder": "."}, "model": {"name": "stark_isolated"}, "training": training}
    )


def test_the_loss_is_the_sum_of_the_cross_entropies_of_all_heads(model):
    objective = make_objective(model, recipe(distillation_weight=0.0))
    assert set(objective.terms) == {f"cross_entropy_{head}" for head in HEADS}
    loss, terms = objective(model, BATCH, {})
    logits = model({name: BATCH[name] for name in ("keypoints", "mask")}, training=True)
    expected = np.zeros(2)
    for head in HEADS:
        probabilities = tf.nn.softmax(logits[head]).numpy()
        own = -np.log([probabilities[0, 0], probabilities[1, 4]])
        np.testing.assert_allclose(terms[f"cross_entropy_{head}"][:2], own, rtol=1e-5)
        expected += own
    np.testing.assert_allclose(loss[:2], expected, rtol=1e-5)
    assert np.isfinite(loss).all()


def test_heads_that_say_nothing_cost_the_logarithm_of_the_classes_each(model):
    zeros = {head: tf.zeros((3, 5)) for head in HEADS}

    def silent(inputs, training):
        return zeros

    silent.clip_inputs = ("keypoints", "mask")
    loss, _ = ClassificationObjective(tuple(HEADS))(silent, BATCH, {})
    np.testing.assert_allclose(loss, 3 * np.log(5), rtol=1e-6)


def test_smoothing_gives_its_share_to_all_classes_alike():
    logits = np.random.default_rng(0).normal(size=(1, 4)).astype("float32")
    target = 0.8 * np.eye(4)[2] + 0.2 / 4
    expected = -(target * tf.nn.log_softmax(logits)[0].numpy()).sum()
    np.testing.assert_allclose(cross_entropy(logits, [2], 0.2), [expected], rtol=1e-5)


def test_distillation_is_added_with_its_weight(model):
    plain, _ = make_objective(model, recipe(distillation_weight=0.0))(model, BATCH, {})
    objective = make_objective(model, recipe(distillation_weight=0.5))
    loss, terms = objective(model, BATCH, {})
    assert objective.terms[-1] == "distillation"
    assert (terms["distillation"].numpy() > 0).all()
    np.testing.assert_allclose(loss, plain + 0.5 * terms["distillation"], rtol=1e-5)


def test_a_clip_without_exactly_one_gloss_is_refused_by_name(tiny, data):
    open_run_data(tiny.config(data))
    with pytest.raises(UserError, match=r"train-01.*2 glosses.*names the one sign"):
        open_run_data(parse_config(tiny.sign_tree(data)))


def test_a_bare_clip_of_dev_is_refused_by_name(tiny, tmp_path):
    folder = tiny.write_signs(tmp_path / "data", train=4, dev=4)
    rng = np.random.default_rng(0)
    with FolderWriter(tmp_path / "bare", tiny.tiny_contract()) as writer:
        writer.add("dev", id="quiet", glosses=[], keypoints=tiny.clip(["EAST"], rng))
    for name in ("dev.jsonl", "dev.npy"):
        (tmp_path / "bare" / name).replace(folder / name)
    with pytest.raises(UserError, match=r"'quiet'.*0 glosses \(none\)"):
        open_run_data(parse_config(tiny.sign_tree(folder)))


def test_the_shortest_clip_is_long_enough_for_its_sign(tiny, tmp_path):
    rng = np.random.default_rng(0)
    with FolderWriter(tmp_path / "data", tiny.tiny_contract()) as writer:
        for split in ("train", "dev"):
            points = tiny.clip(["EAST"], rng)[:1]
            writer.add(split, id=split, glosses=["EAST"], keypoints=points)
    config = parse_config(tiny.sign_tree(tmp_path / "data", max_infeasible=0.0))
    task = open_run_data(config)
    dataset = task.training_dataset()
    assert not dataset.infeasible()
    assert next(dataset.numpy_batches())["weight"].tolist() == [1.0]
