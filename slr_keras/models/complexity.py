"""Cost of a model: parameters, output shape and multiply-adds of every module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ModuleCost:
    """The cost of one module.

    Attributes:
        name: of the module.
        output_shape: for one clip; without the batch axis.
        parameters: number of trainable parameters.
        multiply_adds: for the whole clip.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int

    @classmethod
    def of(cls, layer: "keras.layers.Layer", output: Sequence, *inputs: Sequence) -> "ModuleCost":
        """The cost of a layer that has `multiply_adds(*shapes)`, for shapes of one clip."""
        parameters = sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        return cls(layer.name, tuple(output[1:]), parameters, layer.multiply_adds(*inputs))


def module_costs(model: "keras.Model", frames: int = 100) -> list[ModuleCost]:
    """Cost of every module with trainable weights for one clip, in the order of the computation.

    Elementwise operations (normalisation, activations, softmax) are not counted.

    Args:
        model: a functional model whose layers with trainable weights have
            `multiply_adds(*shapes)`, or a model with a method `module_costs(frames)`.
        frames: length of the clip, a multiple of the model's stride.

    Raises:
        TypeError: a module with weights cannot count its multiply-adds.

    >>> from slr_keras.models.complexity import module_costs
    >>> from slr_keras.models.registry import create_model
    >>> costs = module_costs(create_model("stark_tiny", vocabulary_size=22), frames=100)
    >>> costs[0].name, costs[0].output_shape
    ('encoder_left', (25, 64))
    """
    if hasattr(model, "module_costs"):
        return model.module_costs(frames)
    # Shapes run through the graph once with the clip's own length.
    shapes = _static_shapes(model, frames)
    costs = []
    for layer in model.layers:
        if not layer.trainable_weights:
            continue
        if not hasattr(layer, "multiply_adds"):
            raise TypeError(f"module {layer.name!r} cannot count its multiply-adds")
        inputs, output = shapes[layer.name]
        costs.append(ModuleCost.of(layer, output, *inputs))
    return costs


def _static_shapes(model, frames):
    """Input and output shapes of every layer for one clip, by layer name."""
    known: dict[int, tuple] = {}
    for tensor in model.inputs:
        _, _, *rest = tensor.shape
        known[id(tensor)] = (1, frames, *rest)
    shapes = {}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            layer = node.operation
            if node.is_input:
                continue
            tensors = node.input_tensors
            inputs = [known[id(tensor)] for tensor in tensors]
            nested = len(inputs) > 1 and type(layer).__name__ == "Concatenate"
            output = layer.compute_output_shape(*([inputs] if nested else inputs))
            # A layer with several outputs gives a shape for each.
            outputs = [output] if len(node.output_tensors) == 1 else output
            shapes[layer.name] = (inputs, tuple(outputs[0]))
            for tensor, shape in zip(node.output_tensors, outputs, strict=True):
                known[id(tensor)] = tuple(shape)
    return shapes
