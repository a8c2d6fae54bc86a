"""Names of our backbones' weights in other libraries and in the code of TSM and I3D.

A scheme maps our modules to theirs. Each of our weights corresponds to `<module>.<weight>` of
theirs, or to several of them concatenated.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

from slr_keras.models.backbones import Backbone, I3d, ResNet, Swin

# Last component of a name, from ours to torch's.
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
    """Naming scheme of one library for one kind of backbone.

    Attributes:
        library: name of the library.
        anchor: a weight that identifies the scheme: no later scheme has this name. The part of a
            name before the anchor is a prefix.
        modules: function from our module to theirs.
        constants: regular expression of constant buffers and counters.
        heads: regular expression of a classifier's weights, which backbones do not have.
    """

    library: str
    anchor: str
    modules: Callable[[str], Sequence[str]]
    constants: str = r".*\.(relative_position_index|attn_mask)"
    heads: str = r"(head|fc|classifier)\..*"

    def theirs(self, name: str) -> tuple[str, ...]:
        """Their names for our weight, in the order of their output channels."""
        module, _, leaf = name.rpartition("/")
        return tuple(f"{source}.{LEAVES[leaf]}" for source in self.modules(module))


def swin_modules(
    fixed: Mapping[str, str],
    block: str,
    merging: Callable[[int], str],
    parts: Mapping[str, Sequence[str]],
) -> Callable[[str], Sequence[str]]:
    """Make the function from our modules of Swin to those of a library.

    Args:
        fixed: modules outside of the stages.
        block: pattern of a block's module with `{stage}` or `{odd}` (2 * stage + 1) and `{index}`.
        merging: from a stage to the module of its patch merging.
        parts: modules within a block.
    """

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
    # Before timm, whose anchor also fits names of Hugging Face.
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
    # Since timm 0.9, a merging belongs to the stage after it, and stage 0 has none. Before, and in
    # Microsoft's files, it belongs to the stage before it; that scheme has its own anchor and is
    # therefore tried first.
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
    """Naming schemes of a backbone's weights, in the order in which to try them.

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
