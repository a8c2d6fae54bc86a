"""Streaming form of SignConv: a few frames and a state to one row of log-probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE
from slr_keras.models.sign_conv.block import ConvolutionBlock
from slr_keras.models.sign_conv.encoder import pair_means
from slr_keras.models.sign_conv.model import SignConv
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
from slr_keras.streaming.steps import Shapes, State, Validity, delayed, part
from slr_keras.utils.errors import UserError


class Stage(NamedTuple):
    """A layer of the encoder in the stream.

    Attributes:
        name: of its state.
        block: the convolution; None for a mean of pairs of steps.
        group: steps that a call brings.
        late: by how many of these steps they are late when they come.
    """

    name: str
    block: ConvolutionBlock | None
    group: int
    late: int


@keras.saving.register_keras_serializable(PACKAGE)
class StreamingSignConv(StepModel):
    """A trained SignConv that reads `stride` frames a call, see `StepModel`.

    The state holds the frames that differences of positions need, and the last `kernel_size - 1`
    steps before each convolution. A causal model whose differences look back has no delay. Any
    other is late by the steps that its differences and convolutions look ahead.

    Args:
        sign_conv: a model without attention blocks, whose inputs do not need the complete clip.
        heads: heads whose mean probability is computed. Defaults to the reported one.

    Raises:
        UserError: an option of the model needs the complete clip, or the model lacks a head.

    >>> import numpy as np
    >>> from slr_keras.models.sign_conv import SignConv
    >>> from slr_keras.streaming.sign_conv import StreamingSignConv
    >>> sign_conv = SignConv(5, points=3, width=8, blocks=2, causal=True,
    ...                      inputs={"motion": [2], "backward": True})
    >>> model = StreamingSignConv(sign_conv)
    >>> inputs = {"keypoints": np.zeros((1, 4, 3, 3)), "valid": np.ones((1, 1))}
    >>> model({**inputs, **model.initial_state()})["log_probabilities"].shape, model.delay
    (TensorShape([1, 5]), 0)
    """

    def __init__(self, sign_conv: SignConv, heads: Sequence[str] = (), **kwargs):
        super().__init__(**kwargs)
        encoder = sign_conv.encoder
        if encoder.attention_blocks:
            raise UserError(
                f"attention_blocks is {encoder.attention_blocks}: attention reads the complete "
                "clip, which is not available while streaming; train with attention_blocks: 0"
            )
        require_streamable_inputs(sign_conv.input_layer.config)
        self.heads = checked_heads(heads or sign_conv.reported_heads, tuple(sign_conv.output))
        self.sign_conv = sign_conv
        _, self.delay = self._stages()
        self.state_shapes = {f"{STATE}{name}": x for name, x in self._state_shapes().items()}

    @property
    def clip_model(self) -> SignConv:
        """See `StepModel`."""
        return self.sign_conv

    def _stages(self) -> tuple[list[Stage], int]:
        """The layers after the stem in their order, and the delay of the last, in calls."""
        encoder, stages = self.sign_conv.encoder, []
        group, late = encoder.stride, self.sign_conv.input_layer.config.look_ahead
        for number, block in enumerate([None, *encoder.convolutions]):
            if block is not None:
                stages.append(Stage(block.name, block, group, late))
                late += block.look_ahead
            if number < 2 and group > 1:
                stages.append(Stage(f"pool_{number + 1}", None, group, late))
                # Both steps of a pair are waited for.
                group, late = group // 2, -(-late // 2)
        return stages, late

    def _state_shapes(self) -> Shapes:
        model = self.sign_conv
        parts = inputs_shapes(model.input_layer, model.points, model.channels)
        shapes = {f"inputs_{name}": shape for name, shape in parts.items()}
        if self.delay:
            shapes["valid"] = (1, self.delay)
        for name, block, _, late in self._stages()[0]:
            kept = late % 2 if block is None else block.kernel_size - 1
            if kept:
                shapes[name] = (1, kept, model.encoder.width)
        return shapes

    def call(self, inputs):
        model, encoder = self.sign_conv, self.sign_conv.encoder
        state = {name.removeprefix(STATE): value for name, value in inputs.items()}
        new: State = {}
        flags = inputs[VALID]
        if self.delay:
            flags = ops.concatenate([state["valid"], flags], axis=1)
            new["valid"] = flags[:, 1:]
        validity = Validity(flags)
        layer, kept = model.input_layer, part(state, "inputs_")
        features, changed = inputs_step(layer, inputs[KEYPOINTS], validity, kept)
        new |= {f"inputs_{name}": value for name, value in changed.items()}
        late = layer.config.look_ahead
        real = ops.expand_dims(validity.frames(self.frames, late), -1)
        x = encoder.stem_norm(encoder.stem(features)) * real
        for stage in self._stages()[0]:
            if stage.block is None:
                x = pair_means(delayed(x, state, stage.name, new))
            else:
                x = _block_step(stage, x, validity, state, new)
        logits = [model.get_layer(f"head_{name}")(x)[:, 0] for name in self.heads]
        outputs = {STATE + name: value for name, value in new.items()}
        outputs[SCORES] = log_probabilities(logits)
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "sign_conv": keras.saving.serialize_keras_object(self.sign_conv),
            "heads": self.heads,
        }

    @classmethod
    def from_config(cls, config):
        sign_conv = keras.saving.deserialize_keras_object(config["sign_conv"])
        return cls(**{**config, "sign_conv": sign_conv})


def _block_step(stage: Stage, x, validity: Validity, state: State, new: State):
    """One call of a convolution block: `(1, group, width)` to the same, `look_ahead` later."""
    block = stage.block
    if stage.name in state:
        x = ops.concatenate([state[stage.name], x], axis=1)
        new[stage.name] = x[:, stage.group :]
    first = block.kernel_size - 1 - block.look_ahead
    change = ops.relu(block.norm(block.inner_steps(x)))
    real = validity.frames(stage.group, stage.late + block.look_ahead)
    return (x[:, first : first + stage.group] + change) * ops.expand_dims(real, -1)
