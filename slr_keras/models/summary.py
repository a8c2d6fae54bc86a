"""Summary of a model: modules, output shapes, parameters and multiply-adds."""

import keras

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.complexity import module_costs
from slr_keras.models.registry import create_model, family_of
from slr_keras.utils.errors import UserError


def summarise(name: str, classes: int, frames: int) -> dict:
    """Parameters, output shapes and multiply-adds of a model, by module and in total.

    The weights are neither made nor initialised.

    Args:
        name: a registered model.
        classes: number of classes: of signs for a model of isolated signs, of glosses and the
            blank for one of sentences.
        frames: length of the clip that shapes and multiply-adds are computed for; ignored for a
            model that reads clips of one length.

    Raises:
        UserError: no such model, or the length does not fit its stride.

    >>> from slr_keras.models.summary import summarise
    >>> summarise("stark_tiny", classes=22, frames=100)["modules"][0]["module"]
    'encoder_left'
    """
    isolated = family_of(name).output == "sign"
    # The vocabulary of isolated signs has a blank and <unk> that are no classes.
    vocabulary_size = classes + Vocabulary.FIRST_GLOSS_ID if isolated else classes
    with keras.StatelessScope(initialize_variables=False):
        model = create_model(name, vocabulary_size)
    frames = getattr(model, "clip_frames", 0) or frames
    if frames < model.stride or frames % model.stride:
        raise UserError(f"--frames {frames}: {name} takes multiples of {model.stride} frames")
    modules = [
        {
            "module": cost.name,
            "output_shape": list(cost.output_shape),
            "parameters": cost.parameters,
            "multiply_adds_per_frame": cost.multiply_adds / frames,
        }
        for cost in module_costs(model, frames)
    ]
    return {
        "model": name,
        "classes": classes,
        "frames": frames,
        "modules": modules,
        "parameters": sum(module["parameters"] for module in modules),
        "multiply_adds_per_frame": sum(module["multiply_adds_per_frame"] for module in modules),
    }


def table(summary: dict) -> str:
    """A summary of `summarise` as aligned text."""
    rows = [("module", "output shape", "parameters", "multiply-adds per frame")]
    for module in summary["modules"]:
        shape = " x ".join(str(size) for size in module["output_shape"])
        rows.append((module["module"], shape, *_numbers(module)))
    rows.append(("total", "", *_numbers(summary)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
        for a, b, c, d in rows
    ]
    title = (
        f"{summary['model']}, {summary['classes']} classes, a clip of {summary['frames']} frames"
    )
    return "\n".join([title, *lines])


def _numbers(row: dict) -> tuple[str, str]:
    return f"{row['parameters']:,}", f"{row['multiply_adds_per_frame']:,.0f}"
