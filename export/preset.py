"""Export a trained keypoint run as a preset: a folder with model, bundle, card and licence."""

import sys
from pathlib import Path

from export.lite.options import add_calibration, add_files, add_streaming
from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import between

EXAMPLE = """\
A preset is a folder that can be shared: config.json and model.weights.h5 (Keras), tflite/ (the
bundle that `slr tflite` writes), vocabulary.txt, keypoints.json, recipe.yaml, CARD.md, NOTICE, and
preset.json with the digest of each file. `predict` and `from_preset` read it by its path, or, once
it is published, by its address.

FACTS is a YAML file: name, title, language, licence, data, attribution, recipe, use, not_for,
untested, and scores, a list of {system, clips, predictions, manifest, by}. The card scores
these, which `evaluate` and `baseline --to` write. configs/presets has examples.

example:
  slr preset runs/asl_words/distilled configs/presets/asl-words.yaml --to asl-words
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from export.lite.plan import BundlePlan
    from export.lite.verification import WER_LIMITS
    from export.presets.build import build_preset
    from export.presets.facts import PresetFacts

    # Latencies differ from run to run; a preset is equal whenever it is made again.
    plan = BundlePlan(
        precisions=tuple(dict.fromkeys(options.precision)),
        buckets=tuple(sorted(set(options.frames))),
        head="fuse",
        verified=True,
        wer_limits=dict(WER_LIMITS),
        parity_limit=options.parity,
        clips=None,
        calibration_clips=options.calibration_clips,
        repeats=0,
        data=options.data,
        streaming=options.streaming,
    )
    facts = PresetFacts.read(options.facts)
    to = Path(options.to or facts.name)
    build_preset(options.run, facts, plan, to, lambda text: print(text, file=sys.stderr))
    print(to)
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.preset", __doc__, EXAMPLE)
    add = parser.add_argument
    add("run", metavar="RUN", help="run folder that `fit` made")
    add("facts", metavar="FACTS", help="YAML file of facts, see below")
    add("--to", metavar="FOLDER", help="folder of the preset (default: its name)")
    add_files(parser, ("fp32", "fp16", "int8"), (128,))
    add_streaming(parser)
    add_calibration(parser)
    add(
        "--parity",
        type=between(0, 1e6),
        default=1e-5,
        metavar="X",
        help="largest allowed relative error of fp32 (default: 1e-5)",
    )
    parser.add_data()
    return parser


if __name__ == "__main__":
    run(main)
