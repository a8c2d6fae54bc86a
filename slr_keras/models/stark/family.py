"""STARK's families: sentences, and single signs."""

from collections.abc import Mapping, Sequence
from typing import Any

from slr_keras.models.family import ModelFamily
from slr_keras.models.stark.block import SPATIAL_SOFTMAX
from slr_keras.models.stark.isolated import StarkIsolated
from slr_keras.models.stark.model import Stark
from slr_keras.models.stark.window import TEMPORAL_SOFTMAX

# The paper's size, docs/papers/stark.md §0.
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
# three and costs as much as they do together, so that this size leaves it out.
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
# For a phone: the encoders of `stark` except the body's, which repeats their points, and one small
# head; less than 4 MB as int8 TFLite of 128 frames. Learns from a trained `stark`.
STARK_MOBILE: Mapping[str, Any] = {
    "head_width": 128,
    "feed_forward_width": 256,
    "gloss_heads": ("fuse",),
    "without": ("body",),
}
_OF_GLOSS_HEADS = ("head_width", "feed_forward_width")
STARK_ISOLATED_TINY: Mapping[str, Any] = {
    name: value for name, value in STARK_TINY.items() if name not in _OF_GLOSS_HEADS
}

# Scopes that eight bits do not hold: features of the points; the first layer, which reads fractions
# of a pixel; logits beside the -1e9 that masks them; a softmax over all points, whose probabilities
# are below one quantisation step; means and deviations of layer normalisation.
FLOAT_SCOPES = (
    r"/inputs(_\d+)?/",
    r"/points_\w+/|/encoder_\w+/transpose|/stem(_\d+)?/",
    f"{TEMPORAL_SOFTMAX}/",
    f"{SPATIAL_SOFTMAX}/",
    r"head_\w+/(inner|output)_norm",
)


def kept_streams(
    streams: Mapping[str, Sequence[int]], without: Sequence[str]
) -> Mapping[str, Sequence[int]]:
    """Streams without those named, or all of them if none would remain.

    >>> from slr_keras.models.stark.family import kept_streams
    >>> kept_streams({"body": (0, 1), "left": (0,)}, without=("body",))
    {'left': (0,)}
    """
    kept = {name: indices for name, indices in streams.items() if name not in without}
    return kept or streams


def build(
    streams: Mapping[str, Sequence[int]], without: Sequence[str] = (), **options: Any
) -> Stark:
    """Make a STARK for sentences.

    Args:
        streams: point indices of each stream of the layout.
        without: names of streams that are left out, unless none would remain.
        options: of `Stark`.
    """
    return Stark(streams=kept_streams(streams, without), **options)


def build_isolated(
    streams: Mapping[str, Sequence[int]], without: Sequence[str] = (), **options: Any
) -> StarkIsolated:
    """Make a STARK for single signs.

    Args:
        streams: point indices of each stream of the layout.
        without: names of streams that are left out, unless none would remain.
        options: of `StarkIsolated`.
    """
    return StarkIsolated(streams=kept_streams(streams, without), **options)


FAMILIES = (
    ModelFamily(
        "stark",
        "keypoints",
        "glosses",
        build,
        {
            "stark": STARK,
            "stark_mobile": STARK_MOBILE,
            "stark_small": STARK_SMALL,
            "stark_tiny": STARK_TINY,
        },
        # Sees all streams, whatever else is averaged.
        feature_head="fuse",
        float_scopes=FLOAT_SCOPES,
        streaming="stark",
    ),
    # STARK's encoders with a head that names one sign.
    ModelFamily(
        "stark_isolated",
        "keypoints",
        "sign",
        build_isolated,
        {"stark_isolated": STARK, "stark_isolated_tiny": STARK_ISOLATED_TINY},
        objective="distilled_classification",
        decoder="sign",
        feature_head="fuse",
        float_scopes=FLOAT_SCOPES,
    ),
)
