"""Models by name: what exists, and how to make one."""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

if TYPE_CHECKING:
    import keras


def _stark(
    streams: Mapping[str, Sequence[int]], without: Sequence[str] = (), **options: Any
) -> "keras.Model":
    """Make a STARK; `without` names streams to leave out, unless none would remain."""
    from slr_keras.models.stark.model import Stark

    kept = {name: indices for name, indices in streams.items() if name not in without}
    return Stark(streams=kept or streams, **options)


def _stark_isolated(
    streams: Mapping[str, Sequence[int]], without: Sequence[str] = (), **options: Any
) -> "keras.Model":
    """Make a STARK of one sign; `without` as for STARK."""
    from slr_keras.models.stark.isolated import StarkIsolated

    kept = {name: indices for name, indices in streams.items() if name not in without}
    return StarkIsolated(streams=kept or streams, **options)


def _c2st(**options: Any) -> "keras.Model":
    from slr_keras.models.c2st import C2st

    return C2st(**options)


def _ustm(**options: Any) -> "keras.Model":
    from slr_keras.models.ustm import Ustm

    return Ustm(**options)


def _stepnet(**options: Any) -> "keras.Model":
    from slr_keras.models.stepnet import StepNet

    return StepNet(**options)


# The paper's size, specs/stark.md §0.
STARK: Mapping[str, Any] = {}
# A quarter of the multiply-adds of `stark`; trains on a few CPU cores within hours.
STARK_SMALL: Mapping[str, Any] = {
    "widths": (32, 48, 64, 128),
    "stem_width": 32,
    "heads": 4,
    "window": 5,
    "pools": (1, 2, 1, 1),
    "head_width": 256,
    "feed_forward_width": 512,
}
# Learns the demo within minutes on two CPU cores. The body stream repeats the points of the other
# three and costs as much as they do together: it is left out.
STARK_TINY: Mapping[str, Any] = {
    "widths": (16, 32, 64),
    "stem_width": 16,
    "heads": 2,
    "window": 5,
    "pools": (2, 2, 1),
    "head_width": 128,
    "feed_forward_width": 256,
    "without": ("body",),
}

# For a phone: the encoders of `stark` but the one of the body, which repeats their points, and one
# small head; less than 4 MB as int8 TFLite of 128 frames. Learns from a trained `stark`.
STARK_MOBILE: Mapping[str, Any] = {
    "head_width": 128,
    "feed_forward_width": 256,
    "gloss_heads": ("fuse",),
    "without": ("body",),
}
# STARK's encoders with a head that names one sign.
STARK_ISOLATED: Mapping[str, Any] = {}
_OF_GLOSS_HEADS = ("head_width", "feed_forward_width")
STARK_ISOLATED_TINY: Mapping[str, Any] = {
    name: value for name, value in STARK_TINY.items() if name not in _OF_GLOSS_HEADS
}

# The paper's size with word vectors: the cheapest of its Table 9, and its largest without BERT.
C2ST_R18: Mapping[str, Any] = {"backbone": "resnet18"}
C2ST_SWIN: Mapping[str, Any] = {"backbone": "swin_t"}
# Learns small simulated frames on two CPU cores.
C2ST_TINY: Mapping[str, Any] = {
    "backbone": "resnet_micro",
    "image_size": (64, 64),
    "width": 128,
    "dropout": 0.1,
    "language_model_options": {"width": 64},
}

# The three sizes of specs/ustm.md §3.1; which of them the published scores are of is not known.
USTM_T: Mapping[str, Any] = {
    "name": "ustm_t",
    "backbone": "swin_t",
    "backbone_options": {"stochastic_depth": 0.2},
}
USTM_S: Mapping[str, Any] = {**USTM_T, "name": "ustm_s", "backbone": "swin_s"}
USTM_B: Mapping[str, Any] = {**USTM_T, "name": "ustm_b", "backbone": "swin_b"}
# Learns small simulated frames on two CPU cores, with a stem that the published sizes do not have.
USTM_TINY: Mapping[str, Any] = {
    "name": "ustm_tiny",
    "backbone": "swin_nano",
    "image_size": (64, 64),
    "adapter_width": 16,
    "width": 128,
    "dropout": 0.1,
    "pixels": "symmetric",
}

# specs/stepnet.md §0, and with the trunk of §10 over 64 frames.
STEPNET: Mapping[str, Any] = {"clip_frames": 16}
STEPNET_I3D: Mapping[str, Any] = {"backbone": "i3d", "clip_frames": 64, "width": 512}
# Learns small simulated clips on two CPU cores.
STEPNET_TINY: Mapping[str, Any] = {
    "backbone": "tsm_micro",
    "image_size": (64, 64),
    "clip_frames": 16,
    "width": 64,
}


