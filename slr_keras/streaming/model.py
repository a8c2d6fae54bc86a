"""Streaming form of STARK: a few frames and a state to one row of log-probabilities and a state."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stark.model import Stark
from slr_keras.models.stark.policy import WINDOWED
from slr_keras.models.stark.streams import HEAD_STREAMS
from slr_keras.streaming import steps
from slr_keras.utils.errors import UserError

KEYPOINTS, VALID, SCORES = "keypoints", "valid", "log_probabilities"
#: Prefix of the names of the state tensors.
STATE = "state_"


@keras.saving.register_keras_serializable(PACKAGE)
class StreamingStark(keras.Model):
    """A trained STARK that reads `stride` frames a call and keeps its state in explicit tensors.

    The model shares the weights of `stark`. Every call returns a row of scores; the first `delay`
    rows belong to no frames. After the last frames of a clip, `delay` calls with `valid` 0 return
    the remaining rows. The rows equal those of the complete clip under the same spatial policy. A
    new clip begins with a state of zeros.

    Args:
        stark: a model of another spatial policy than `offline`.
        heads: heads whose mean probability is computed. Defaults to all.

    Inputs, a dictionary:
        `keypoints` `(1, stride, points, channels)`, `valid` `(1, 1)`: 1 for frames of the clip,
        and the state with the shapes of `state_shapes`.

    Outputs, a dictionary:
        `log_probabilities` `(1, vocabulary_size)`, and the new state under the same names.

    Raises:
        UserError: the spatial attention of the model needs the complete clip, or the model lacks a
            head.

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
        names = tuple(heads) or tuple(stark.gloss_heads)
        unknown = [name for name in names if name not in stark.gloss_heads]
        if unknown:
            raise UserError(f"the model has no head {unknown[0]!r}: {', '.join(stark.gloss_heads)}")
        self.stark = stark
        self.heads = names
        self.streams = tuple(
            name for name in stark.streams if any(name in HEAD_STREAMS[head] for head in self.heads)
        )
        first = stark.encoders[self.streams[0]]
        self.encoder_delay = steps.encoder_delay(first)
        self.delay = self.encoder_delay + steps.head_delay(stark.gloss_heads[self.heads[0]])
        self.state_shapes = self._state_shapes()

    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        stark = self.stark
        shapes = {"valid": (1, self.delay + 1)}
        if stark.spatial_policy == WINDOWED:
            shapes["calls"] = (1, 1)
        for name in self.streams:
            parts = steps.encoder_shapes(stark.encoders[name], len(stark.streams[name]))
            shapes |= {f"{name}_{part}": shape for part, shape in parts.items()}
        for name in self.heads:
            parts = steps.head_shapes(stark.gloss_heads[name])
            shapes |= {f"head_{name}_{part}": shape for part, shape in parts.items()}
        return {f"{STATE}{name}": shape for name, shape in shapes.items()}

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs by name; all are float32."""
        stark = self.stark
        frames = (1, stark.stride, stark.points, stark.channels)
        return {KEYPOINTS: frames, VALID: (1, 1), **self.state_shapes}

    def initial_state(self) -> dict[str, np.ndarray]:
        """The state before a clip: zeros."""
        return {name: np.zeros(shape, np.float32) for name, shape in self.state_shapes.items()}

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
        features = {}
        for name in self.streams:
            points = stark.get_layer(f"points_{name}")(inputs[KEYPOINTS])
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
        outputs[SCORES] = _log_probabilities(logits)
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


def _log_probabilities(logits: list):
    """Logarithm of the mean probability."""
    if len(logits) == 1:
        return ops.log_softmax(logits[0], axis=-1)
    mean = sum(ops.softmax(row, axis=-1) for row in logits) / len(logits)
    # The least normal float32: decoders do not accept infinities.
    return ops.log(ops.maximum(mean, 1.2e-38))
