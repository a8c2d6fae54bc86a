"""Parameters of the published sizes (docs/papers/c2st.md §2.7)."""

import numpy as np
import pytest

from slr_keras.models.registry import create_model

# Keras keeps one bias where PyTorch's LSTM adds two.
SECOND_BIASES = 8192
PHOENIX14 = 1296


def trained(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.mark.parametrize(
    ("name", "whole", "without_context"),
    [("c2st", 78.16, 77.155), ("c2st_r18", 60.51, 59.50)],
)
def test_parameters_are_the_published_millions(name, whole, without_context):
    model = create_model(name, PHOENIX14)
    total = trained(model.trainable_weights) + SECOND_BIASES
    assert total / 1e6 == pytest.approx(whole, abs=0.006)
    context = trained(model.context.trainable_weights)
    assert context == 1_005_248
    assert (total - context) / 1e6 == pytest.approx(without_context, abs=0.006)
