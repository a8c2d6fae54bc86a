"""Rank clips by the uncertainty of their predictions, for correction in ELAN.

The most uncertain clips teach a model most. Corrected documents become a data folder with
`slr prepare elan`, which `slr merge` adds to the data that the model was trained on.
"""

import json
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run

EXAMPLE = """\
The uncertainty of a clip is 1 minus the mean confidence of its signs (--by mean), 1 minus the least
one (least), or the sum over its signs of 1 minus confidence, which is the expected number of wrong
signs where confidences are calibrated (errors). A clip without signs has 1.

examples:
  slr predict runs/mine data/mine/clips --format json --to predictions.json
  slr review predictions.json --limit 20 --eaf corrections
  slr prepare elan --from corrections --tier gloss --landmarks data/mine/clips --to data/corrected
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.review", __doc__, EXAMPLE)
    add = parser.add_argument
    add("predictions", metavar="FILE", help="predictions that `predict --format json` wrote")
    add(
        "--by",
        choices=("mean", "least", "errors"),
        default="mean",
        help="uncertainty of a clip, see below (default: mean)",
    )
    add(
        "--eaf",
        metavar="FOLDER",
        help="write a document of ELAN for each clip, with the tiers gloss and confidence; "
        "documents that exist stay",
    )
    add("--to", metavar="FILE", help="file of the ranking (default: standard output)")
    parser.add_limit()
    parser.add_json("a table")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.recognition.review import ranked, read_predictions, write_documents
    from slr_keras.utils.files import write_text

    predictions, about = read_predictions(options.predictions)
    clips = ranked(predictions, options.by)[: options.limit]
    rows = [(round(c.uncertainty, 4), c.prediction.id, c.prediction.hypothesis) for c in clips]
    if options.json:
        names = ("uncertainty", "id", "glosses")
        value = [dict(zip(names, row, strict=True)) for row in rows]
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    else:
        lines = [f"{value:11.4f}  {name}: {' '.join(glosses)}" for value, name, glosses in rows]
        text = "\n".join(["uncertainty  clip", *lines]) + "\n"
    if options.eaf:
        written = write_documents(clips, about, Path(options.eaf))
        print(f"{options.eaf}: {written} documents written, {len(clips) - written} there already")
    if options.to:
        write_text(options.to, text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    run(main)
