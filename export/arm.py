"""Run a bundle's files on an emulated ARM64 processor and compare the results with this machine."""

import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import positive

EXAMPLE = """\
The clips are the bundle's golden clips (simulated signing) and, with --data, clips of a split. The
runtime is the last LiteRT that runs correctly under qemu. The first run builds an ARM64 system of
Debian packages (140 MB) in a folder that is kept. The exit code is 1 if a best class or a gloss
differs.

examples:
  slr arm runs/demo/tflite
  slr arm runs/demo/tflite --data data/demo --split test --clips 50 --to arm.json
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 if the machines differ."""
    options = build_parser().parse_args(arguments)
    from export.lite.arm_comparison import HEADER, clips_of, compare, row_text
    from export.lite.emulation import CPUS, RUNTIME, arm_launcher, host
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.utils.files import write_json

    bundle = Bundle.load(options.bundle)
    clips = dict(clips_of(bundle, options.data, options.split, options.clips))
    root = Path(options.root) if options.root else None
    rows = []
    print(f"{bundle.path}: {len(clips)} clips, this machine is {host()}, runtime {RUNTIME} there")
    print(HEADER)
    for cpu in options.cpu or CPUS:
        launcher = arm_launcher(cpu, root)
        for precision in options.precision or bundle.precisions:
            comparison = compare(bundle, precision, clips, launcher)
            row = {"cpu": cpu, "precision": precision, **vars(comparison)}
            rows.append({**row, "same": comparison.same})
            print(row_text(cpu, precision, comparison), flush=True)
    if options.to:
        write_json(options.to, {"bundle": str(bundle.path), "runtime": RUNTIME, "rows": rows})
    differing = [row for row in rows if not row["same"]]
    for row in differing:
        print(
            f"{row['cpu']}, {row['precision']}: {row['steps'] - row['steps_equal']} steps and "
            f"{row['clips'] - row['clips_equal']} clips are recognised differently",
            file=sys.stderr,
        )
    return 1 if differing else 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.arm", __doc__, EXAMPLE)
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="folder that `slr tflite` wrote")
    add(
        "--precision",
        nargs="+",
        metavar="PRECISION",
        help="precisions to compare (default: all of the bundle)",
    )
    add(
        "--cpu",
        nargs="+",
        metavar="NAME",
        help="processors by qemu's names (default: cortex-a53 cortex-a76)",
    )
    add("--data", metavar="FOLDER", help="also compare on clips of this data folder")
    parser.add_split()
    add(
        "--clips",
        type=positive,
        default=20,
        metavar="N",
        help="largest number of clips of the split (default: 20)",
    )
    add(
        "--root",
        metavar="DIR",
        help="folder where the ARM64 system is kept (default: the user's cache)",
    )
    add("--to", metavar="FILE", help="also write the table as JSON")
    return parser


if __name__ == "__main__":
    run(main)
