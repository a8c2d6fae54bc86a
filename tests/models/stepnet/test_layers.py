"""Parts, gates, attention, segments and GRUs, each against its definition."""

import math

import numpy as np
import pytest

from slr_keras.models.stepnet import (
    CrossAttention,
    PartGate,
    PartPool,
    SpatialBranch,
    TemporalBranch,
    TemporalPartition,
)
from slr_keras.models.stepnet.partition import segment_starts
from slr_keras.models.temporal import GruStack


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# === Parts ===


def test_each_half_plane_is_seen_by_its_part():
    for part, where in {
        "left": np.s_[..., :3, :],
        "right": np.s_[..., 3:, :],
        "top": np.s_[:, :, :2],
        "bottom": np.s_[:, :, 2:],
    }.items():
        maps = np.zeros((1, 2, 4, 6, 1), "float32")
        maps[where] = 1
        parts = {name: float(np.mean(value)) for name, value in PartPool()(maps).items()}
        other = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[part]
        assert parts[part] == 1
        assert parts[other] == 0
        assert all(parts[name] == 0.5 for name in parts if name not in (part, other))


def test_a_mirrored_picture_swaps_left_and_right():
    maps = uniform(2, 3, 4, 6, 5)
    parts, mirrored = PartPool()(maps), PartPool()(maps[..., ::-1, :])
    for name, other in {"left": "right", "right": "left", "top": "top", "global": "global"}.items():
        np.testing.assert_allclose(mirrored[other], parts[name], atol=1e-6)


def test_on_even_grids_the_halves_have_the_mean_of_the_whole():
    parts = PartPool()(uniform(2, 3, 4, 6, 5))
    for one, other in (("left", "right"), ("top", "bottom")):
        np.testing.assert_allclose((parts[one] + parts[other]) / 2, parts["global"], atol=1e-6)


def test_on_odd_grids_left_and_top_have_one_less():
    maps = np.arange(49.0, dtype="float32").reshape(1, 1, 7, 7, 1)
    parts = {name: float(np.squeeze(value)) for name, value in PartPool()(maps).items()}
    assert parts == {
        "left": maps[0, 0, :, :3].mean(),
        "right": maps[0, 0, :, 3:].mean(),
        "top": maps[0, 0, :3].mean(),
        "bottom": maps[0, 0, 3:].mean(),
        "global": 24,
    }


@pytest.mark.parametrize(("hidden", "count"), [(None, 2 * 20), ((), 20), ((3,), 15 + 16)])
def test_a_gate_is_a_sigmoid_of_its_perceptron(hidden, count):
    gate, h = PartGate(hidden), uniform(2, 3, 4)
    found = np.asarray(gate(h))
    y = h
    for number, layer in enumerate(gate.perceptron.linear):
        y = np.maximum(y, 0) if number else y
        y = y @ np.asarray(layer.kernel) + np.asarray(layer.bias)
    np.testing.assert_allclose(found, h / (1 + np.exp(-y)), atol=1e-5)
    assert gate.count_params() == count


# === Attention ===


def literal_attention(layer, queries, sources):
    """Eq. 2 in float64."""

    def project(layers, x):
        linear, *norm = layers
        x = x @ np.asarray(linear.kernel, np.float64) + np.asarray(linear.bias)
        for _ in norm:
            x = x - x.mean(-1, keepdims=True)
            x = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + 1e-5)
        return x

    q, own = project(layer.query, queries), project(layer.query_value, queries)
    k = np.concatenate([project(p, x) for p, x in zip(layer.keys, sources)], 1)
    v = np.concatenate([project(p, x) for p, x in zip(layer.values, sources)], 1)
    products = q @ k.transpose(0, 2, 1)
    if layer.norm == "layer":
        products = products / math.sqrt(layer.width)
    weights = np.exp(products - products.max(-1, keepdims=True))
    weights = weights / weights.sum(-1, keepdims=True)
    return weights, weights @ v + own


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_attention_is_the_equation(norm):
    layer = CrossAttention(6, norm)
    queries, sources = uniform(2, 16, 5), [uniform(2, 8, 3, seed=n) for n in (1, 2, 3)]
    found = np.asarray(layer(queries, sources))
    weights, expected = literal_attention(layer, queries, sources)
    assert weights.shape == (2, 16, 24)
    np.testing.assert_allclose(layer.weights_of(queries, sources), weights, atol=1e-5)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_rows_of_the_softmax_sum_to_one_in_mixed_precision(policy):
    layer = CrossAttention(64, dtype=policy)
    queries = 4 * uniform(2, 16, 32)
    assert layer(queries, [queries, queries[:, ::-1]]).dtype == policy.removeprefix("mixed_")
    weights = np.asarray(layer.weights_of(queries, [queries, queries[:, ::-1]]))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)


def test_a_linear_layer_starts_as_pytorchs():
    layer = CrossAttention(400)
    layer(uniform(1, 2, 100), [uniform(1, 2, 25)])
    for (linear,), fan_in in ((layer.query, 100), (layer.values[0], 25)):
        for weight in (linear.kernel, linear.bias):
            bound = fan_in**-0.5
            assert 0.9 * bound < np.abs(weight).max() <= bound
            assert np.std(weight) == pytest.approx(bound / math.sqrt(3), rel=0.1)


