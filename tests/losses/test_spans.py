"""Loss on sign spans against a loop."""

import numpy as np

from slr_keras.losses.spans import span_loss


def test_the_loss_is_the_mean_over_the_steps_in_the_middle_of_the_spans():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 10, 5)).astype("float32")
    labels = np.array([[2, 4], [3, 0]], np.int32)
    spans = np.array([[[0, 20], [22, 40]], [[5, 17], [0, 0]]], np.int32)
    found = np.asarray(span_loss(labels, spans, logits, stride=4))
    shifted = logits - logits.max(-1, keepdims=True)
    scores = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    for clip in range(2):
        costs = []
        for label, (start, end) in zip(labels[clip], spans[clip]):
            low, high = start + 0.2 * (end - start), end - 0.2 * (end - start)
            for step in range(10):
                if low <= 4 * step + 2 < high:
                    costs.append(-scores[clip, step, label])
        assert costs
        np.testing.assert_allclose(found[clip], np.mean(costs), rtol=1e-5)


def test_a_clip_without_spans_has_no_loss():
    logits = np.ones((1, 6, 3), "float32")
    assert float(span_loss([[1, 2]], np.zeros((1, 2, 2), np.int32), logits, 4)[0]) == 0


def test_the_padding_behind_the_labels_has_no_loss():
    logits = np.random.default_rng(0).normal(size=(1, 6, 3)).astype("float32")
    short = span_loss([[1]], [[[0, 12]]], logits, 4)
    padded = span_loss([[1, 0, 0]], [[[0, 12], [0, 0], [0, 0]]], logits, 4)
    np.testing.assert_allclose(short, padded)
