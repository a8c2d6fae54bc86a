"""fast_rnnt, where it is installed, sums the same lattice; a published example needs no peer."""

import math

import cst_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.benchmarks.cst.peers import fast_rnnt_available, fast_rnnt_contenders
from slr_keras.benchmarks.cst.problem import Problem, Size
from slr_keras.losses.cst import cgd_loss, cgd_loss_additive

needs_fast_rnnt = pytest.mark.skipif(not fast_rnnt_available(), reason="fast_rnnt not installed")

# The example of the monotonic RNN-T's own test: 4 steps, labels 1 and 2; by step and prefix.
PUBLISHED = np.array(
    [
        [[0.6, 0.3, 0.1], [0.7, 0.1, 0.2], [0.5, 0.1, 0.4]],
        [[0.5, 0.4, 0.1], [0.5, 0.1, 0.4], [0.8, 0.1, 0.1]],
        [[0.4, 0.3, 0.3], [0.5, 0.1, 0.4], [0.7, 0.2, 0.1]],
        [[0.8, 0.1, 0.1], [0.3, 0.1, 0.6], [0.8, 0.1, 0.1]],
    ]
)


def problem(dtype, steps=(9, 4, 6), glosses=(4, 4, 1)):
    """Samples of all proportions in one batch; fast_rnnt takes none without labels or a path."""
    whole = Problem.of(Size(3, 9, 4, 31), seed=1)
    return whole._replace(
        visual=2 * whole.visual.astype(dtype),
        context=2 * whole.context.astype(dtype),
        steps=np.array(steps, "int32"),
        glosses=np.array(glosses, "int32"),
    )


def test_the_published_example_tells_this_lattice_from_others():
    loss = cgd_loss(np.log(PUBLISHED)[None], [[1, 2]], [4], [2])
    assert round(math.exp(-float(loss[0])), 3) == 0.363


@needs_fast_rnnt
def test_fast_rnnt_gives_the_published_example_by_its_modified_lattice_only():
    import fast_rnnt
    import torch

    logits, labels = torch.tensor(np.log(PUBLISHED))[None], torch.tensor([[1, 2]])
    found = {
        kind: math.exp(-float(fast_rnnt.rnnt_loss(logits, labels, 0, rnnt_type=kind)))
        for kind in ("regular", "modified", "constrained")
    }
    expected = {"regular": 0.246, "modified": 0.363, "constrained": 0.164}
    assert found == pytest.approx(expected, abs=5e-4)


@needs_fast_rnnt
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
def test_fast_rnnt_and_ours_give_equal_losses_and_gradients(dtype, tolerance):
    data = problem(dtype)
    nodes = data.visual[:, :, None] + data.context[:, None]
    integers = (data.labels, data.steps, data.glosses)
    peers = fast_rnnt_contenders(data)
    for name, loss, inputs in (
        ("fast_rnnt additive", cgd_loss_additive, (data.visual, data.context)),
        ("fast_rnnt full", cgd_loss, (nodes,)),
    ):
        found, slopes = peers[name]()
        expected, wanted = reference.gradient_of(loss, inputs, integers)
        assert found.detach().numpy().dtype == dtype
        np.testing.assert_allclose(found.detach(), expected, rtol=tolerance)
        for slope, other in zip(slopes, tf.nest.flatten(wanted), strict=True):
            np.testing.assert_allclose(slope, other, atol=tolerance)
