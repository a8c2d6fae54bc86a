"""Models of the bench: recipes, and what differs from them."""

from dataclasses import dataclass
from typing import Any

#: Inputs, pooling and budget of SignConv for STARK, so that the networks are compared alone.
STARK_ISOLATED = (
    "model.name=stark_isolated_tiny",
    "model.options={attention_dropout: 0.0, pooling: quarters, inputs: {steps: 16, motion: [2, 4], "
    "hands: wrist, standardise: true}}",
    "training.distillation_weight=0.0",
)
STARK_SENTENCES = (
    "model.name=stark_tiny",
    "model.options={attention_dropout: 0.0, inputs: {motion: [2, 4], hands: wrist, "
    "standardise: true}}",
    "training.distillation_weight=0.25",
    "training.span_weight=0.0",
    "decoding.heads=[fuse]",
)
#: The recipe was chosen with dev apart; its final models learn from dev, too. So do the baselines.
REFIT = "data.train_on_dev=true"
_OFF = (
    *("rotation", "jitter", "lose_hand", "ends", "time_warp", "hold", "yaw", "pitch", "stretch"),
    *("shear", "limbs", "hand_rotation", "hand_scale", "drift"),
)
NO_AUGMENTATION = (
    *(f"augmentation.{name}=0" for name in _OFF),
    "augmentation.scale=[1.0, 1.0]",
    "augmentation.translation=[0.0, 0.0]",
)


@dataclass(frozen=True)
class Model:
    """A recipe, and the options that differ from it.

    Attributes:
        name: in the table.
        recipe: file name in the folder of recipes.
        overrides: `SECTION.KEY=VALUE`.
        distil: whether a model that the seeds teach is scored, too.
    """

    name: str
    recipe: str
    overrides: tuple[str, ...] = ()
    distil: bool = False


def isolated(recipe: str, *shared: str, distil: bool = True) -> tuple[Model, ...]:
    """Models of single signs, all with the same recipe and `shared` overrides."""
    return (
        Model("sign_conv", recipe, shared, distil),
        Model("sign_conv, small", recipe, (*shared, "model.name=sign_conv_isolated_small")),
        Model("stark, same inputs", recipe, (*shared, *STARK_ISOLATED)),
    )


def sentences(recipe: str) -> tuple[Model, ...]:
    """Models of sentences, with the same recipe."""
    return (
        Model("sign_conv", recipe),
        Model("stark, same inputs", recipe, STARK_SENTENCES),
    )


def _inputs(pooling: str = "quarters", **changed: Any) -> str:
    """Options of a model with other inputs than those of the recipes."""
    inputs = {"steps": 16, "motion": [2, 4], "hands": "wrist", "standardise": True, **changed}
    listed = ", ".join(f"{name}: {str(value).lower()}" for name, value in inputs.items())
    return f"model.options={{pooling: {pooling}, inputs: {{{listed}}}}}"


def ablations(recipe: str, mirror: float) -> tuple[Model, ...]:
    """The small model without one ingredient, and STARK with one more ingredient at a time."""
    small = "model.name=sign_conv_isolated_small"
    stark = ("model.name=stark_isolated_tiny", "training.distillation_weight=0.0")
    without = {
        "all ingredients": (_inputs(),),
        "without motion": (_inputs(motion=[]),),
        "without hand shapes": (_inputs(hands="absolute"),),
        "without standardisation": (_inputs(standardise=False),),
        "mean over time": (_inputs("mean"),),
        "without augmentation": (_inputs(), *NO_AUGMENTATION),
        "half of the epochs": (_inputs(), "training.epochs=12"),
        f"mirror {0.5 - mirror:g}": (_inputs(), f"augmentation.mirror={0.5 - mirror:g}"),
        "dominant hand, no mirror": (_inputs(dominant_hand=True), "augmentation.mirror=0.0"),
    }
    added = {
        "positions alone": (_inputs("mean", motion=[], hands="absolute"), *NO_AUGMENTATION),
        "+ motion": (_inputs("mean", hands="absolute"), *NO_AUGMENTATION),
        "+ hand shapes": (_inputs("mean"), *NO_AUGMENTATION),
        "+ quarters": (_inputs(), *NO_AUGMENTATION),
        "+ augmentation": (_inputs(),),
    }
    models = [Model(f"small, {name}", recipe, (small, *over)) for name, over in without.items()]
    models += [Model(f"stark, {name}", recipe, (*stark, *over)) for name, over in added.items()]
    return tuple(models)
