"""What libraries and the authors of TSM and I3D call the weights of our backbones.

A scheme renames modules; a weight of ours is then `<module>.<weight>` of theirs, or several of
theirs side by side.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

from slr_keras.models.backbones import Backbone, I3d, ResNet, Swin

# The last part of a name, ours to torch's.
LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "position_bias": "relative_position_bias_table",
}


@dataclasses.dataclass(frozen=True)
class Scheme:
    """One library's names for one kind of backbone.

    Attributes:
        library: who uses them.
        anchor: a name that no scheme behind this one has; what stands before it is a prefix.
        modules: from a module of ours to theirs.
        constants: pattern of buffers that follow from the sizes, and counters.
        heads: pattern of weights of a classifier, which a backbone has no use for.
    """

    library: str
    anchor: str
    modules: Callable[[str], Sequence[str]]
    constants: str = r".*\.(relative_position_index|attn_mask)"
    heads: str = r"(head|fc|classifier)\..*"

    def theirs(self, name: str) -> tuple[str, ...]:
        """Their names for a weight of ours, in the order of their output channels."""
        module, _, leaf = name.rpartition("/")
        return tuple(f"{found}.{LEAVES[leaf]}" for found in self.modules(module))


def swin_modules(
    fixed: Mapping[str, str],
    block: str,
    merging: Callable[[int], str],
    parts: Mapping[str, Sequence[str]],
) -> Callable[[str], Sequence[str]]:
    """Modules of Swin by the library's own ways to count stages and to name parts."""

    def modules(module: str) -> Sequence[str]:
        if module in fixed:
            return (fixed[module],)
        stage, rest = re.fullmatch(r"stage_(\d+)_(.*)", module).groups()
        if rest.startswith("merging/"):
            return (f"{merging(int(stage))}.{rest.removeprefix('merging/')}",)
        index, part = re.fullmatch(r"block_(\d+)/(.*)", rest).groups()
        place = block.format(stage=int(stage), odd=2 * int(stage) + 1, index=index)
        return tuple(f"{place}.{name}" for name in parts[part])

    return modules


TORCHVISION_PARTS = {
    "norm_1": ("norm1",),
    "attention": ("attn",),
    "attention/qkv": ("attn.qkv",),
    "attention/projection": ("attn.proj",),
    "norm_2": ("norm2",),
    "widen": ("mlp.0",),
    "narrow": ("mlp.3",),
}
_TIMM_PARTS = {**TORCHVISION_PARTS, "widen": ("mlp.fc1",), "narrow": ("mlp.fc2",)}
_HUGGING_FACE_PARTS = {
    "norm_1": ("layernorm_before",),
    "attention": ("attention.self",),
    "attention/qkv": tuple(f"attention.self.{part}" for part in ("query", "key", "value")),
    "attention/projection": ("attention.output.dense",),
    "norm_2": ("layernorm_after",),
    "widen": ("intermediate.dense",),
    "narrow": ("output.dense",),
}
_TIMM_FIXED = {"patches": "patch_embed.proj", "patches_norm": "patch_embed.norm", "norm": "norm"}

_SWIN = (
    Scheme(
        "torchvision",
        "features.0.0.weight",
        swin_modules(
            {"patches": "features.0.0", "patches_norm": "features.0.2", "norm": "norm"},
            "features.{odd}.{index}",
            lambda stage: f"features.{2 * stage}",
            TORCHVISION_PARTS,
        ),
    ),
    # Before timm's, whose anchor would fit names of Hugging Face too.
    Scheme(
        "Hugging Face",
        "embeddings.patch_embeddings.projection.weight",
        swin_modules(
            {
                "patches": "embeddings.patch_embeddings.projection",
                "patches_norm": "embeddings.norm",
                "norm": "layernorm",
            },
            "encoder.layers.{stage}.blocks.{index}",
            lambda stage: f"encoder.layers.{stage - 1}.downsample",
            _HUGGING_FACE_PARTS,
        ),
    ),
    # Since timm 0.9 a merging belongs to the stage behind it; stage 0 has none. The older place,
    # also that of Microsoft's own files, is told apart by its own anchor and so comes first.
    Scheme(
        "timm before 0.9",
        "layers.0.downsample.norm.weight",
        swin_modules(
            _TIMM_FIXED,
            "layers.{stage}.blocks.{index}",
            lambda stage: f"layers.{stage - 1}.downsample",
            _TIMM_PARTS,
        ),
    ),
    Scheme(
        "timm",
        "patch_embed.proj.weight",
        swin_modules(
            _TIMM_FIXED,
            "layers.{stage}.blocks.{index}",
            lambda stage: f"layers.{stage}.downsample",
            _TIMM_PARTS,
        ),
    ),
)


def _resnet_modules(module: str) -> Sequence[str]:
    layer, _, kind = module.rpartition("/")
    convolution = kind == "convolution"
    if layer == "stem":
        return ("conv1" if convolution else "bn1",)
    stage, index, part = re.fullmatch(r"stage_(\d+)_block_(\d+)/(.*)", layer).groups()
    place = f"layer{int(stage) + 1}.{index}"
    if part == "shortcut":
        return (f"{place}.downsample.{0 if convolution else 1}",)
    number = part.removeprefix("branch_")
    return (f"{place}.{'conv' if convolution else 'bn'}{number}",)


def _tsm_modules(module: str) -> Sequence[str]:
    # The shift wraps the first convolution of every block.
    return tuple(re.sub(r"(layer\d+\.\d+\.conv1)$", r"\1.net", x) for x in _resnet_modules(module))


_I3D_STEM = {"stem_1a": "Conv3d_1a_7x7", "stem_2b": "Conv3d_2b_1x1", "stem_2c": "Conv3d_2c_3x3"}


def _i3d_modules(module: str) -> Sequence[str]:
    unit, *branch, kind = module.split("/")
    name = _I3D_STEM.get(unit, unit.capitalize())
    return (".".join((name, *branch, "conv3d" if kind == "convolution" else "bn")),)


_I3D = (
    Scheme(
        "the PyTorch I3D",
        "Conv3d_1a_7x7.conv3d.weight",
        _i3d_modules,
        constants=r"(.*\.)?num_batches_tracked",
        heads=r"logits\..*",
    ),
)
_RESNET = (
    Scheme(
        "TSM",
        "layer1.0.conv1.net.weight",
        _tsm_modules,
        constants=r"(.*\.)?num_batches_tracked",
        heads=r"(new_fc|fc)\..*",
    ),
    Scheme(
        "torchvision or timm",
        "layer1.0.conv1.weight",
        _resnet_modules,
        constants=r"(.*\.)?num_batches_tracked",
    ),
)


def schemes_of(backbone: Backbone) -> tuple[Scheme, ...]:
    """The schemes that can name a backbone's weights, those to try first in front.

    >>> from slr_keras.models.backbones import make_backbone
    >>> from slr_keras.weights.names import schemes_of
    >>> [scheme.library for scheme in schemes_of(make_backbone("resnet18"))]
    ['TSM', 'torchvision or timm']
    >>> schemes_of(make_backbone("i3d"))[0].theirs("mixed_3b/b1a/convolution/kernel")
    ('Mixed_3b.b1a.conv3d.weight',)
    """
    if isinstance(backbone, Swin):
        return _SWIN
    if isinstance(backbone, I3d):
        return _I3D
    return _RESNET if isinstance(backbone, ResNet) else ()
