"""The streaming form of SignConv: equal to the whole clip, with and without look-ahead."""

import keras
import numpy as np
import pytest
import streamed_rows as rows

from slr_keras.models.sign_conv import SignConv
from slr_keras.streaming.sign_conv import StreamingSignConv
from slr_keras.utils.errors import UserError

SKELETON = {"hands": {"left": [1, 2, 3], "right": [4, 5, 6]}, "mirror": [0, 4, 5, 6, 1, 2, 3]}
BACKWARD = {"motion": (2, 4), "backward": True, "hands": "wrist", "standardise": True}
CENTRED = {**BACKWARD, "backward": False}
CAUSAL = {
    "paper": {},
    "depthwise": {"depthwise": True},
    "two frames a step": {"stride": 2},
    "a frame a step": {"stride": 1, "kernel_size": 5},
    "no differences": {"inputs": {}},
    "one step": {"kernel_size": 1},
    "two heads": {"span_head": True},
}
#: With the delay: kernels and differences that fill a call, leave a rest, or cross a mean of pairs.
LOOKING_AHEAD = {
    "paper": ({}, 3),
    "wide": ({"kernel_size": 5}, 6),
    "even": ({"kernel_size": 4, "inputs": {**CENTRED, "motion": (3,)}}, 6),
    "depthwise": ({"depthwise": True, "inputs": {**CENTRED, "motion": (1,)}}, 3),
    "one block": ({"blocks": 1, "inputs": {**CENTRED, "motion": (9,)}}, 2),
    "two frames a step": ({"stride": 2}, 4),
    "a frame a step": ({"stride": 1}, 5),
    "only differences": ({"causal": True}, 1),
    "only convolutions": ({"inputs": BACKWARD}, 3),
}


def little(seed=0, **options):
    """A model of a few hundred weights, none of them special."""
    keras.utils.set_random_seed(seed)
    options = {"width": 8, "blocks": 3, "kernel_size": 3, "inputs": CENTRED, **options}
    model = SignConv(6, points=7, skeleton=SKELETON, **options)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(weight + rng.uniform(0.05, 0.3, weight.shape))
    return model


def causal(seed=0, **options):
    return little(seed, **{"causal": True, "inputs": BACKWARD, **options})


def clip(frames, seed=0):
    """With points that are missing for a while."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(1, frames, 7, 3)).astype("float32")
    points[..., 2] = rng.random((1, frames, 7)) > 0.2
    points[:, :3, 1] = points[:, 5:9, 4] = 0
    return points


def traced(model, heads=()):
    return rows.traced(StreamingSignConv(model, heads))


@pytest.mark.parametrize("form", CAUSAL)
def test_a_causal_stream_gives_the_rows_of_the_whole_clip_at_once(form):
    model, points = causal(**CAUSAL[form]), clip(44)
    step = traced(model)
    assert step.delay == 0
    np.testing.assert_allclose(
        rows.rows_of(step, points), rows.whole(model, points, "glosses"), atol=1e-5
    )


@pytest.mark.parametrize("form", LOOKING_AHEAD)
def test_a_model_that_looks_ahead_gives_the_rows_of_the_whole_clip_later(form):
    options, delay = LOOKING_AHEAD[form]
    model, points = little(**options), clip(44)
    step = traced(model)
    assert step.delay == delay
    np.testing.assert_allclose(
        rows.rows_of(step, points), rows.whole(model, points, "glosses"), atol=1e-5
    )


@pytest.mark.parametrize("make", [causal, little])
def test_clips_of_any_length_give_the_rows_of_the_whole_clip(make):
    model = make()
    step = traced(model)
    for frames in (4, 8, 12, 60):
        points = clip(frames, seed=frames)
        np.testing.assert_allclose(
            rows.rows_of(step, points), rows.whole(model, points, "glosses"), atol=1e-5
        )


def test_the_head_of_spans_streams_as_well():
    model, points = causal(span_head=True), clip(20)
    np.testing.assert_allclose(
        rows.rows_of(traced(model, ("spans",)), points),
        rows.whole(model, points, "spans"),
        atol=1e-5,
    )
    with pytest.raises(UserError, match="no head 'middle': glosses, spans"):
        StreamingSignConv(model, ("middle",))


def test_the_state_keeps_its_shapes_and_begins_with_zeros():
    step = traced(causal())
    state = step.initial_state()
    assert not any(value.any() for value in state.values())
    assert step.state_shapes == {
        "state_inputs_positions": (1, 4, 7, 2),
        "state_inputs_seen": (1, 4, 7, 1),
        "state_block_1": (1, 2, 8),
        "state_block_2": (1, 2, 8),
        "state_block_3": (1, 2, 8),
    }
    first, _ = rows.call(step, clip(4), 1.0, state)
    for seed in range(3):
        _, state = rows.call(step, clip(4, seed), 1.0, state)
        assert {name: value.shape for name, value in state.items()} == step.state_shapes
    again, _ = rows.call(step, clip(4), 1.0, step.initial_state())
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attention_blocks": 1}, "attention_blocks is 1"),
        ({"inputs": {**BACKWARD, "dominant_hand": True}}, r"inputs\.dominant_hand is true"),
    ],
)
def test_options_that_need_the_complete_clip_are_named(options, said):
    with pytest.raises(UserError, match=f"{said}.*not available while streaming"):
        StreamingSignConv(causal(**options))


def test_the_streaming_model_survives_saving(tmp_path):
    step = StreamingSignConv(causal())
    row, _ = rows.call(step, clip(4), 1.0, step.initial_state())
    step.save(tmp_path / "step.keras")
    again = keras.saving.load_model(tmp_path / "step.keras")
    assert again.get_config() == step.get_config()
    found, _ = rows.call(again, clip(4), 1.0, step.initial_state())
    np.testing.assert_allclose(found, row, atol=1e-6)
