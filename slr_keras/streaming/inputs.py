"""Streaming step of `KeypointInputs`: new frames and earlier ones to the features of frames."""

from typing import TYPE_CHECKING

from keras import ops

from slr_keras.models.inputs.operations import present
from slr_keras.streaming.steps import Shapes, State, Validity
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.models.inputs import InputConfig, KeypointInputs

POSITIONS, SEEN = "positions", "seen"


def require_streamable_inputs(config: "InputConfig") -> None:
    """Refuse inputs that need the complete clip.

    Raises:
        UserError: names the option.
    """
    if config.steps:
        raise UserError(
            f"inputs.steps is {config.steps}: resampling needs the complete clip, which is not "
            "available while streaming; train with inputs.steps: 0"
        )
    if config.dominant_hand:
        raise UserError(
            "inputs.dominant_hand is true: which hand moves more is known at the end of a clip, "
            "which is not available while streaming; train with inputs.dominant_hand: false"
        )


def inputs_shapes(layer: "KeypointInputs", points: int, channels: int) -> Shapes:
    """Shapes of the state by name: the frames that differences with new frames need."""
    config = layer.config
    ring = config.look_back + config.look_ahead
    if not ring:
        return {}
    return {POSITIONS: (1, ring, points, channels - 1), SEEN: (1, ring, points, 1)}


def inputs_step(layer: "KeypointInputs", keypoints, validity: Validity, state: State) -> tuple:
    """Features of a call's frames, `config.look_ahead` frames late, and the new state.

    Args:
        layer: with inputs that can be streamed. In the form "points" without look-ahead, since the
            scores are those of the new frames.
        keypoints: `(1, group, points, channels)`.
        validity: of the calls so far.
        state: with the shapes of `inputs_shapes`.
    """
    config, group = layer.config, keypoints.shape[1]
    new: State = {}
    seen = present(keypoints, validity.frames(group, 0))
    positions = keypoints[..., :-1] * seen
    if POSITIONS in state:
        positions = ops.concatenate([state[POSITIONS], positions], axis=1)
        seen = ops.concatenate([state[SEEN], seen], axis=1)
        new = {POSITIONS: positions[:, group:], SEEN: seen[:, group:]}

    def moved(values, frames: int):
        """The frames of this call, and `frames` later or earlier."""
        first = config.look_back + frames
        return values[:, first : first + group]

    motion = []
    for interval in config.motion:
        before, after = config.ends(interval)
        change = moved(positions, after) - moved(positions, -before)
        motion.append(change * moved(seen, after) * moved(seen, -before))
    features = layer.joined(moved(positions, 0), moved(seen, 0), motion, keypoints[..., -1:])
    return layer.standardised(features, validity.frames(group, config.look_ahead)), new
