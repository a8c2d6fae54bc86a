"""References by enumeration, and random cases."""

import itertools
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def by_enumeration(logits, labels):
    """Loss and posteriors of the arcs, from every choice of the steps that emit."""
    steps, glosses = len(logits), len(labels)
    scores = log_softmax(logits)
    emits = np.zeros((0, steps), bool)
    chosen = list(itertools.combinations(range(steps), glosses))
    if chosen:
        emits = np.zeros((len(chosen), steps), bool)
        for row, path in enumerate(chosen):
            emits[row, list(path)] = True
    node = np.cumsum(emits, 1) - emits
    following = np.append(labels, 0).astype(int)[node]
    symbols = np.where(emits, following, 0)
    weights = np.exp(scores[np.arange(steps), node, symbols].sum(1))
    emission, blank = np.zeros((steps, glosses + 1)), np.zeros((steps, glosses + 1))
    at = np.broadcast_to(np.arange(steps), node.shape)
    shares = np.broadcast_to(weights[:, None] / weights.sum(), node.shape)
    np.add.at(emission, (at[emits], node[emits]), shares[emits])
    np.add.at(blank, (at[~emits], node[~emits]), shares[~emits])
    return -np.log(weights.sum()), emission[:, :glosses], blank


@dataclass
class Cases:
    visual: np.ndarray
    context: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    steps: np.ndarray
    glosses: np.ndarray

    @property
    def integers(self):
        return self.labels, self.steps, self.glosses


def cases(count, spread, seed, classes=4):
    """Feasible samples of 1 to 7 steps and 0 to 4 labels, repeats among them, in one batch."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, 8, count).astype("int32")
    glosses = np.minimum(rng.integers(0, 5, count), steps).astype("int32")
    return Cases(
        visual=rng.normal(0, spread, (count, 7, classes)),
        context=rng.normal(0, spread, (count, 5, classes)),
        logits=rng.normal(0, spread, (count, 7, 5, classes)),
        labels=rng.integers(1, classes, (count, 4)).astype("int32"),
        steps=steps,
        glosses=glosses,
    )


def gradient_of(loss, inputs, integers, numpy=True):
    """The loss per sample and the gradient of its sum, of the structure of the inputs."""
    integers = getattr(integers, "integers", integers)
    inputs = tf.nest.map_structure(tf.convert_to_tensor, inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        losses = loss(*tf.nest.flatten(inputs), *integers)
    slopes = tape.gradient(losses, inputs)
    if numpy:
        return losses.numpy(), tf.nest.map_structure(lambda x: x.numpy(), slopes)
    return losses, slopes
