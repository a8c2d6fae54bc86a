"""Streaming form of STARK: a few frames and a state to one row of log-probabilities and a state."""

from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stark.model import Stark
from slr_keras.models.stark.policy import WINDOWED
from slr_keras.models.stark.streams import HEAD_STREAMS
from slr_keras.streaming import steps
from slr_keras.streaming.inputs import inputs_shapes, inputs_step, require_streamable_inputs
from slr_keras.streaming.step_model import (
    KEYPOINTS,
    SCORES,
    STATE,
    VALID,
    StepModel,
    checked_heads,
    log_probabilities,
)
from slr_keras.utils.errors import UserError


@keras.saving.register_keras_serializable(PACKAGE)
class StreamingStark(StepModel):
    """A trained STARK that reads `stride` frames a call, see `StepModel`.

    The rows equal those of the complete clip under the same spatial policy.

    Args:
        stark: a model of another spatial policy than `offline`.
        heads: heads whose mean probability is computed. Defaults to all.

    Raises:
        UserError: the spatial attention or the inputs of the model need later frames, or the model
            lacks a head.

    >>> import numpy as np
    >>> from slr_keras.models.stark import Stark
    >>> from slr_keras.streaming.model import StreamingStark
    >>> stark = Stark(5, {"body": (0, 1, 2)}, points=3, widths=(8,), stem_width=8, heads=2,
    ...               window=3, pools=(1,), head_width=8, feed_forward_width=16,
    ...               spatial_policy="ema")
    >>> model = StreamingStark(stark)
    >>> inputs = {"keypoints": np.zeros((1, 4, 3, 3)), "valid": np.ones((1, 1))}
    >>> model({**inputs, **model.initial_state()})["log_probabilities"].shape, model.delay
    (TensorShape([1, 5]), 3)
    """

    def __init__(self, stark: Stark, heads: Sequence[str] = (), **kwargs):
        super().__init__(**kwargs)
        if stark.spatial_policy == "offline":
            raise UserError(
                "the spatial attention of this model is a mean over the complete clip, which is "
                "not available while streaming; choose the policy prefix, ema or windowed"
            )
        if stark.input_layer is not None:
            require_streamable_inputs(stark.input_layer.config)
            if stark.input_layer.config.look_ahead:
                raise UserError(
                    "inputs.backward is false: the differences of positions read later frames, "
                    "which are not available while streaming; train with inputs.backward: true"
                )
        self.heads = checked_heads(heads or tuple(stark.gloss_heads), tuple(stark.gloss_heads))
        self.stark = stark
        self.streams = tuple(
            name for name in stark.streams if any(name in HEAD_STREAMS[head] for head in self.heads)
        )
        first = stark.encoders[self.streams[0]]
        self.encoder_delay = steps.encoder_delay(first)
        self.delay = self.encoder_delay + steps.head_delay(stark.gloss_heads[self.heads[0]])
        self.state_shapes = self._state_shapes()

    @property
    def clip_model(self) -> Stark:
        """See `StepModel`."""
        return self.stark

    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        stark = self.stark
        shapes = {"valid": (1, self.delay + 1)}
        if stark.spatial_policy == WINDOWED:
            shapes["calls"] = (1, 1)
        if stark.input_layer is not None:
            parts = inputs_shapes(stark.input_layer, stark.points, stark.channels)
            shapes |= {f"inputs_{part}": shape for part, shape in parts.items()}
        for name in self.streams:
            parts = steps.encoder_shapes(stark.encoders[name], len(stark.streams[name]))
            shapes |= {f"{name}_{part}": shape for part, shape in parts.items()}
        for name in self.heads:
            parts = steps.head_shapes(stark.gloss_heads[name])
            shapes |= {f"head_{name}_{part}": shape for part, shape in parts.items()}
        return {f"{STATE}{name}": shape for name, shape in shapes.items()}

    def call(self, inputs):
        stark = self.stark
        state = {name.removeprefix(STATE): value for name, value in inputs.items()}
        new = {}
        flags = ops.concatenate([inputs[STATE + "valid"], inputs[VALID]], axis=1)
        new["valid"] = flags[:, 1:]
        validity = steps.Validity(flags)
        calls = state.get("calls")
        if calls is not None:
            half = stark.encoders[self.streams[0]].blocks[0].policy.half
            # 0 in the calls in which a new window begins.
            new["calls"] = ops.cast(calls < half - 1.5, calls.dtype) * (calls + 1)
        read = inputs[KEYPOINTS]
        if stark.input_layer is not None:
            kept = steps.part(state, "inputs_")
            read, changed = inputs_step(stark.input_layer, read, validity, kept)
            new |= {f"inputs_{key}": value for key, value in changed.items()}
        features = {}
        for name in self.streams:
            points = stark.get_layer(f"points_{name}")(read)
            part = steps.part(state, f"{name}_")
            features[name], changed = steps.encoder_step(
                stark.encoders[name], points, validity, calls, part
            )
            new |= {f"{name}_{key}": value for key, value in changed.items()}
        logits = []
        for name in self.heads:
            seen = [features[part] for part in HEAD_STREAMS[name] if part in features]
            seen = ops.concatenate(seen, axis=-1) if len(seen) > 1 else seen[0]
            part = steps.part(state, f"head_{name}_")
            head = stark.gloss_heads[name]
            row, changed = steps.head_step(head, seen, validity, self.encoder_delay, part)
            logits.append(row)
            new |= {f"head_{name}_{key}": value for key, value in changed.items()}
        outputs = {STATE + name: value for name, value in new.items()}
        outputs[SCORES] = log_probabilities(logits)
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "stark": keras.saving.serialize_keras_object(self.stark),
            "heads": self.heads,
        }

    @classmethod
    def from_config(cls, config):
        stark = keras.saving.deserialize_keras_object(config["stark"])
        return cls(**{**config, "stark": stark})


def streaming_model(
    stark: Stark, policy: str | None = None, heads: Sequence[str] = (), **options
) -> StreamingStark:
    """The streaming form of a trained STARK.

    Args:
        stark: a trained model of any policy.
        policy: spatial policy; by default that of the model.
        heads: heads whose mean probability is computed. Defaults to all.
        options: `spatial_decay`, `spatial_memory`, `causal` or `causal_heads`, if they differ from
            those of the model.

    Raises:
        UserError: the policy is `offline`, or an option is unknown.
    """
    return StreamingStark(with_policy(stark, policy, **options), heads)


def with_policy(stark: Stark, policy: str | None = None, **options) -> Stark:
    """A copy of the model and its weights under another spatial policy.

    Raises:
        UserError: the policy is unknown.
    """
    config = {**stark.get_config(), **options}
    if policy is not None:
        config["spatial_policy"] = policy
    try:
        other = Stark.from_config(config)
    except ValueError as error:
        raise UserError(str(error)) from error
    other.set_weights(stark.get_weights())
    return other
