"""Named backbones with their presets."""

from collections.abc import Mapping
from typing import Any

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.i3d import I3d
from slr_keras.models.backbones.resnet import ResNet
from slr_keras.models.backbones.swin import Swin
from slr_keras.models.checks import OptionError
from slr_keras.models.options import check_options
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

# Backbones of clips (docs/papers/stepnet.md §3, §10) return maps; a model sets the length of its
# clips.
_MAPS: Mapping[str, Any] = {"last_stride": 1, "clip_frames": 16, "pooled": False}
_TSM_R50: Mapping[str, Any] = {"depths": (3, 4, 6, 3), "bottleneck": True, **_MAPS}
_MICRO: Mapping[str, Any] = {
    "depths": (1, 1, 1, 1),
    "widths": (16, 32, 64, 128),
    "stem": 3,
    "stem_pool": False,
}

# Stochastic depth as in torchvision's training. The micro sizes are for frames of 32 to 64 pixels
# on a CPU.
BACKBONES: Mapping[str, tuple[type[Backbone], Mapping[str, Any]]] = {
    "swin_t": (Swin, {"stochastic_depth": 0.2}),
    "swin_s": (Swin, {"depths": (2, 2, 18, 2), "stochastic_depth": 0.3}),
    "swin_b": (
        Swin,
        {
            "embedding": 128,
            "depths": (2, 2, 18, 2),
            "heads": (4, 8, 16, 32),
            "stochastic_depth": 0.5,
        },
    ),
    "swin_micro": (
        Swin,
        {
            "embedding": 32,
            "depths": (2, 2, 2),
            "heads": (2, 4, 8),
            "window": 4,
            "stochastic_depth": 0.0,
        },
    ),
    # A quarter of the tokens of `swin_micro`, since the time on a CPU grows with the tokens. With
    # its stem it learns positions from few clips; with a linear patch embedding it learned none.
    "swin_nano": (
        Swin,
        {
            "embedding": 48,
            "depths": (2, 2),
            "heads": (3, 6),
            "window": 4,
            "patch": 8,
            "stochastic_depth": 0.0,
            "stem": (32, 64, 96),
        },
    ),
    "resnet18": (ResNet, {}),
    "resnet50": (ResNet, {"depths": (3, 4, 6, 3), "bottleneck": True}),
    "resnet_micro": (ResNet, _MICRO),
    "tsm_r50": (ResNet, _TSM_R50),
    "tsm_r50_flow": (ResNet, {**_TSM_R50, "channels": 10}),
    "tsm_micro": (ResNet, {**_MICRO, **_MAPS}),
    "i3d": (I3d, {}),
    "i3d_flow": (I3d, {"channels": 2}),
}


def list_backbones() -> tuple[str, ...]:
    """Names of the backbones.

    >>> from slr_keras.models.backbones import list_backbones
    >>> "swin_t" in list_backbones()
    True
    """
    return tuple(sorted(BACKBONES))


def make_backbone(name: str, **overrides: Any) -> Backbone:
    """Make a backbone by name; its weights are random (see `load_backbone_weights`).

    Args:
        name: one of `list_backbones()`.
        overrides: arguments of the backbone's class that differ from the preset.

    Raises:
        UserError: an unknown backbone, or an argument that its class refuses.

    >>> from slr_keras.models.backbones import make_backbone
    >>> make_backbone("swin_t").width
    768
    """
    if name not in BACKBONES:
        raise UserError(f"there is no backbone {name!r}{nearest(name, BACKBONES)}")
    kind, preset = BACKBONES[name]
    options = {"name": name, **preset, **overrides}
    check_options(f"backbone {name!r}", kind, options)
    try:
        return kind(**options)
    except OptionError as error:
        raise UserError(f"backbone {name!r}: {error}") from error
