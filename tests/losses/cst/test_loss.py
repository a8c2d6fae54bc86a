"""Conditional gloss decoding against enumeration of every path, and its properties."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.losses.cst import (
    cgd_arcs,
    cgd_arcs_additive,
    cgd_lattice,
    cgd_loss,
    cgd_loss_additive,
    occupancy,
)
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("spread", [1.0, 5.0])
def test_loss_and_posteriors_equal_enumeration_of_paths(reference, spread):
    case = reference.cases(300, spread, seed=0)
    loss = cgd_loss(case.logits, case.labels, case.steps, case.glosses).numpy()
    arcs = cgd_arcs(case.logits, case.labels, case.glosses)
    lattice = cgd_lattice(*arcs, case.steps, case.glosses)
    for i, (steps, glosses) in enumerate(zip(case.steps, case.glosses)):
        logits, labels = case.logits[i, :steps, : glosses + 1], case.labels[i, :glosses]
        expected, emission, blank = reference.by_enumeration(logits, labels)
        np.testing.assert_allclose(loss[i], expected, rtol=1e-9)
        found = lattice.emission[i, :steps, :glosses], lattice.blank[i, :steps, : glosses + 1]
        np.testing.assert_allclose(found[0], emission, atol=1e-9)
        np.testing.assert_allclose(found[1], blank, atol=1e-9)


def test_additive_loss_and_gradient_equal_those_of_the_node_logits(reference):
    case = reference.cases(200, 2.0, seed=1)
    whole, slope = reference.gradient_of(
        cgd_loss, case.visual[:, :, None] + case.context[:, None], case
    )
    parts, slopes = reference.gradient_of(cgd_loss_additive, (case.visual, case.context), case)
    np.testing.assert_allclose(parts, whole, rtol=1e-9)
    np.testing.assert_allclose(slopes[0], slope.sum(2), atol=1e-9)
    np.testing.assert_allclose(slopes[1], slope.sum(1), atol=1e-9)


def test_gradients_equal_finite_differences(reference):
    case = reference.cases(3, 1.0, seed=2)
    directions = np.random.default_rng(0)
    for loss, inputs in (
        (cgd_loss, case.logits),
        (cgd_loss_additive, (case.visual, case.context)),
    ):
        _, slopes = reference.gradient_of(loss, inputs, case)
        inputs, slopes = tf.nest.flatten(inputs), tf.nest.flatten(slopes)
        way = [directions.normal(size=x.shape) for x in inputs]
        ahead, behind = (
            loss(*[x + step * d for x, d in zip(inputs, way)], *case.integers).numpy().sum()
            for step in (1e-5, -1e-5)
        )
        expected = sum((d * s).sum() for d, s in zip(way, slopes))
        np.testing.assert_allclose((ahead - behind) / 2e-5, expected, atol=1e-8)


def test_uniform_logits_count_the_paths():
    logits = np.zeros((1, 7, 4, 5))
    loss = cgd_loss(logits, [[1, 2, 3]], [7], [3])
    np.testing.assert_allclose(loss, 7 * math.log(5) - math.log(math.comb(7, 3)), rtol=1e-12)


def test_probabilities_of_all_sequences_sum_to_one():
    rng, total = np.random.default_rng(3), 0.0
    # Contexts of a prefix model: any two sequences agree on those of a prefix they share.
    contexts = {}
    visual = rng.normal(size=(1, 4, 3))
    for count in range(5):
        for labels in itertools.product((1, 2), repeat=count):
            rows = [contexts.setdefault(labels[:t], rng.normal(size=3)) for t in range(count + 1)]
            ids = np.array(labels, "int32").reshape(1, count)
            loss = cgd_loss_additive(visual, np.stack(rows)[None], ids, [4], [count])
            total += math.exp(-float(loss[0]))
    np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_no_labels_exactly_enough_steps_and_too_few(reference):
    logits = np.random.default_rng(4).normal(size=(4, 3, 4, 5))
    labels = np.tile([1, 2, 2], (4, 1))
    steps, glosses = np.array([3, 3, 2, 0]), np.array([0, 3, 3, 0])
    scores = reference.log_softmax(logits)
    expected = [-scores[0, :, 0, 0].sum(), -scores[1, range(3), range(3), [1, 2, 2]].sum()]
    loss, slope = reference.gradient_of(cgd_loss, logits, (labels, steps, glosses))
    np.testing.assert_allclose(loss, [*expected, np.inf, 0.0], rtol=1e-12)
    assert not slope[2:].any()
    assert slope[0].any()
    excused = cgd_loss(logits, labels, steps, glosses, zero_infinity=True)
    np.testing.assert_allclose(excused, [*expected, 0.0, 0.0], rtol=1e-12)


def test_batches_without_labels_or_steps_are_legal(reference):
    visual, context = np.zeros((2, 3, 4), "float32"), np.zeros((2, 1, 4), "float32")
    empty = np.zeros((2, 0), "int32")
    loss, slopes = reference.gradient_of(
        cgd_loss_additive, (visual, context), (empty, [3, 1], [0, 0])
    )
    np.testing.assert_allclose(loss, [3 * math.log(4), math.log(4)], rtol=1e-6)
    assert slopes[1].shape == (2, 1, 4)
    assert (
        cgd_loss_additive(visual[:, :0], context, empty, [0, 0], [0, 0]).numpy().tolist() == [0] * 2
    )


def test_posteriors_and_scores_are_consistent_at_every_step(reference):
    case = reference.cases(40, 3.0, seed=5)
    arcs = cgd_arcs_additive(case.visual, case.context, *case.integers)
    lattice = cgd_lattice(*arcs, case.steps, case.glosses)
    real = np.arange(case.visual.shape[1]) < case.steps[:, None]
    np.testing.assert_allclose(occupancy(lattice).numpy().sum(-1), real, atol=1e-9)
    totals = np.logaddexp.reduce(lattice.scores[0] + lattice.scores[1], axis=-1)
    np.testing.assert_allclose(totals, -np.tile(lattice.loss[:, None], totals.shape[1]), rtol=1e-9)


def test_the_gradient_of_a_node_sums_to_zero_over_classes(reference):
    case = reference.cases(40, 3.0, seed=6)
    _, slope = reference.gradient_of(cgd_loss, case.logits, case)
    np.testing.assert_allclose(slope.sum(-1), 0, atol=1e-12)


@pytest.mark.parametrize("rubbish", [1e30, np.inf, np.nan])
def test_neither_padding_nor_the_rest_of_the_batch_matters(reference, rubbish):
    case = reference.cases(30, 2.0, seed=7)
    order = np.random.default_rng(0).permutation(30)
    pad_steps = np.arange(case.visual.shape[1]) >= case.steps[:, None]
    pad_rows = np.arange(case.context.shape[1]) > case.glosses[:, None]
    labels = np.where(pad_rows[:, 1:], -1, case.labels)
    visual, context = case.visual.copy(), case.context.copy()
    visual[pad_steps], context[pad_rows] = rubbish, rubbish
    logits = case.logits.copy()
    logits[pad_steps[:, :, None] | pad_rows[:, None]] = rubbish
    for loss, clean, dirty in (
        (cgd_loss, (case.logits,), (logits,)),
        (cgd_loss_additive, (case.visual, case.context), (visual, context)),
    ):
        expected, slopes = reference.gradient_of(loss, clean, case)
        integers = (labels[order], case.steps[order], case.glosses[order])
        found, dirty_slopes = reference.gradient_of(loss, tuple(x[order] for x in dirty), integers)
        np.testing.assert_allclose(found, expected[order], rtol=1e-12)
        for a, b in zip(dirty_slopes, slopes):
            np.testing.assert_allclose(a, b[order], atol=1e-12)
        assert not slopes[0][pad_steps].any()
        alone = loss(
            *[
                x[:1, : case.steps[0]]
                if x.ndim != 3 or x.shape[1] == case.visual.shape[1]
                else x[:1]
                for x in clean
            ],
            *[x[:1] for x in case.integers],
        )
        np.testing.assert_allclose(alone, expected[:1], rtol=1e-12)


def test_several_sequences_share_the_visual_part(reference):
    rng = np.random.default_rng(8)
    visual, context = rng.normal(size=(2, 6, 5)), rng.normal(size=(2, 3, 4, 5))
    labels, glosses = rng.integers(1, 5, (2, 3, 3)), np.array([[3, 0, 2], [1, 3, 3]])
    steps = np.array([6, 2])
    together, slopes = reference.gradient_of(
        cgd_loss_additive, (visual, context), (labels, steps, glosses)
    )
    apart = [
        reference.gradient_of(
            cgd_loss_additive, (visual, context[:, h]), (labels[:, h], steps, glosses[:, h])
        )
        for h in range(3)
    ]
    np.testing.assert_allclose(together, np.stack([x[0] for x in apart], 1), rtol=1e-12)
    np.testing.assert_allclose(slopes[0], sum(x[1][0] for x in apart), atol=1e-12)
    np.testing.assert_allclose(slopes[1], np.stack([x[1][1] for x in apart], 1), atol=1e-12)


def test_extreme_logits_stay_finite(reference):
    rng = np.random.default_rng(9)
    logits = rng.choice([-100.0, 100.0], (4, 12, 6, 9)).astype("float32")
    visual = rng.choice([-100.0, 100.0], (4, 12, 9)).astype("float32")
    context = rng.choice([-100.0, 100.0], (4, 6, 9)).astype("float32")
    integers = rng.integers(1, 9, (4, 5)), [12] * 4, [5] * 4
    for loss, inputs in ((cgd_loss, (logits,)), (cgd_loss_additive, (visual, context))):
        found, slopes = reference.gradient_of(loss, inputs, integers)
        wide = tuple(x.astype("float64") for x in inputs)
        expected, wide_slopes = reference.gradient_of(loss, wide, integers)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        for a, b in zip(slopes, wide_slopes):
            assert np.isfinite(a).all()
            np.testing.assert_allclose(a, b, atol=2e-4)


def test_near_underflow_the_normaliser_is_summed_without_products(reference):
    rng = np.random.default_rng(10)
    visual, context = rng.normal(0, 60, (2, 8, 600)), rng.normal(0, 60, (2, 4, 600))
    integers = rng.integers(1, 600, (2, 3)), [8, 6], [3, 2]
    narrow = (visual.astype("float32"), context.astype("float32"))
    found, slopes = reference.gradient_of(cgd_loss_additive, narrow, integers)
    expected, slope = reference.gradient_of(
        cgd_loss, visual[:, :, None] + context[:, None], integers
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(slopes[0], slope.sum(2), atol=1e-3)
    np.testing.assert_allclose(slopes[1], slope.sum(1), atol=1e-3)


@pytest.mark.parametrize(
    ("size", "spread", "bound"),
    [((36, 12, 1296), 1, 6e-7), ((75, 28, 2001), 1, 1.1e-6), ((75, 28, 2001), 6, 5.6e-6)],
)
def test_single_precision_posteriors_are_within_the_bounds_of_rescaling(size, spread, bound):
    steps, glosses, classes = size
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        visual = rng.normal(0, spread, (1, steps, 1, classes))
        logits = (visual + rng.normal(0, spread, (1, 1, glosses + 1, classes))) / math.sqrt(2)
        arcs = cgd_arcs(logits, rng.integers(1, classes, (1, glosses)), [glosses])
        wide = cgd_lattice(*arcs, [steps], [glosses])
        narrow = cgd_lattice(*(tf.cast(arc, "float32") for arc in arcs), [steps], [glosses])
        np.testing.assert_allclose(narrow.loss, wide.loss, rtol=1e-6)
        pairs = (narrow.emission, wide.emission), (narrow.blank, wide.blank)
        errors.append(max(np.abs(one.numpy() - two.numpy()).max() for one, two in pairs))
    # The specification's bounds are the greatest error of one draw each.
    assert np.median(errors) <= bound
    assert max(errors) <= 2 * bound


def test_half_precision_is_computed_in_single(reference):
    case = reference.cases(5, 2.0, seed=12)
    inputs = (case.visual.astype("float16"), case.context.astype("float16"))
    found, slopes = reference.gradient_of(cgd_loss_additive, inputs, case)
    expected = cgd_loss_additive(*[x.astype("float32") for x in inputs], *case.integers)
    assert found.dtype == np.float32
    assert slopes[0].dtype == np.float16
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert cgd_loss(case.logits.astype("float16"), *case.integers).dtype == tf.float32


def test_the_additive_loss_builds_no_tensor_of_nodes_and_classes():
    shapes = (3, 40, 1000), (3, 9, 1000)

    @tf.function
    def slopes(visual, context):
        labels, steps, glosses = tf.ones((3, 8), tf.int32), [40] * 3, [8] * 3
        loss = cgd_loss_additive(visual, context, labels, steps, glosses)
        return tf.gradients(loss, [visual, context])

    graph = slopes.get_concrete_function(*[tf.TensorSpec(s) for s in shapes]).graph
    graphs = [graph, *(f.graph for f in graph._functions.values() if hasattr(f, "graph"))]
    tensors = [x for g in graphs for op in g.get_operations() for x in op.outputs]
    largest = max(x.shape.num_elements() or 0 for x in tensors)
    assert largest <= 3 * 40 * 9 * 256


def test_compiled_with_unknown_sizes_and_eager_agree(reference):
    case = reference.cases(4, 2.0, seed=13)
    visual, context = case.visual.astype("float32"), case.context.astype("float32")

    def both(visual, context, *integers):
        logits = visual[:, :, None] + context[:, None]
        whole = cgd_loss(logits, *integers)
        return whole, *reference.gradient_of(cgd_loss_additive, (visual, context), integers, False)

    eager = tf.nest.flatten(both(visual, context, *case.integers))
    unknown = [tf.TensorSpec([None] * x.ndim, x.dtype) for x in (visual, context, *case.integers)]
    for options in ({"input_signature": unknown}, {"jit_compile": True}):
        found = tf.nest.flatten(tf.function(both, **options)(visual, context, *case.integers))
        for a, b in zip(found, eager):
            np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visual": np.zeros((2, 5, 4))}, r"context has shape \(2, 3, 3\); give .*classes=4"),
        ({"labels": np.ones((2, 3), int)}, r"context has shape .*labels=3"),
        ({"steps": [5]}, r"logit_lengths has shape \(1,\); give \(batch\), where batch=2"),
        ({"context": np.zeros((2, 3))}, r"context has shape \(2, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, message):
    values = {
        "visual": np.zeros((2, 5, 3)), "context": np.zeros((2, 3, 3)),
        "labels": np.ones((2, 2), int), "steps": [5, 5], "glosses": [2, 2],
    }  # fmt: skip
    with pytest.raises(UserError, match=message):
        cgd_loss_additive(*(values | change).values())


def test_node_logits_that_do_not_fit_are_named():
    with pytest.raises(UserError, match=r"logits has shape \(1, 5, 2, 3\).*labels=2"):
        cgd_loss(np.zeros((1, 5, 2, 3)), [[1, 2]], [5], [2])
