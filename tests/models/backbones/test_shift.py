"""The temporal shift, and residual networks with it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.backbones import FrameEncoder, ResNet, TemporalShift, make_backbone
from slr_keras.models.backbones.costs import frame_multiply_adds

SMALL = {"depths": (1, 1), "widths": (8, 16), "stem": 3, "stem_pool": False, "pooled": False}


def impulse(frames, channels, time, channel):
    x = np.zeros((frames, 1, 1, channels), "float32")
    x[time, 0, 0, channel] = 1
    return x


@pytest.mark.parametrize(("channel", "moves"), [(0, -1), (1, -1), (2, 1), (3, 1), (4, 0), (15, 0)])
def test_an_impulse_moves_by_its_channel_and_leaves_at_the_ends(channel, moves):
    layer = TemporalShift(frames=3)
    for time in range(3):
        expected = np.zeros((3, 1, 1, 16))
        if 0 <= time + moves < 3:
            expected[time + moves, 0, 0, channel] = 1
        np.testing.assert_array_equal(layer(impulse(3, 16, time, channel)), expected)


def test_clips_do_not_see_each_other():
    x = np.random.default_rng(0).normal(size=(6, 2, 2, 8)).astype("float32")
    layer = TemporalShift(frames=3)
    apart = np.concatenate([layer(x[:3]), layer(x[3:])])
    np.testing.assert_array_equal(layer(x), apart)


def test_the_gradient_is_the_opposite_shift():
    generator = np.random.default_rng(0)
    x, upstream = generator.normal(size=(2, 8, 1, 1, 16)).astype("float32")
    layer, x = TemporalShift(frames=4), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    found = tape.gradient(y, x, output_gradients=tf.constant(upstream)).numpy()
    # What moved forwards comes back: the two groups of channels change places.
    order = [2, 3, 0, 1, *range(4, 16)]
    expected = np.asarray(layer(upstream[..., order]))[..., order]
    np.testing.assert_array_equal(found, expected)


def test_of_a_single_frame_the_moved_channels_are_zero():
    moved = np.asarray(TemporalShift(frames=1)(np.ones((2, 3, 3, 16), "float32")))
    assert not moved[..., :4].any()
    assert moved[..., 4:].all()


@pytest.mark.parametrize(("frames", "divisor"), [(0, 8), (8, 1)])
def test_impossible_shifts_are_refused(frames, divisor):
    with pytest.raises(ValueError, match="at least"):
        TemporalShift(frames, divisor)


# === In residual networks ===


@pytest.mark.parametrize("bottleneck", [False, True])
def test_the_shortcut_sees_the_frames_as_they_are(bottleneck):
    shifted = ResNet(**SMALL, bottleneck=bottleneck, clip_frames=4)
    shifted.build(shifted.example_shape)
    # With branches of zero, only shortcuts are left; no frame knows another.
    for name, weight in shifted.named_weights().items():
        if "branch" in name and "gamma" in name:
            weight.assign(np.zeros(weight.shape))
    frames = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    single = np.zeros((4, 8, 8, 3), "float32")
    single[1] = frames[1]
    np.testing.assert_allclose(shifted(single)[1], shifted(frames)[1], atol=1e-6)


def test_the_branch_sees_the_frames_around():
    backbone = ResNet(**SMALL, clip_frames=4)
    frames = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    before = np.asarray(backbone(frames))
    frames[3] = 0
    changed = np.abs(np.asarray(backbone(frames)) - before).max((1, 2, 3)) > 1e-6
    # Two blocks, so that a frame is seen two frames away.
    assert changed.tolist() == [False, True, True, True]


def test_the_last_stage_keeps_its_map_with_stride_1():
    sizes = {stride: ResNet(**SMALL, last_stride=stride) for stride in (1, 2)}
    x = np.zeros((2, 16, 12, 3), "float32")
    for stride, (height, width) in {1: (8, 6), 2: (4, 3)}.items():
        assert sizes[stride](x).shape == (2, height, width, 16)
        assert sizes[stride].compute_output_shape(x.shape) == (2, height, width, 16)


def test_dilation_keeps_the_map_and_reaches_further():
    options = {**SMALL, "depths": (1, 2), "last_stride": 1}
    near, far = ResNet(**options), ResNet(**options, last_dilation=2)
    x = np.zeros((1, 32, 32, 3), "float32")
    assert near(x).shape == far(x).shape
    dilations = [[c.dilation for c in block.branch] for block in far.blocks]
    # As torchvision's: the first block, which would have had the stride, is not dilated.
    assert dilations == [[1, 1], [1, 1], [2, 2]]


# docs/papers/stepnet.md §3.2: one frame of 256 x 256, in multiply-adds.
@pytest.mark.parametrize(("stride", "billions"), [(1, 8.11), (2, 5.34)])
def test_multiply_adds_of_resnet_50_are_those_of_the_specification(stride, billions):
    backbone = make_backbone("tsm_r50", last_stride=stride)
    # Shapes only: no memory is filled.
    with keras.StatelessScope(initialize_variables=False):
        backbone.build(backbone.example_shape)
    found = frame_multiply_adds(backbone, 256, 256) / 1e9
    assert found == pytest.approx(billions, abs=0.005)


def test_partial_batch_normalisation_changes_the_first_only():
    backbone = ResNet(**SMALL, partial_bn=True)
    frames = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    backbone.build(frames.shape)
    learning = {id(weight) for weight in backbone.trainable_weights}
    names = backbone.named_weights()
    assert {n for n, w in names.items() if "norm" in n and id(w) in learning} == {
        "stem/norm/gamma",
        "stem/norm/beta",
    }
    before = {name: np.array(weight) for name, weight in names.items()}
    backbone(frames, training=True)
    changed = {name for name, value in before.items() if (value != np.asarray(names[name])).any()}
    assert changed == {"stem/norm/moving_mean", "stem/norm/moving_variance"}


def test_a_backbone_of_clips_is_no_backbone_of_frames():
    with pytest.raises(ValueError, match="no vector for each frame"):
        FrameEncoder(make_backbone("tsm_micro"))
    with pytest.raises(ValueError, match="last_stride is 1 or 2"):
        ResNet(**SMALL, last_stride=3)