@dataclass(frozen=True)
class Entry:
    """A registered model: how it is made, its preset, what it sees, whether its decoder may be
    conditional on the glosses before, which keeps equal neighbours apart, and whether it names the
    one sign of a clip in place of a sentence's glosses."""

    build: Callable[..., "keras.Model"]
    preset: Mapping[str, Any]
    modality: Literal["keypoints", "video"] = "keypoints"
    transduces: bool = False
    isolated: bool = False


MODELS: Mapping[str, Entry] = {
    "c2st": Entry(_c2st, C2ST_SWIN, "video", transduces=True),
    "c2st_r18": Entry(_c2st, C2ST_R18, "video", transduces=True),
    "c2st_tiny": Entry(_c2st, C2ST_TINY, "video", transduces=True),
    "stark": Entry(_stark, STARK),
    "stark_isolated": Entry(_stark_isolated, STARK_ISOLATED, isolated=True),
    "stark_isolated_tiny": Entry(_stark_isolated, STARK_ISOLATED_TINY, isolated=True),
    "stark_mobile": Entry(_stark, STARK_MOBILE),
    "stark_small": Entry(_stark, STARK_SMALL),
    "stark_tiny": Entry(_stark, STARK_TINY),
    "stepnet": Entry(_stepnet, STEPNET, "video", isolated=True),
    "stepnet_i3d": Entry(_stepnet, STEPNET_I3D, "video", isolated=True),
    "stepnet_tiny": Entry(_stepnet, STEPNET_TINY, "video", isolated=True),
    "ustm_b": Entry(_ustm, USTM_B, "video"),
    "ustm_s": Entry(_ustm, USTM_S, "video"),
    "ustm_t": Entry(_ustm, USTM_T, "video"),
    "ustm_tiny": Entry(_ustm, USTM_TINY, "video"),
}


def list_models(pattern: str = "*") -> tuple[str, ...]:
    """Names of the registered models that match a shell pattern.

    >>> from slr_keras.models.registry import list_models
    >>> list_models("stark*")
    ('stark', 'stark_isolated', 'stark_isolated_tiny', 'stark_mobile', 'stark_small', 'stark_tiny')
    """
    return tuple(sorted(fnmatch.filter(MODELS, pattern)))


def modality(name: str) -> str:
    """What a registered model sees: "keypoints" or "video".

    Raises:
        UserError: no such model; names the nearest.

    >>> from slr_keras.models.registry import modality
    >>> modality("stark"), modality("c2st")
    ('keypoints', 'video')
    """
    return _entry(name).modality


def transduces(name: str) -> bool:
    """Whether a registered model may decode each gloss given those before it, as C²ST does.

    Raises:
        UserError: no such model; names the nearest.

    >>> from slr_keras.models.registry import transduces
    >>> transduces("stark"), transduces("c2st")
    (False, True)
    """
    return _entry(name).transduces


def isolated(name: str) -> bool:
    """Whether a registered model names the one sign of a clip.

    Raises:
        UserError: no such model; names the nearest.

    >>> from slr_keras.models.registry import isolated
    >>> isolated("stark"), isolated("stepnet")
    (False, True)
    """
    return _entry(name).isolated


def create_model(
    name: str,
    vocabulary_size: int,
    streams: Mapping[str, Sequence[int]] | None = None,
    points: int | None = None,
    channels: int | None = None,
    **overrides: Any,
) -> "keras.Model":
    """Make a model by name.

    Args:
        name: one of `list_models()`.
        vocabulary_size: classes with the blank.
        streams: of a model of keypoints: point indices by stream; the 79 points' four streams by
            default.
        points: of a model of keypoints: points in the input, 79 by default.
        channels: of a model of keypoints: channels of a point, 3 by default.
        overrides: any argument of the model's class.

    Raises:
        UserError: no such model, or no such option; names the nearest.

    >>> from slr_keras.models.registry import create_model
    >>> create_model("stark_tiny", vocabulary_size=22).output["fuse"].shape
    (None, None, 22)
    """
    entry = _entry(name)
    options = {**entry.preset, **overrides}
    if entry.modality == "keypoints":
        options |= {"streams": STARK_79_STREAMS, "points": 79, "channels": 3}
    # A model of video has no such arguments, and says so.
    given = {"streams": streams, "points": points, "channels": channels}
    options |= {argument: value for argument, value in given.items() if value is not None}
    try:
        return entry.build(vocabulary_size=vocabulary_size, **options)
    except (TypeError, ValueError) as error:
        raise UserError(f"model {name!r}: {error}") from error


def _entry(name: str) -> Entry:
    if name not in MODELS:
        raise UserError(f"there is no model {name!r}{nearest(name, MODELS)}")
    return MODELS[name]


# Indices into the 79 points in the body order of specs/stark.md §1.3.
STARK_79_STREAMS: Mapping[str, tuple[int, ...]] = {
    "body": tuple(range(79)),
    "left": tuple(range(27)),
    "right": (0, *range(27, 53)),
    "face": tuple(range(53, 79)),
}
