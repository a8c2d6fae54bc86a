"""Fit a sign encoder to data folders of single signs, and write it as a preset."""

import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import positive

EXAMPLE = """\
A sign encoder maps a clip of one sign to a vector, so that clips of the same sign have a large
cosine, also for signs that it never saw: `enrol` and `lookup` need one. It is fitted in closed
form, in a few minutes, to the clips of all splits of the data folders.

FACTS is a YAML file: name, title, licence, data, attribution, recipe (its augmentation is used),
use, not_for, untested, notes. configs/encoders/sign-encoder.yaml is that of the installed encoder.

examples:
  slr encoder configs/encoders/sign-encoder.yaml data/asl --score data/ksl --support s0
  slr encoder configs/encoders/sign-encoder.yaml data/asl data/ksl --to my-encoder
  slr enrol recordings --to my_signs.slr --encoder my-encoder
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from export.presets.encoder import EncoderPlan, build_encoder
    from export.presets.facts import EncoderFacts

    facts = EncoderFacts.read(options.facts)
    plan = EncoderPlan(
        dimension=options.dimension,
        naming_components=min(options.naming, options.dimension),
        copies=options.copies,
    )
    if options.score:
        from export.presets.encoder import score_encoder

        print(score_encoder(options.data, options.score, options.support, facts.recipe, plan))
        return 0
    to = Path(options.to or facts.name)
    print(build_encoder(options.data, facts, plan, to, lambda text: print(text, file=sys.stderr)))
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.encoder", __doc__, EXAMPLE)
    add = parser.add_argument
    add("facts", metavar="FACTS", help="YAML file of facts, see below")
    add("data", nargs="+", metavar="DATA", help="data folders of single signs")
    add("--to", metavar="FOLDER", help="folder of the encoder (default: its name)")
    add(
        "--dimension",
        type=positive,
        default=192,
        metavar="N",
        help="components of a vector (default: 192)",
    )
    add(
        "--naming",
        type=positive,
        default=128,
        metavar="N",
        help="leading components that name a sign (default: 128); all reject unknown signs",
    )
    add(
        "--copies",
        type=positive,
        default=4,
        metavar="N",
        help="augmented copies of each clip (default: 4)",
    )
    add(
        "--score",
        metavar="DATA",
        help="write nothing; name the signs of this folder from 1, 3 and 5 examples of each",
    )
    add(
        "--support",
        default="",
        metavar="SIGNER",
        help="signer or session of the examples; the others are named (default: any clips)",
    )
    return parser


if __name__ == "__main__":
    run(main)
