"""Convert published weights of a backbone, or a published checkpoint of a whole model.

The checkpoint is a local .pth or .safetensors file; nothing in it is executed. It must fill every
weight of the backbone or model. The result is a file for model.backbone_weights or model.weights of
a recipe.
"""

import json
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, require_suffix, run
from slr_keras.utils.errors import UserError

EXAMPLE = """\
examples:
  slr convert swin_t-704ceda3.pth --backbone swin_t --to swin_t.safetensors
  slr convert TSM_kinetics.pth --backbone tsm_r50 --to tsm_r50.safetensors
  slr convert best.pt --model ustm_b --vocabulary vocabulary.txt --to b.safetensors
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.convert", __doc__, EXAMPLE)
    parser.add_argument("source", metavar="CHECKPOINT", help="checkpoint to read")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--backbone",
        metavar="NAME",
        help="architecture, for weights of torchvision, timm, Hugging Face, TSM or the PyTorch I3D",
    )
    kind.add_argument(
        "--model", metavar="NAME", help="registered USTM model, for a checkpoint of its authors"
    )
    parser.add_argument(
        "--vocabulary",
        metavar="FILE",
        help="with --model: vocabulary.txt with the glosses that the checkpoint was trained for",
    )
    parser.add_argument("--to", required=True, metavar="FILE", help=".safetensors file to write")
    parser.add_json("a table")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    target = require_suffix("--to", options.to, ".safetensors")
    if target.exists() and target.samefile(options.source):
        raise UserError(f"--to {options.to}: this is the source itself; name another file")
    if bool(options.model) != bool(options.vocabulary):
        raise UserError("--model and --vocabulary go together; a backbone has no vocabulary")
    from slr_keras.data.vocabulary import Vocabulary
    from slr_keras.weights.conversion import convert_backbone, convert_model, table

    source = Path(options.source)
    if options.model:
        vocabulary = Vocabulary.read(options.vocabulary)
        record = convert_model(source, options.model, vocabulary, target)
    else:
        record = convert_backbone(source, options.backbone, target)
    print(json.dumps(record.as_json(), indent=2) if options.json else table(record))
    return 0


if __name__ == "__main__":
    run(main)