# === Spatial branch ===


def test_the_spatial_branch_adds_gated_halves_and_attends_to_all_frames():
    branch, parts = SpatialBranch(6), PartPool()(uniform(2, 8, 4, 4, 5))
    features = branch(parts)
    gated = {part: gate(parts[part]) for part, gate in branch.gates.items()}
    for pair, (one, other) in {
        "left_right": ("left", "right"),
        "top_bottom": ("top", "bottom"),
    }.items():
        np.testing.assert_allclose(features[pair], gated[one] + gated[other], atol=1e-6)
    assert len({id(gate.perceptron) for gate in branch.gates.values()}) == 4
    sources = [features["left_right"], features["top_bottom"]]
    assert branch.fuse.weights_of(parts["global"], sources).shape == (2, 8, 16)
    np.testing.assert_allclose(
        features["spatial"], branch.fuse(parts["global"], sources), atol=1e-6
    )


def test_concatenation_is_one_linear_layer():
    branch, parts = SpatialBranch(6, fusion="concatenate"), PartPool()(uniform(2, 8, 4, 4, 5))
    features = branch(parts)
    together = np.concatenate(
        [features["left_right"], features["top_bottom"], parts["global"]], axis=-1
    )
    expected = together @ np.asarray(branch.fuse.kernel) + np.asarray(branch.fuse.bias)
    np.testing.assert_allclose(features["spatial"], expected, atol=1e-5)


# === Segments ===


# docs/papers/stepnet.md §5.
@pytest.mark.parametrize(
    ("sizes", "starts"),
    [
        ((16, 8, 3), (0, 4, 8)),
        ((16, 6, 3), (0, 5, 10)),
        ((16, 6, 4), (0, 3, 7, 10)),
        ((16, 8, 4), (0, 3, 5, 8)),
        ((16, 4, 4), (0, 4, 8, 12)),
        ((8, 4, 3), (0, 2, 4)),
        ((16, 16, 1), (0,)),
    ],
)
def test_segments_start_where_the_table_says(sizes, starts):
    assert segment_starts(*sizes) == starts


def test_segments_that_are_accepted_cover_the_clip():
    for steps in range(1, 20):
        for length in range(1, steps + 1):
            for segments in range(1, 8):
                if segments * length < steps:
                    with pytest.raises(ValueError, match="do not cover"):
                        segment_starts(steps, length, segments)
                    continue
                starts = segment_starts(steps, length, segments)
                seen = {start + i for start in starts for i in range(length)}
                assert seen == set(range(steps)), (steps, length, segments)


def test_a_segment_longer_than_the_clip_is_refused():
    with pytest.raises(ValueError, match="do not cover"):
        TemporalPartition(3, 9)(uniform(1, 8, 2))


# === GRUs ===


def literal_gru(x, layer, backwards):
    """PyTorch's equations in float64; Keras' gates stand in the order z, r, h."""
    kernel, recurrent, bias = (np.asarray(w, np.float64) for w in layer.cell.weights)
    units = len(recurrent)
    h, outputs = np.zeros((len(x), units)), []

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    steps = range(x.shape[1])
    for t in reversed(steps) if backwards else steps:
        given = np.split(x[:, t] @ kernel + bias[0], 3, -1)
        known = np.split(h @ recurrent + bias[1], 3, -1)
        z, r = (sigmoid(a + b) for a, b in zip(given[:2], known[:2]))
        n = np.tanh(given[2] + r * known[2])
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs[::-1] if backwards else outputs, 1)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_grus_are_pytorchs(bidirectional):
    stack, x = GruStack(6, layers=2, bidirectional=bidirectional), uniform(2, 5, 3)
    found = np.asarray(stack(x))
    y = x.astype(np.float64)
    for number, layer in enumerate(stack.forward_layers):
        one = literal_gru(y, layer, False)
        if bidirectional:
            other = literal_gru(y, stack.backward_layers[number], True)
            one = np.concatenate([one, other], -1)
        y = one
    np.testing.assert_allclose(found, y, atol=1e-5)
    units = 3 if bidirectional else 6
    for weight in stack.weights:
        assert 0.5 * units**-0.5 < np.abs(weight).max() <= units**-0.5


def test_the_temporal_branch_runs_each_segment_through_its_own_grus():
    branch, m = TemporalBranch(6, segments=3, segment_steps=4), uniform(2, 8, 4)
    features = branch(m)
    pieces = []
    for number, start in enumerate((0, 2, 4), 1):
        pieces.append(branch.segment_grus[number - 1](m[:, start : start + 4]))
        np.testing.assert_allclose(features[f"segment_{number}"], pieces[-1], atol=1e-6)
    whole = branch.clip_gru(m)
    assert branch.attention.weights_of(whole, pieces).shape == (2, 8, 12)
    np.testing.assert_allclose(features["temporal"], branch.attention(whole, pieces), atol=1e-6)
    assert len({id(gru) for gru in branch.segment_grus}) == 3
