"""Load a served model from many clients at once, beside the bare model in the same run."""

import argparse
import sys
from pathlib import Path

from slr_keras.utils.command import positive, run
from slr_keras.utils.errors import UserError

EXAMPLE = """\
BASE is a model's folder, with versions that `python -m export.saved_model` published; the newest
is loaded. Two servers are started on this machine alone, one that makes batches and one that runs
every request by itself. In every round the bare model and both servers are measured one after the
other: the bare model with full batches that are there already, the servers with --clients clients
(at most 32 where there are no batches), each of which asks again as soon as it has its answer.
Every answer is compared with the bare model's of the same clip alone.

The model has --threads threads in all of them; with one, a second core is left for the clients and
for what the server does besides. "model time" is what the bare model needs for as many clips, as a
share of what they took; "server's CPU" counts the server's process alone, the model included.

examples:
  python -m export.load served/stark
  python -m export.load served/stark --clients 50 --seconds 10 --frames 128 --rounds 1
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 if an answer was wrong or lost."""
    options = build_parser().parse_args(arguments)
    from export.serving.load import measure, newest
    from export.serving.load_table import table

    version = newest(Path(options.base))
    if options.clients > 1000:
        raise UserError(f"--clients {options.clients}: at most 1000 on one machine")
    rows = measure(
        version,
        clients=options.clients,
        seconds=options.seconds,
        rounds=options.rounds,
        frames=options.frames,
        batch=options.batch,
        threads=options.threads,
        report=lambda text: print(text, file=sys.stderr),
    )
    print(table(rows))
    return int(any(row.wrong or row.lost for row in rows))


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m export.load",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("base", metavar="BASE", help="folder of a model's versions")
    add("--clients", type=positive, default=200, metavar="N", help="at the same time (200)")
    add("--seconds", type=positive, default=60, metavar="S", help="of load on each server (60)")
    add("--rounds", type=positive, default=3, metavar="N", help="that these are divided into (3)")
    add("--frames", type=positive, metavar="N", help="of a clip (the smallest bucket)")
    add("--batch", type=positive, default=16, metavar="N", help="largest batch (16)")
    add("--threads", type=positive, default=1, metavar="N", help="of the model (1)")
    return parser


if __name__ == "__main__":
    run(main)
