"""Multiply-adds of a backbone for one frame."""

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.residual import ConvNorm, ResidualBlock
from slr_keras.models.backbones.resnet import ResNet
from slr_keras.models.backbones.stem import ConvolutionalStem
from slr_keras.models.backbones.swin import Swin


def frame_multiply_adds(backbone: Backbone, height: int, width: int) -> int:
    """Multiply-adds of convolutions and matrix products; elementwise operations are not counted.

    Args:
        backbone: a `Swin` or a `ResNet`; built here if necessary.
        height, width: of the frame in pixels.

    Raises:
        TypeError: another kind of backbone.

    >>> from slr_keras.models.backbones import make_backbone
    >>> from slr_keras.models.backbones.costs import frame_multiply_adds
    >>> round(frame_multiply_adds(make_backbone("resnet18"), 224, 224) / 1e9, 2)
    1.81
    """
    if isinstance(backbone, Swin):
        return _swin(backbone, height, width)
    if isinstance(backbone, ResNet):
        return _resnet(backbone, height, width)
    raise TypeError(f"cannot count the multiply-adds of a {type(backbone).__name__}")


def _swin(backbone: Swin, height: int, width: int) -> int:
    height, width = height // backbone.patch, width // backbone.patch
    channels, window = backbone.embedding, backbone.window
    if backbone.stem:
        stem = ConvolutionalStem(backbone.stem, channels)
        total = stem.multiply_adds(height * backbone.patch, width * backbone.patch)
    else:
        total = height * width * 3 * backbone.patch**2 * channels
    for stage, depth in enumerate(backbone.depths):
        if stage:
            height, width = -(-height // 2), -(-width // 2)
            total += height * width * 4 * channels * 2 * channels
            channels *= 2
        # Attention sees whole windows, the rest of a block the map itself.
        tokens = (-(-height // window) * window) * (-(-width // window) * window)
        attention = tokens * (4 * channels**2 + 2 * window**2 * channels)
        total += depth * (attention + height * width * 8 * channels**2)
    return total


def _resnet(backbone: ResNet, height: int, width: int) -> int:
    if not backbone.built:
        backbone.build(backbone.example_shape)
    shape = (1, height, width, backbone.channels)
    total = _convolution(backbone.stem_layer, shape)
    shape = backbone.stem_layer.compute_output_shape(shape)
    if backbone.stem_pool:
        shape = (1, *((size - 1) // 2 + 1 for size in shape[1:3]), shape[3])
    for block in backbone.blocks:
        total += _block(block, shape)
        shape = block.compute_output_shape(shape)
    return total


def _block(block: ResidualBlock, shape) -> int:
    total = _convolution(block.shortcut, shape) if block.shortcut is not None else 0
    for layer in block.branch:
        total += _convolution(layer, shape)
        shape = layer.compute_output_shape(shape)
    return total


def _convolution(layer: ConvNorm, shape) -> int:
    _, height, width, filters = layer.compute_output_shape(shape)
    return height * width * filters * layer.kernel**2 * shape[-1]
