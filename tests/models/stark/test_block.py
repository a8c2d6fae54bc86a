"""The fast block against the printed equations (docs/papers/stark.md §8)."""

import literal_stark as literal
import numpy as np
import pytest

from slr_keras.models.stark.block import StarkBlock

HEADS, POINTS = 3, 5


def make_block(channels_in=8, channels=12, window=5, time=16, seed=0):
    block = StarkBlock(channels, heads=HEADS, window=window, attention_channels=4)
    block.build((None, POINTS, None, channels_in))
    literal.randomise(block, seed)
    x = np.random.default_rng(seed + 1).normal(size=(2, POINTS, time, channels_in))
    return block, x.astype("float32")


@pytest.mark.parametrize("window", [1, 3, 5, 7, 11, 17])
@pytest.mark.parametrize("channels", [8, 12])
def test_block_equals_the_printed_equations(window, channels):
    block, x = make_block(channels=channels, window=window, time=block_time(window))
    result = np.asarray(block(x)).transpose(0, 2, 1, 3)
    weights = literal.named_weights(block)
    for clip in range(2):
        expected = literal.literal_block(
            x[clip].transpose(1, 0, 2).astype(np.float64), weights, HEADS, window
        )
        np.testing.assert_allclose(result[clip], expected, rtol=1e-4, atol=1e-5)


def block_time(window):
    """Two chunks, whatever a chunk is for this window."""
    return 2 * max(8, window // 2)


def test_a_padded_clip_gives_what_the_clip_alone_gives():
    block, x = make_block(time=24)
    weights = literal.named_weights(block)
    mask = np.zeros((2, 24), "float32")
    mask[:, :11] = 1
    poisoned = x.copy()
    poisoned[:, :, 11:] = 1e3
    result = np.asarray(block(poisoned, valid=mask)).transpose(0, 2, 1, 3)
    expected = literal.literal_block(
        x[0, :, :11].transpose(1, 0, 2).astype(np.float64), weights, HEADS, 5
    )
    np.testing.assert_allclose(result[0, :11], expected, rtol=1e-4, atol=1e-5)
    assert not result[0, 11:].any()


def test_attention_maps_are_those_of_the_equations_and_their_softmax_rows_sum_to_one():
    block, x = make_block()
    temporal, spatial = block.attention_maps(x)
    weights = literal.named_weights(block)
    _, expected_temporal, expected_spatial = literal.literal_attention(
        x[1].transpose(1, 0, 2).astype(np.float64), weights, HEADS, 5
    )
    np.testing.assert_allclose(temporal[1].transpose(1, 0, 2, 3), expected_temporal, atol=1e-5)
    np.testing.assert_allclose(spatial[1], expected_spatial, atol=1e-5)
    rows = (temporal - weights["beta"].transpose(2, 0, 1)[None, :, None]) / weights["alpha"][
        :, None
    ]
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-4)
    rows = (spatial - weights["delta"]) / weights["gamma"][:, None, None]
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-4)


def test_identity_attention_passes_the_input_through_every_head():
    block, x = make_block(window=5)
    identity = np.zeros((HEADS, 5, POINTS), "float32")
    identity[:, 2] = 1
    block.alpha.assign(np.zeros(HEADS))
    block.gamma.assign(np.zeros(HEADS))
    block.beta.assign(identity)
    block.delta.assign(np.tile(np.eye(POINTS), (HEADS, 1, 1)))
    mask = np.ones((2, 1, 16), "float32")
    query, key = block.queries_and_keys(x, np.ones((1, 1, 16, 1), "float32"))
    attended = block._aggregate(
        x, block.temporal_attention(query, key), block.spatial_attention(query, key, mask)
    )
    attended = np.asarray(attended).reshape(2, POINTS, 16, HEADS, 8)
    for head in range(HEADS):
        np.testing.assert_allclose(attended[:, :, :, head], x, atol=1e-5)


def test_permuting_the_points_permutes_the_output():
    block, x = make_block()
    result = np.asarray(block(x))
    order = np.random.default_rng(3).permutation(POINTS)
    block.beta.assign(np.asarray(block.beta)[:, :, order])
    block.delta.assign(np.asarray(block.delta)[:, order][:, :, order])
    np.testing.assert_allclose(np.asarray(block(x[:, order])), result[:, order], atol=1e-5)


def test_with_fixed_spatial_attention_a_shift_in_time_shifts_the_output():
    block, _ = make_block()
    block.gamma.assign(np.zeros(HEADS))
    x = np.zeros((1, POINTS, 32, 8), "float32")
    x[:, :, 8:18] = np.random.default_rng(0).normal(size=(1, POINTS, 10, 8))
    shifted = np.roll(x, 3, axis=2)
    np.testing.assert_allclose(
        np.asarray(block(shifted))[:, :, 9:25], np.asarray(block(x))[:, :, 6:22], atol=1e-5
    )


def test_an_even_window_is_refused():
    with pytest.raises(ValueError, match="odd"):
        StarkBlock(8, window=4)
