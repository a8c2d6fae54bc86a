"""FrameEncoder: padding, chunks, recomputation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.backbones import FrameEncoder, PixelNormalization, ResNet, Swin

SWIN = {"embedding": 4, "depths": (2,), "heads": (2,), "window": 2}
RESNET = {"depths": (1,), "widths": (4,), "stem": 3, "stem_pool": False}
MASK = np.array([[1] * 8, [1] * 4 + [0] * 4], "float32")


@pytest.fixture(scope="module")
def video():
    return np.random.default_rng(0).integers(0, 256, (2, 8, 16, 16, 3)).astype("uint8")


def make(kind, **options):
    keras.utils.set_random_seed(3)
    backbone = Swin(**SWIN, stochastic_depth=0.0) if kind == "swin" else ResNet(**RESNET)
    encoder = FrameEncoder(backbone, **{"pixels": "symmetric", **options})
    encoder.build((None, None, 16, 16, 3))
    return encoder


def training_step(encoder, video, mask, compiled=True):
    """Features, gradient by variable, and running statistics after one step in training."""

    def step(video, mask):
        with tf.GradientTape() as tape:
            features = encoder(video, mask, training=True)
            loss = tf.reduce_sum(tf.square(features) * tf.range(1.0, 5.0))
        return features, tape.gradient(loss, encoder.trainable_variables)

    if compiled:
        # The lengths are unknown while it is traced, as in training.
        signature = [
            tf.TensorSpec((None, None, 16, 16, 3), tf.uint8),
            tf.TensorSpec((None, None), tf.float32),
        ]
        step = tf.function(step, input_signature=signature, autograph=False)
    features, gradients = step(tf.constant(video), tf.constant(mask))
    statistics = [np.array(weight) for weight in encoder.non_trainable_weights]
    return np.asarray(features), [np.asarray(part) for part in gradients], statistics


def assert_same(one, other, atol=1e-4):
    for left, right in zip(one, other, strict=True):
        for a, b in zip(left, right, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("kind", ["swin", "resnet"])
@pytest.mark.parametrize("chunk", [0, 3])
@pytest.mark.parametrize("skip_padding", [True, False])
def test_a_clip_alone_gives_what_it_gives_in_a_batch(video, kind, chunk, skip_padding):
    encoder = make(kind, chunk=chunk, skip_padding=skip_padding)
    together = np.asarray(encoder(video, MASK))
    alone = np.asarray(encoder(video[1:, :4], MASK[1:, :4]))
    assert together.shape == (2, 8, 4)
    np.testing.assert_allclose(together[1:, :4], alone, atol=1e-5)
    np.testing.assert_array_equal(together[1, 4:], 0)
    assert np.abs(alone).max() > 0.1


@pytest.mark.parametrize("skip_padding", [True, False])
def test_padding_changes_neither_gradients_nor_statistics(video, skip_padding):
    other = video.copy()
    other[MASK == 0] = 255 - other[MASK == 0] // 2
    options = {"skip_padding": skip_padding}
    one = training_step(make("resnet", **options), video, MASK, compiled=False)
    assert_same(one, training_step(make("resnet", **options), other, MASK, compiled=False))
    assert any(np.abs(part).max() > 0.1 for part in one[1])


def test_skipping_padding_changes_nothing_in_training(video):
    one = training_step(make("resnet"), video, MASK)
    other = training_step(make("resnet", skip_padding=False), video, MASK, compiled=False)
    assert_same(one, other)


@pytest.mark.parametrize("compiled", [True, False])
def test_recomputation_gives_the_same_features_and_gradients(video, compiled):
    options = {"chunk": 5, "recompute": True, "skip_padding": compiled}
    one = training_step(make("swin"), video, MASK, compiled=False)
    assert_same(one, training_step(make("swin", **options), video, MASK, compiled))


def test_recomputation_sees_the_random_numbers_of_the_forward_pass(video):
    encoder = FrameEncoder(
        Swin(**{**SWIN, "depths": (3,)}, stochastic_depth=0.6),
        pixels="symmetric",
        chunk=5,
        recompute=True,
    )
    encoder.build(video.shape)
    keep = encoder.backbone.draw(16)
    # Frames are drawn for once per step, whatever happens afterwards.
    drawn = []
    encoder.backbone.draw = lambda frames: drawn.append(frames) or keep[:frames]
    one = training_step(encoder, video, MASK, compiled=False)
    encoder.recompute = False
    assert_same(one, training_step(encoder, video, MASK, compiled=False))
    assert len(drawn) == 2


def test_a_frozen_backbone_gets_no_gradient(video):
    encoder = make("swin", chunk=4, recompute=True)
    encoder.backbone.trainable = False
    features, gradients, _ = training_step(encoder, video, MASK, compiled=False)
    assert gradients == []
    assert np.abs(features).max() > 0.1


def test_chunks_leave_batch_statistics_whole(video):
    one = training_step(make("resnet"), video, MASK, compiled=False)
    assert_same(one, training_step(make("resnet", chunk=3), video, MASK, compiled=False))


def test_xla_compiles_it_when_padding_is_computed(video):
    encoder = make("swin", skip_padding=False)
    compiled = tf.function(encoder, jit_compile=True, autograph=False)
    np.testing.assert_allclose(compiled(video, MASK), encoder(video, MASK), atol=1e-5)


def test_floats_that_were_normalised_before_are_taken_as_they_are(video):
    raw, ready = make("swin"), make("swin", pixels=None)
    np.testing.assert_allclose(
        ready(PixelNormalization()(video), MASK), raw(video, MASK), atol=1e-5
    )
    with pytest.raises(ValueError, match="set pixels"):
        ready(video, MASK)


def test_it_round_trips_through_a_saved_model(video, tmp_path):
    inputs = [keras.Input((None, 16, 16, 3), dtype="uint8"), keras.Input((None,))]
    encoder = make("resnet", chunk=3)
    model = keras.Model(inputs, encoder(*inputs))
    assert model.output_shape == (None, None, 4)
    model.save(tmp_path / "encoder.keras")
    again = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(again([video, MASK]), encoder(video, MASK), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("swin", {"chunk": -1}, "chunk must be"),
        ("swin", {"recompute": True}, "set chunk"),
        ("resnet", {"recompute": True, "chunk": 2}, "all frames of a training step"),
    ],
)
def test_mistakes_are_explained(kind, options, message):
    with pytest.raises(ValueError, match=message):
        make(kind, **options)
