"""Swin with adapters over time: what a frame sees, chunks, recomputation."""

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.ustm import TemporalAdapter

FRAMES = (12, 4, 7)


@pytest.fixture(scope="module")
def model(small):
    return small.make_model(chunk=5)


@pytest.fixture(scope="module")
def encoder(model):
    return model.frame_encoder


@pytest.fixture(scope="module")
def clips(small):
    return small.make_clips(FRAMES)


@pytest.fixture(scope="module")
def vectors(encoder, clips):
    return np.asarray(encoder(*clips.values())[0])


@pytest.mark.parametrize("chunk", [0, 1, 7])
def test_streaming_in_chunks_gives_what_the_whole_sequence_gives(encoder, clips, vectors, chunk):
    encoder.chunk = chunk
    found, valid = encoder(*clips.values())
    encoder.chunk = 5
    np.testing.assert_allclose(found, vectors, atol=1e-4)
    np.testing.assert_array_equal(valid.numpy().sum(1), [24, 16, 20])
    assert np.ptp(vectors[0], axis=0).min() > 1e-2


def test_a_clip_gives_the_same_alone_in_a_batch_and_padded_further(encoder, clips, vectors):
    spoilt = clips["video"].copy()
    spoilt[clips["mask"] == 0] = 77
    longer = np.concatenate([spoilt, spoilt], 1), np.pad(clips["mask"], ((0, 0), (0, 12)))
    padded = np.asarray(encoder(*longer)[0])
    assert padded.shape[1] == 36
    np.testing.assert_allclose(padded[:, :24], vectors, atol=1e-4)
    for row, frames in enumerate(FRAMES):
        alone, _ = encoder(
            clips["video"][row : row + 1, :frames], clips["mask"][row : row + 1, :frames]
        )
        length = alone.shape[1]
        np.testing.assert_allclose(vectors[row, :length], alone[0], atol=1e-4)
        np.testing.assert_array_equal(vectors[row, length:], 0)


def test_a_frame_reaches_four_frames_per_adapter_and_no_other_clip(encoder, clips, vectors):
    changed = clips["video"].copy()
    changed[0, 5] = 255 - changed[0, 5]
    difference = np.abs(np.asarray(encoder(changed, clips["mask"])[0]) - vectors).max(-1)
    # It stands at 6 + 5; two adapters reach 8 frames.
    np.testing.assert_array_equal(np.flatnonzero(difference[0] > 1e-6), np.arange(3, 20))
    np.testing.assert_array_equal(difference[1:], 0)


def test_the_order_of_frames_matters_to_the_first_stage_already(encoder, clips):
    maps = np.random.default_rng(0).normal(size=(6, 4, 4, 4)).astype("float32")
    order = np.array([3, 0, 5, 1, 4, 2])
    adapter = encoder.adapters[0]
    places, inside = np.arange(6), np.ones(6, "float32")
    straight = np.asarray(adapter(maps, places, inside))
    shuffled = np.asarray(adapter(maps[order], places, inside))
    assert np.abs(shuffled - straight[order]).max() > 1e-2


def test_without_adapters_frames_do_not_see_each_other(small, clips):
    model = small.make_model(adapter_width=0, chunk=5)
    assert model.frames_range == (1, None)
    order = np.r_[np.arange(12)[::-1]]
    mask = np.ones((1, 12), "float32")
    straight, _ = model.frame_encoder(clips["video"][:1], mask)
    backwards, _ = model.frame_encoder(clips["video"][:1, order], mask)
    np.testing.assert_allclose(backwards[0, 6:18], straight[0, 6:18][::-1], atol=1e-5)


def step(encoder, clips):
    """Vectors, gradients and running statistics of a step in training, as it is traced."""
    before = [np.array(weight) for weight in encoder.non_trainable_weights]
    direction = tf.range(1.0, encoder.backbone.width + 1)

    def gradients(video, mask):
        with tf.GradientTape() as tape:
            vectors, _ = encoder(video, mask, training=True)
            loss = tf.reduce_sum(tf.square(vectors) * direction)
        found = tape.gradient(loss, [w.value for w in encoder.trainable_variables])
        return vectors, [tf.convert_to_tensor(part) for part in found]

    signature = [
        tf.TensorSpec((None, None, 16, 16, 3), tf.uint8),
        tf.TensorSpec((None, None), tf.float32),
    ]
    traced = tf.function(gradients, input_signature=signature, autograph=False)
    vectors, found = traced(clips["video"], clips["mask"])
    after = [np.array(weight) for weight in encoder.non_trainable_weights]
    for weight, value in zip(encoder.non_trainable_weights, before, strict=True):
        weight.assign(value)
    return [np.asarray(vectors)], [np.asarray(part) for part in found], after


def test_recomputation_gives_the_same_vectors_gradients_and_statistics(encoder, clips):
    kept = step(encoder, clips)
    encoder.recompute = True
    again = step(encoder, clips)
    encoder.recompute = False
    largest = max(np.abs(part).max() for part in kept[1])
    for ours, reference in zip(kept, again, strict=True):
        for a, b in zip(ours, reference, strict=True):
            # Rounding through normalisations of few values: 1e-4 of a weight's largest gradient
            # on some processors, as without recomputation from one set of kernels to another.
            slack = max(1e-5 * largest, 5e-4 * np.abs(b).max())
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=slack)
    for weight, part in zip(encoder.trainable_variables, kept[1], strict=True):
        # A bias before a normalisation moves nothing, and no clip has a place beyond its length.
        idle = weight.path.endswith("convolution/bias")
        assert idle or np.abs(part).max() > 1e-4, weight.path


def test_copies_and_padding_do_not_count_in_the_statistics(encoder, clips):
    spoilt = {**clips, "video": clips["video"].copy()}
    spoilt["video"][clips["mask"] == 0] = 77
    for a, b in zip(step(encoder, clips)[2], step(encoder, spoilt)[2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


# === The adapter itself ===


@pytest.mark.parametrize(
    ("channels", "parameters"),
    [
        (96, 524_192),
        (192, 536_768),
        (384, 561_920),
        (768, 612_224),
        (128, 528_384),
        (1024, 645_760),
    ],
)
def test_an_adapter_has_the_published_number_of_parameters(channels, parameters):
    adapter = TemporalAdapter()
    adapter.build((None, 7, 7, channels))
    assert sum(int(np.prod(w.shape)) for w in adapter.trainable_weights) == parameters


def test_an_untrained_adapter_has_the_published_spread():
    adapter = TemporalAdapter()
    adapter.build((None, 7, 7, 96))
    for unit, deviation in ((adapter.near_1, 0.0340), (adapter.mix, 0.177)):
        assert np.std(unit.convolution.kernel) == pytest.approx(deviation, rel=0.05)
    assert np.abs(adapter.near_1.convolution.bias).max() <= 0.0241
    assert not np.any(adapter.table)
    assert np.abs(adapter.up.kernel).max() > 0


def test_the_published_code_adds_the_maps_twice_and_the_figure_once():
    code, figure = TemporalAdapter(3, 10), TemporalAdapter(3, 10, skip=1.0)
    maps = np.random.default_rng(0).normal(size=(5, 4, 4, 4)).astype("float32")
    arguments = maps, np.arange(5), np.ones(5, "float32")
    code.build(maps.shape)
    figure.build(maps.shape)
    figure.set_weights(code.get_weights())
    np.testing.assert_allclose(code(*arguments) - figure(*arguments), maps, atol=1e-5)
