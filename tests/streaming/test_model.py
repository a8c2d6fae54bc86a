"""The streaming form of STARK: equal to the whole clip, whatever the policy.

See docs/papers/stark.md §6.
"""

import keras
import numpy as np
import pytest

from slr_keras.streaming.model import StreamingStark, streaming_model, with_policy
from slr_keras.utils.errors import UserError

POLICIES = ("prefix", "ema", "windowed")
# Depths, windows and pools whose delays fill a call, leave a rest, or cross a pool.
FORMS = {
    "tiny": {},
    "paper": {"window": 7, "widths": (8, 8, 8, 8), "pools": (1, 1, 1, 1)},
    "rest before a pool": {"window": 7, "pools": (1, 2)},
    "causal": {"window": 5, "causal": True},
    "causal throughout": {"window": 5, "causal": True, "causal_heads": True, "pools": (1, 1)},
    "one frame": {"window": 1, "pools": (1, 1)},
    "two frames a step": {"window": 5, "pools": (1, 2), "stride": 2},
}


@pytest.mark.parametrize(
    ("policy", "form"),
    [*(("windowed", form) for form in FORMS), ("prefix", "paper"), ("ema", "paper")],
)
def test_the_stream_gives_the_rows_of_the_whole_clip(stark, policy, form):
    model = stark.little({"left": (0, 1, 2)}, spatial_policy=policy, **FORMS[form])
    clip = stark.clip(44)
    np.testing.assert_allclose(
        stark.streamed(model, clip, "fuse"), stark.offline(model, clip, "fuse"), atol=1e-5
    )


@pytest.mark.parametrize(("head", "frames"), [("fuse", 4), ("left", 84), ("body", 36)])
def test_clips_of_any_length_and_every_head_give_the_rows_of_the_whole_clip(stark, frames, head):
    model = stark.little(spatial_policy="windowed", window=5)
    clip = stark.clip(frames, seed=frames)
    np.testing.assert_allclose(
        stark.streamed(model, clip, head), stark.offline(model, clip, head), atol=1e-5
    )


@pytest.mark.parametrize("names", [("body",), ("left", "face")])
def test_every_set_of_streams_gives_the_rows_of_the_whole_clip(stark, names):
    model = stark.little({n: stark.STREAMS[n] for n in names}, spatial_policy="ema")
    clip = stark.clip(24)
    np.testing.assert_allclose(
        stark.streamed(model, clip, "fuse"), stark.offline(model, clip, "fuse"), atol=1e-5
    )


@pytest.mark.parametrize(
    ("policy", "causal"), [("prefix", False), ("ema", True), ("windowed", False)]
)
def test_a_clip_alone_and_in_a_batch_give_the_same_rows_under_a_policy(stark, policy, causal):
    model = stark.little(spatial_policy=policy, window=5, pools=(1, 2), causal=causal)
    together = np.full((2, 64, 5, 3), 50.0, "float32")
    together[:1, :20], together[1:] = stark.clip(20), stark.clip(64, seed=1)
    mask = np.ones((2, 64), "float32")
    mask[0, 20:] = 0
    found = keras.ops.log_softmax(model({"keypoints": together, "mask": mask})["fuse"])
    np.testing.assert_allclose(
        found[0, :5], stark.offline(model, together[:1, :20], "fuse"), atol=1e-5
    )
    np.testing.assert_allclose(found[1], stark.offline(model, together[1:], "fuse"), atol=1e-5)


INPUTS = {"motion": (2, 4), "backward": True, "hands": "wrist", "standardise": True}
SKELETON = {"hands": {"left": [1, 2, 3]}, "mirror": [0, 1, 2, 3, 4]}


def test_features_of_the_points_give_the_rows_of_the_whole_clip(stark):
    model = stark.little(spatial_policy="ema", inputs=INPUTS, skeleton=SKELETON)
    clip = stark.clip(24)
    clip[:, 3:9, 2, 2] = 0
    np.testing.assert_allclose(
        stark.streamed(model, clip, "fuse"), stark.offline(model, clip, "fuse"), atol=1e-5
    )


