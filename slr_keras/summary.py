"""Show the modules of a model, their parameters, output shapes and multiply-adds per frame."""

import json

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import positive

EXAMPLE = """\
examples:
  slr summary stark --classes 1094
  slr summary stepnet --classes 2000
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.summary", __doc__, EXAMPLE)
    parser.add_argument(
        "model", metavar="MODEL", nargs="?", help="registered model (default: all models)"
    )
    parser.add_argument(
        "--classes",
        type=positive,
        default=1094,
        metavar="N",
        help="number of classes: of signs for a model of isolated signs, of glosses and the blank "
        "for one of sentences (default: 1094)",
    )
    parser.add_argument(
        "--frames",
        type=positive,
        default=100,
        metavar="N",
        help="length of the clip in frames (default: 100)",
    )
    parser.add_json("a table")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.models.registry import list_models
    from slr_keras.models.summary import summarise, table

    if options.classes < 2:
        raise UserError(f"--classes {options.classes}: a blank and one gloss make at least 2")
    names = [options.model] if options.model else list(list_models())
    summaries = [summarise(name, options.classes, options.frames) for name in names]
    if options.json:
        print(json.dumps(summaries[0] if options.model else summaries, indent=2))
    else:
        print("\n\n".join(table(summary) for summary in summaries))
    return 0


if __name__ == "__main__":
    run(main)
