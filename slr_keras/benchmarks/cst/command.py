"""Measure the speed and memory of the transduction loss, and of other implementations.

The loss is that of conditional gloss decoding; it is computed with its gradient.
"""

import argparse
import json

from slr_keras.benchmarks.machine import cores
from slr_keras.utils.command import CommandParser, command_parser
from slr_keras.utils.option_values import positive

EXAMPLE = """\
Every round runs every contender once. TensorFlow and torch run in separate processes, one at a
time, with the same number of threads. Memory is the peak of a call above what was allocated before
the call, the result included; "of bound" adds the input, and divides by the size of both parts of
the logits and their exponentials. The last columns state how many times as long a peer takes, by
medians (and by the fastest rounds). fast_rnnt is measured where it and torch are installed. tf CTC
is another lattice, listed for scale.

example:
  slr benchmark cgd --repeats 50 --memory --to cgd.json --plot curves.png
"""


def main(arguments: list[str]) -> int:
    """Run `benchmark cgd`; returns the exit code."""
    options = _parsed(arguments)
    from slr_keras.benchmarks.cst import benchmark as losses
    from slr_keras.benchmarks.cst.peers import fast_rnnt_available
    from slr_keras.benchmarks.cst.report import plot_scaling, record, table
    from slr_keras.benchmarks.machine import describe_machine, load_average
    from slr_keras.utils.files import write_json

    about = describe_machine(options.threads)
    sizes = [losses.Size(*size) for size in options.size or losses.SIZES]
    results = losses.measure(sizes, options.repeats, options.threads, memory=options.memory)
    about["load_after"] = load_average()
    report = {"machine": about, "rounds": options.repeats}
    report["sizes"] = [record(size, timings) for size, timings in results.items()]
    where = "{device}, {processor}, {threads} threads, load {load_before} to {load_after}"
    if options.plot:
        base = losses.Size(*options.size[0]) if options.size else losses.BASE
        curves = losses.scaling(base, options.repeats, options.threads)
        report["scaling"] = {
            axis: [record(size, timings) for size, timings in by_size.items()]
            for axis, by_size in curves.items()
        }
        plot_scaling(options.plot, curves, where.format(**about))
    if options.to:
        write_json(options.to, report)
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print(f"loss and gradient on {where.format(**about)}; {options.repeats} rounds")
    for size, timings in results.items():
        print(f"\n{table(size, timings)}")
    if not fast_rnnt_available():
        print("\nfast_rnnt: skipped, not installed")
    return 0


def build_parser() -> CommandParser:
    """The subcommand's options."""
    parser = command_parser("slr_keras.benchmark cgd", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "--size",
        type=positive,
        nargs=4,
        action="append",
        metavar=("BATCH", "STEPS", "LABELS", "CLASSES"),
        help="measure this size; may be repeated (default: three sizes of PHOENIX and CSL-Daily)",
    )
    add("--repeats", type=positive, default=30, metavar="N", help="number of rounds (default: 30)")
    add(
        "--plot",
        metavar="FILE",
        help="also plot how the time of the first size grows along each axis",
    )
    add("--memory", action="store_true", help="also measure peak memory")
    add(
        "--threads",
        type=positive,
        default=cores(),
        metavar="N",
        help="threads of each library (default: the number of cores)",
    )
    parser.add_json("tables")
    add("--to", metavar="FILE", help="also write the results as JSON")
    return parser


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = build_parser()
    options = parser.parse_args(arguments)
    for _, steps, labels, classes in options.size or ():
        if steps < labels or classes < 2:
            parser.error("--size: STEPS must be at least LABELS, CLASSES at least 2")
    return options
