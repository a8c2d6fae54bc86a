"""Divergences between the two levels against their definitions."""

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.losses.cst import aligned_divergence, lattice_divergence, visual_divergence
from slr_keras.utils.errors import UserError


def definition(reference, teacher, student, temperature=8.0, blank=0):
    """T^2 KL of each row of logits without the blank."""
    teacher, student = (np.delete(x, blank, -1) / temperature for x in (teacher, student))
    expected, found = reference.log_softmax(teacher), reference.log_softmax(student)
    return temperature**2 * (np.exp(expected) * (expected - found)).sum(-1)


def inputs(seed=0, batch=3, steps=5, prefixes=3, classes=6):
    rng = np.random.default_rng(seed)
    shapes = [(batch, steps, classes), (batch, prefixes, classes)] * 2
    posteriors = rng.dirichlet(np.ones(prefixes), (batch, steps))
    return [rng.normal(0, 4, shape) for shape in shapes], posteriors, np.array([5, 3, 0])


def test_visual_divergence_is_the_mean_over_real_steps(reference):
    (teacher, _, student, _), _, lengths = inputs()
    found = visual_divergence(teacher, student, lengths)
    rows = definition(reference, teacher, student)
    expected = [rows[0].mean(), rows[1, :3].mean(), 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("blank", [0, 2])
def test_lattice_divergence_is_the_posterior_mean_over_nodes(reference, blank):
    parts, posteriors, lengths = inputs()
    found = lattice_divergence(*parts, posteriors, lengths, temperature=3.0, blank=blank)
    nodes = [parts[i][:, :, None] + parts[i + 1][:, None] for i in (0, 2)]
    rows = (posteriors * definition(reference, *nodes, 3.0, blank)).sum(-1)
    expected = [rows[0].mean(), rows[1, :3].mean(), 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_lattice_of_one_path_is_an_alignment():
    parts, _, lengths = inputs(1)
    alignment = np.sort(np.random.default_rng(0).integers(0, 3, (3, 5)))
    found = aligned_divergence(*parts, alignment, lengths)
    expected = lattice_divergence(*parts, np.eye(3)[alignment], lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_only_the_student_moves_and_padding_never_matters():
    parts, posteriors, lengths = inputs(2)
    alignment = posteriors.argmax(-1)
    dirty = [x.copy() for x in parts]
    padded = np.arange(5) >= lengths[:, None]
    for x in dirty[::2]:
        x[padded] = np.nan
    real = np.where(padded[..., None], 0, posteriors)
    for divergence, nodes in ((aligned_divergence, alignment), (lattice_divergence, real)):
        results = []
        for values in (parts, dirty):
            values = [tf.constant(x) for x in values]
            with tf.GradientTape() as tape:
                tape.watch(values)
                loss = divergence(*values, nodes, lengths)
            slopes = tape.gradient(loss, values)
            assert slopes[0] is None
            assert slopes[1] is None
            results.append([loss, *slopes[2:]])
        for a, b in zip(*results):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        assert not results[1][1].numpy()[padded].any()


def test_the_student_gradient_equals_finite_differences():
    parts, posteriors, lengths = inputs(3)
    way = [np.random.default_rng(1).normal(size=x.shape) for x in parts[2:]]

    def loss(student, context):
        return lattice_divergence(*parts[:2], student, context, posteriors, lengths)

    values = [tf.constant(x) for x in parts[2:]]
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(loss(*values))
    slopes = tape.gradient(total, values)
    ahead, behind = (
        loss(*[x + e * d for x, d in zip(parts[2:], way)]).numpy().sum() for e in (1e-5, -1e-5)
    )
    expected = sum((d * s.numpy()).sum() for d, s in zip(way, slopes))
    np.testing.assert_allclose((ahead - behind) / 2e-5, expected, rtol=1e-6)


def test_single_precision_is_enough():
    parts, posteriors, lengths = inputs(4, classes=500)
    narrow = [x.astype("float32") for x in parts]
    found = lattice_divergence(*narrow, posteriors, lengths)
    expected = lattice_divergence(*parts, posteriors, lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_shapes_that_do_not_fit_are_named():
    parts, posteriors, lengths = inputs()
    with pytest.raises(UserError, match=r"student has shape \(3, 5, 5\)"):
        visual_divergence(parts[0], parts[2][..., 1:], lengths)
    with pytest.raises(UserError, match=r"node_posteriors has shape \(3, 5, 2\)"):
        lattice_divergence(*parts, posteriors[..., 1:], lengths)
