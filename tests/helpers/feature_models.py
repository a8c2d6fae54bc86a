"""Runs and models of the families that compute features of the points within their graph."""

from slr_keras.data.contract import contract
from slr_keras.data.skeleton import Skeleton
from slr_keras.models.registry import create_model

INPUTS = {"motion": [2, 4], "hands": "wrist", "standardise": True}
RESAMPLED = {**INPUTS, "steps": 16}
BACKWARD = {**INPUTS, "backward": True}
SENTENCES = {"width": 8, "blocks": 2, "causal": True, "inputs": BACKWARD}
SIGNS = {"width": 8, "blocks": 2, "inputs": RESAMPLED}
STARK = {"widths": (8,), "stem_width": 8, "heads": 1, "window": 3, "pools": (1,)}
#: By family: name and options of a small model.
MODELS = {
    "sign_conv": ("sign_conv_small", SENTENCES),
    "sign_conv_isolated": ("sign_conv_isolated_small", SIGNS),
    "stark_isolated": (
        "stark_isolated_tiny",
        {**STARK, "without": (), "inputs": RESAMPLED, "pooling": "quarters"},
    ),
}
#: A layout with fingers of both hands.
CONTRACT = contract("mediapipe_75", image_size=(640, 480))


def model_of(name, **options):
    """A model of a registered name for the points of `CONTRACT` and 30 signs."""
    return create_model(
        name,
        32,
        streams=CONTRACT.streams,
        points=len(CONTRACT.points),
        channels=len(CONTRACT.channels),
        skeleton=Skeleton.of(CONTRACT).for_model(),
        **options,
    )


def tree_of(family, tiny, folder):
    """A recipe of a small model of the family, with data of its own in a folder."""
    name, options = MODELS[family]
    if family == "sign_conv":
        tree = tiny.tree(tiny.write_data(folder / "data"))
    else:
        tree = tiny.sign_tree(tiny.write_signs(folder / "data"))
    return {**tree, "model": {"name": name, "options": options}}
