"""Add the logits of two runs of isolated signs over the same clips: q = q_A + alpha q_B."""

import json

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import between

EXAMPLE = """\
Both runs must have the same vocabulary and score clips with the same ids; their inputs may differ,
such as RGB frames and optical flow. --sweep tries alpha = 0, 0.1, ... 1 on the dev split and takes
the alpha with the best top-1 accuracy there; the reported split has no influence on this choice.
Log-probabilities that a run has already are used again if its weights, recipe and clips have not
changed.

examples:
  slr fuse runs/rgb runs/flow
  slr fuse runs/rgb runs/flow --sweep --to fused
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.comparison.fusion import ALPHA, require_fusible
    from slr_keras.comparison.fusion_report import (
        as_json,
        open_fusion,
        plain_text,
        sweep_alpha,
        write_report,
    )
    from slr_keras.training.run import Run

    runs = [Run.load(path) for path in options.runs]
    require_fusible(runs)
    split = options.split or runs[0].config.data.test
    alpha, sweep = ALPHA if options.alpha is None else options.alpha, {}
    if options.sweep:
        alpha, sweep = sweep_alpha(runs, split, options.data)
    fused = open_fusion(runs, split, options.data)
    value = as_json(fused, runs, split, alpha, sweep)
    if options.to:
        title = f"{runs[0].path.name} + {alpha:g} {runs[1].path.name}"
        write_report(options.to, value, title, fused.score(alpha))
    if options.json:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(plain_text(fused, options.runs, split, alpha, sweep))
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.fuse", __doc__, EXAMPLE)
    parser.add_argument("runs", metavar="RUN", nargs=2, help="run folders of A and of B")
    weight = parser.add_mutually_exclusive_group()
    weight.add_argument(
        "--alpha",
        type=between(0, 100),
        metavar="X",
        help="weight of B's logits, 0 to 100 (default: 0.4)",
    )
    weight.add_argument("--sweep", action="store_true", help="choose alpha on the dev split")
    parser.add_argument("--split", help="split to score (default: the test split of A's recipe)")
    parser.add_data()
    parser.add_argument(
        "--to", metavar="FOLDER", help="write report.md, scores.json and pictures into this folder"
    )
    parser.add_json()
    return parser


if __name__ == "__main__":
    run(main)
