"""The best path and alignments against enumeration of every path."""

import itertools

import numpy as np
import tensorflow as tf

from slr_keras.losses.cst import (
    aligned_logits,
    cgd_arcs,
    cgd_lattice,
    cgd_viterbi,
    posterior_alignment,
    viterbi_alignment,
)


def test_the_best_path_is_the_best_of_all(reference):
    case = reference.cases(150, 2.0, seed=0)
    emission, blank = (x.numpy() for x in cgd_arcs(case.logits, case.labels, case.glosses))
    score, found = cgd_viterbi(emission, blank, case.steps, case.glosses)
    nodes = viterbi_alignment(found, case.steps, 7).numpy()
    for i, (steps, glosses) in enumerate(zip(case.steps, case.glosses)):

        def value(path, i=i, steps=steps):
            before = np.searchsorted(path, np.arange(steps), side="left")
            emits = np.isin(np.arange(steps), path)
            terms = [
                emission[i, s, t] if e else blank[i, s, t]
                for s, (t, e) in enumerate(zip(before, emits))
            ]
            return sum(terms)

        paths = list(itertools.combinations(range(steps), glosses))
        best = max(paths, key=value)
        np.testing.assert_allclose(score[i], value(best), rtol=1e-12)
        assert found[i].numpy().tolist() == [*best, *[-1] * (4 - glosses)]
        expected = np.searchsorted(best, np.arange(steps), side="left")
        assert nodes[i].tolist() == [*expected, *[0] * (7 - steps)]


def test_without_a_path_there_are_no_steps():
    score, steps = cgd_viterbi(np.zeros((2, 2, 3)), np.zeros((2, 2, 4)), [2, 1], [3, 0])
    assert score.numpy().tolist() == [-np.inf, 0]
    assert (steps.numpy() == -1).all()


def test_the_most_occupied_nodes_of_a_sure_lattice_are_its_best_path(reference):
    case = reference.cases(40, 40.0, seed=1)
    arcs = cgd_arcs(case.logits, case.labels, case.glosses)
    lattice = cgd_lattice(*arcs, case.steps, case.glosses)
    _, steps = cgd_viterbi(*arcs, case.steps, case.glosses)
    sure = (lattice.emission.numpy().sum(1) > 0) & (lattice.emission.numpy().max(1) < 0.99)
    rows = ~sure.any(1)
    assert rows.sum() > 20
    best = viterbi_alignment(steps, case.steps, 7).numpy()
    np.testing.assert_array_equal(posterior_alignment(lattice).numpy()[rows], best[rows])


def test_aligned_logits_take_each_step_under_its_prefix(reference):
    case = reference.cases(5, 1.0, seed=2)
    alignment = np.random.default_rng(0).integers(0, 5, (5, 7))
    found = aligned_logits(case.visual, case.context, alignment)
    expected = case.visual + case.context[np.arange(5)[:, None], alignment]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_best_path_runs_in_graphs_of_unknown_sizes(reference):
    case = reference.cases(5, 2.0, seed=3)
    arcs = [x.numpy() for x in cgd_arcs(case.logits, case.labels, case.glosses)]
    arguments = (*arcs, case.steps, case.glosses)
    unknown = [tf.TensorSpec([None] * x.ndim, x.dtype) for x in arguments]
    graph = tf.function(cgd_viterbi, input_signature=unknown)
    for a, b in zip(graph(*arguments), cgd_viterbi(*arguments)):
        np.testing.assert_array_equal(a, b)
