"""List the presets: models with weights that are installed, or that an address names."""

import json

from slr_keras.utils.command import CommandParser, command_parser, run

EXAMPLE = """\
A preset is named wherever a command takes a run: by the name of an installed one, by the path of
its folder, or by an address: hf://OWNER/REPOSITORY, kaggle://OWNER/MODEL/keras/VARIATION, or
https://HOST/FILE.zip#sha256=DIGEST. What an address names is downloaded into ~/.cache/slr_keras
(SLR_KERAS_CACHE names another folder); nothing else is ever downloaded.

examples:
  slr presets
  slr presets asl-words --card
  slr predict asl-words clip.mp4
  slr presets asl-words --examples
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.hub.listing import card, facts, table
    from slr_keras.hub.preset import Preset
    from slr_keras.hub.shipped import examples, folders
    from slr_keras.hub.sources import preset_folder

    names = options.preset or list(folders())
    presets = [Preset.load(preset_folder(name)) for name in names]
    if options.examples:
        print("\n".join(str(folder) for name in names if (folder := examples(name))))
    elif options.where:
        print("\n".join(str(preset.path) for preset in presets))
    elif options.json:
        print(json.dumps([facts(preset) for preset in presets], indent=1, ensure_ascii=False))
    elif options.card:
        print("\n".join(card(preset) for preset in presets))
    else:
        print(table(presets))
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.presets", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "preset",
        nargs="*",
        metavar="PRESET",
        help="name, folder or address (default: all installed presets)",
    )
    add("--card", action="store_true", help="print the cards: scores, data, limits, licence")
    add(
        "--examples",
        action="store_true",
        help="print the folders of a few clips of real signing to try, where there are some",
    )
    add("--where", action="store_true", help="print the folders")
    parser.add_json("the table")
    return parser


if __name__ == "__main__":
    run(main)
