"""SignConv: convolutions over features of keypoints (docs/papers/sign_conv.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.checks import OptionError
from slr_keras.models.inputs import InputConfig, KeypointInputs, ReadsFeatures
from slr_keras.models.layers import PACKAGE, Linear
from slr_keras.models.presets import FromPreset
from slr_keras.models.sign_conv.encoder import ConvolutionEncoder
from slr_keras.models.sign_head import SignHead

GLOSSES, SPANS, SIGN = "glosses", "spans", "sign"


class _Base(ReadsFeatures, FromPreset, keras.Model):
    """Inputs and encoder that both models share, and their configuration.

    Args:
        heads: from the steps `(batch, steps, width)` and their mask to the outputs by name.
        options: arguments of the model, as `get_config` returns them.
        stride: frames per output step.
        causal: whether no convolution reads later steps.
        dtype: dtype policy of the layers.
        name: of the model.
    """

    def __init__(self, heads, options: Mapping[str, Any], stride: int, causal: bool, dtype, name):
        input_layer = KeypointInputs(options["inputs"], options["skeleton"], name="inputs")
        encoder = ConvolutionEncoder(
            options["width"],
            options["blocks"],
            options["kernel_size"],
            options["depthwise"],
            options["block_dropout"],
            causal,
            options["attention_blocks"],
            options["attention_heads"],
            stride,
            dtype=dtype,
            name="encoder",
        )
        points, channels = options["points"], options["channels"]
        keypoints = keras.Input((None, points, channels), dtype="float32", name="keypoints")
        mask = keras.Input((None,), dtype="float32", name="mask")
        features, valid = input_layer(keypoints, mask)
        outputs = heads(encoder(features, valid), valid)
        super().__init__(inputs={"keypoints": keypoints, "mask": mask}, outputs=outputs, name=name)
        self.options = dict(options)
        self.vocabulary_size = options["vocabulary_size"]
        self.points = points
        self.channels = channels
        self.stride = stride
        self.causal = causal
        self.input_layer = input_layer
        self.encoder = encoder

    def get_config(self):
        return {"name": self.name, **self.options}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(PACKAGE)
class SignConv(_Base):
    """Continuous sign language recognition from keypoints with residual convolutions.

    Args:
        vocabulary_size: classes with the blank (class 0).
        streams: accepted for every keypoint model; all points are read.
        points: points in the input. Defaults to `79`.
        channels: channels of a point. Defaults to `3`.
        skeleton: hands and mirror map, see `slr_keras.models.inputs.KeypointInputs`.
        inputs: options of `slr_keras.models.inputs.InputConfig`.
        width: channels (hidden_dim). Defaults to `160`.
        blocks: convolution blocks. Defaults to `5`.
        kernel_size: steps that a convolution reads. Defaults to `5`.
        depthwise: see `ConvolutionBlock`. Defaults to `False`.
        attention_blocks, attention_heads: see `ConvolutionEncoder`. Default to `0` and `4`.
        stride: frames per output step. Defaults to `4`.
        block_dropout: dropout rate of whole channels in the blocks. Defaults to `0.1`.
        dropout: dropout rate before the head. Defaults to `0.2`.
        causal: whether no convolution reads later steps, for streams. Defaults to `False`.
        span_head: whether a second head classifies the steps inside the spans of signs, for the
            auxiliary loss on data with spans. Defaults to `False`.
        dtype: dtype policy of the layers.
        name: name of the model.

    Inputs:
        `{"keypoints": (batch, time, points, channels), "mask": (batch, time)}`; time and the
        length of each clip are multiples of `stride`.

    Outputs:
        logits "glosses" `(batch, time / stride, vocabulary_size)`, and "spans" of the same shape
        with a span head.

    >>> import numpy as np
    >>> from slr_keras.models.sign_conv import SignConv
    >>> model = SignConv(5, points=3, width=8, blocks=2, inputs={"motion": [2]})
    >>> model({"keypoints": np.zeros((1, 8, 3, 3)), "mask": np.ones((1, 8))})["glosses"].shape
    TensorShape([1, 2, 5])
    """

    #: Heads whose mean is the prediction, and outputs that only training reads.
    reported_heads = (GLOSSES,)
    auxiliary_heads = (SPANS,)

    def __init__(
        self,
        vocabulary_size: int,
        streams: Mapping[str, Sequence[int]] | None = None,
        points: int = 79,
        channels: int = 3,
        skeleton: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        width: int = 160,
        blocks: int = 5,
        kernel_size: int = 5,
        depthwise: bool = False,
        attention_blocks: int = 0,
        attention_heads: int = 4,
        stride: int = 4,
        block_dropout: float = 0.1,
        dropout: float = 0.2,
        causal: bool = False,
        span_head: bool = False,
        dtype=None,
        name: str | None = None,
    ):
        config = InputConfig.of(inputs)
        if config.steps:
            raise OptionError("inputs.steps is for models of isolated signs; set it to 0")

        def heads(steps, valid):
            head_dropout = keras.layers.SpatialDropout1D(dropout, name="head_dropout")
            steps = head_dropout(steps)
            names = (GLOSSES, SPANS) if span_head else (GLOSSES,)
            return {
                head: keras.layers.Activation("linear", dtype="float32", name=head)(
                    Linear(vocabulary_size, dtype=dtype, name=f"head_{head}")(steps)
                )
                for head in names
            }

        options = {
            "vocabulary_size": vocabulary_size,
            "points": points,
            "channels": channels,
            "skeleton": skeleton,
            "inputs": config.to_json(),
            "width": width,
            "blocks": blocks,
            "kernel_size": kernel_size,
            "depthwise": depthwise,
            "attention_blocks": attention_blocks,
            "attention_heads": attention_heads,
            "stride": stride,
            "block_dropout": block_dropout,
            "dropout": dropout,
            "causal": causal,
            "span_head": span_head,
        }
        super().__init__(heads, options, stride, causal, dtype, name)
        self.span_head = span_head


@keras.saving.register_keras_serializable(PACKAGE)
class SignConvIsolated(_Base):
    """Isolated sign recognition from keypoints with residual convolutions.

    Args:
        vocabulary_size: tokens with the blank and <unk>; class c is the token c + 2.
        streams, points, channels, skeleton, inputs: see `SignConv`; `inputs.steps` is allowed.
        width: channels (hidden_dim). Defaults to `128`.
        blocks: convolution blocks. Defaults to `5`.
        kernel_size: steps that a convolution reads. Defaults to `3`.
        depthwise, attention_blocks, attention_heads: see `SignConv`.
        pooling: see `ClipPooling`. Defaults to `"quarters"`.
        block_dropout: dropout rate of whole channels in the blocks. Defaults to `0.15`.
        dropout: dropout rate of the pooled features. Defaults to `0.4`.
        dtype: dtype policy of the layers.
        name: name of the model.

    Inputs:
        `{"keypoints": (batch, time, points, channels), "mask": (batch, time)}`.

    Outputs:
        logits "sign" `(batch, vocabulary_size - 2)`.

    Raises:
        ValueError: a vocabulary without signs, or an option out of range.

    >>> import numpy as np
    >>> from slr_keras.models.sign_conv import SignConvIsolated
    >>> model = SignConvIsolated(7, points=3, width=8, blocks=1, inputs={"steps": 16})
    >>> model({"keypoints": np.zeros((1, 9, 3, 3)), "mask": np.ones((1, 9))})["sign"].shape
    TensorShape([1, 5])
    """

    #: Heads whose mean is the prediction.
    reported_heads = (SIGN,)

    def __init__(
        self,
        vocabulary_size: int,
        streams: Mapping[str, Sequence[int]] | None = None,
        points: int = 79,
        channels: int = 3,
        skeleton: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        width: int = 128,
        blocks: int = 5,
        kernel_size: int = 3,
        depthwise: bool = False,
        attention_blocks: int = 0,
        attention_heads: int = 4,
        pooling: str = "quarters",
        block_dropout: float = 0.15,
        dropout: float = 0.4,
        dtype=None,
        name: str | None = None,
    ):
        classes = vocabulary_size - Vocabulary.FIRST_GLOSS_ID
        if classes < 1:
            raise OptionError(f"a vocabulary of {vocabulary_size} tokens names no sign")
        head = SignHead(classes, dropout, pooling, dtype=dtype, name=f"head_{SIGN}")
        options = {
            "vocabulary_size": vocabulary_size,
            "points": points,
            "channels": channels,
            "skeleton": skeleton,
            "inputs": InputConfig.of(inputs).to_json(),
            "width": width,
            "blocks": blocks,
            "kernel_size": kernel_size,
            "depthwise": depthwise,
            "attention_blocks": attention_blocks,
            "attention_heads": attention_heads,
            "pooling": pooling,
            "block_dropout": block_dropout,
            "dropout": dropout,
        }
        super().__init__(
            lambda steps, valid: {SIGN: head(steps, valid=valid)},
            options,
            stride=1,
            causal=False,
            dtype=dtype,
            name=name,
        )
        self.head_layers = {SIGN: head}
