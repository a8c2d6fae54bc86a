"""What the reported head of a model sees: features by step, for other heads than its own."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Features = Callable[[Mapping[str, "tf.Tensor"]], "tf.Tensor"]


def features_of(model: "keras.Model", head: str) -> Features:
    """A function from a model's inputs to `(batch, steps, width)` float32.

    Args:
        model: any that is registered.
        head: whose input is given: of STARK one of its heads; of StepNet what the recipe reports.
            C²ST and USTM have one sequence of features that the last head reads.

    >>> import numpy as np
    >>> from export.graph.features import features_of
    >>> from slr_keras.models import create_model
    >>> model = create_model("stark_tiny", vocabulary_size=22)
    >>> clip = {"keypoints": np.zeros((1, 8, 79, 3), "float32"), "mask": np.ones((1, 8), "float32")}
    >>> features_of(model, "fuse")(clip).shape
    TensorShape([1, 2, 192])
    """
    import keras
    import tensorflow as tf

    from slr_keras.models import C2st, StepNet, Ustm

    if isinstance(model, C2st):
        compute = _of_c2st
    elif isinstance(model, Ustm):
        compute = _of_ustm
    elif isinstance(model, StepNet):
        compute = _of_stepnet(head)
    else:
        layer = model.get_layer(f"head_{head}")
        inner = keras.Model(model.input, layer.input[0])
        return lambda inputs: tf.cast(inner(inputs, training=False), tf.float32)
    return lambda inputs: tf.cast(compute(model, inputs), tf.float32)


def _of_c2st(model: Any, inputs: Mapping[str, Any]) -> Any:
    pictures = model.frame_encoder(inputs["video"], inputs["mask"], training=False)
    local, steps, *_ = model.convolution(pictures, inputs["mask"], training=False)
    return model.recurrent(local, steps, training=False)


def _of_ustm(model: Any, inputs: Mapping[str, Any]) -> Any:
    features, valid = model.frame_encoder(inputs["video"], inputs["mask"], training=False)
    if model.streams is not None:
        features = model.streams(features, valid)
    local, steps, *_ = model.convolution(features, valid, training=False)
    return model.recurrent(local, steps, training=False)


def _of_stepnet(head: str) -> Callable[[Any, Mapping[str, Any]], Any]:
    def compute(model: Any, inputs: Mapping[str, Any]) -> Any:
        maps = model.frame_encoder(inputs["video"], None, training=False)
        return model.features(maps, training=False)[model._seen_by(head)]

    return compute