def test_features_of_later_frames_are_refused(stark):
    for change, said in (
        ("backward", r"inputs\.backward is false"),
        ("steps", r"inputs\.steps is 8"),
    ):
        inputs = {**INPUTS, change: {"backward": False, "steps": 8}[change]}
        model = stark.little(spatial_policy="ema", inputs=inputs, skeleton=SKELETON)
        with pytest.raises(UserError, match=said):
            StreamingStark(model)


def test_policies_differ_and_share_their_weights(stark):
    offline = stark.little(window=5)
    clip = stark.clip(64)
    rows = [stark.offline(offline, clip, "fuse")]
    for policy in POLICIES:
        model = with_policy(offline, policy)
        assert [w.shape for w in model.weights] == [w.shape for w in offline.weights]
        rows.append(stark.offline(model, clip, "fuse"))
    for one in range(4):
        for other in range(one):
            assert np.abs(rows[one] - rows[other]).max() > 1e-3


def test_a_causal_model_does_not_see_what_comes(stark):
    model = stark.little(spatial_policy="ema", causal=True, causal_heads=True, window=5)
    clip = stark.clip(40)
    other = clip.copy()
    other[:, 20:] += 1.0
    one, two = (stark.offline(model, x, "fuse") for x in (clip, other))
    np.testing.assert_allclose(one[:5], two[:5], atol=1e-6)
    assert np.abs(one[5:] - two[5:]).max() > 1e-3


def test_every_weight_gets_a_gradient_under_a_policy(stark):
    import tensorflow as tf

    model = stark.little(spatial_policy="ema", dropout=0.0)
    mask = np.ones((1, 24), "float32")
    with tf.GradientTape() as tape:
        outputs = model({"keypoints": stark.clip(24), "mask": mask}, training=True)
        loss = sum(tf.reduce_sum(value**2) for value in outputs.values())
    gradients = tape.gradient(loss, model.trainable_weights)
    silent = [w.path for w, g in zip(model.trainable_weights, gradients) if g is None]
    assert not silent
    assert all(np.isfinite(g).all() for g in gradients)


def test_the_state_is_bounded_and_forgets_with_zeros(stark):
    model = stark.little(spatial_policy="windowed")
    step = StreamingStark(model, ("fuse",))
    shapes, step = step.state_shapes, stark.traced(step)
    state = step.initial_state()
    first, _ = stark.call(step, stark.clip(4), 1.0, state)
    for seed in range(12):
        _, state = stark.call(step, stark.clip(4, seed), 1.0, state)
        assert {name: value.shape for name, value in state.items()} == shapes
    again, _ = stark.call(step, stark.clip(4), 1.0, step.initial_state())
    np.testing.assert_array_equal(first, again)
    # Sums over the window hold at most its frames.
    assert max(np.max(v) for n, v in state.items() if n.endswith("count")) <= 16


def test_the_offline_policy_and_unknown_heads_are_refused(stark):
    with pytest.raises(UserError, match="prefix, ema or windowed"):
        streaming_model(stark.little())
    with pytest.raises(UserError, match="no head 'middle'"):
        streaming_model(stark.little(), "ema", heads=("middle",))
    with pytest.raises(UserError, match="spatial_policy must be one of"):
        streaming_model(stark.little(), "sliding")


def test_the_streaming_model_survives_saving(stark, tmp_path):
    step = streaming_model(stark.little(), "prefix", heads=("left",))
    state = step.initial_state()
    row, _ = stark.call(step, stark.clip(4), 1.0, state)
    step.save(tmp_path / "step.keras")
    again = keras.saving.load_model(tmp_path / "step.keras")
    assert again.get_config() == step.get_config()
    np.testing.assert_allclose(stark.call(again, stark.clip(4), 1.0, state)[0], row, atol=1e-6)
