"""Show what a model is made of and what it costs."""

import argparse
import json

from slr_keras.utils.command import run


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.summary",
        description="Parameters, output shapes and multiply-adds per frame of a registered model.",
        epilog="example: python -m slr_keras.summary stark --classes 1094",
    )
    parser.add_argument("model", nargs="?", help="a model's name; without it, all are listed")
    parser.add_argument(
        "--classes", type=int, default=1094, help="classes with the blank (default: %(default)s)"
    )
    parser.add_argument(
        "--frames", type=int, default=100, help="length of the clip (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    from slr_keras.models.registry import list_models
    from slr_keras.utils.errors import UserError

    if options.classes < 2:
        raise UserError(f"--classes {options.classes}: a blank and one gloss make at least 2")
    names = [options.model] if options.model else list(list_models())
    summaries = [summarise(name, options.classes, options.frames) for name in names]
    if options.json:
        print(json.dumps(summaries[0] if options.model else summaries, indent=2))
    else:
        print("\n\n".join(table(summary) for summary in summaries))
    return 0


def summarise(name: str, classes: int, frames: int) -> dict:
    """Costs of a model by module and in all.

    Args:
        name: a registered model.
        classes: classes with the blank.
        frames: length of the clip that shapes and multiply-adds are for; a model of clips of one
            length has its own.

    Raises:
        UserError: no such model, or the length does not fit its stride.

    >>> from slr_keras.summary import summarise
    >>> summarise("stark_tiny", classes=22, frames=100)["modules"][0]["module"]
    'encoder_left'
    """
    from slr_keras.models.complexity import module_costs
    from slr_keras.models.registry import create_model
    from slr_keras.utils.errors import UserError

    model = create_model(name, vocabulary_size=classes)
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
    """The summary as aligned text."""
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


if __name__ == "__main__":
    run(main)
