"""Load-test a served model with many clients, and compare it with the bare model."""

import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import positive

EXAMPLE = """\
BASE is a model's folder, with versions that `slr saved_model` published; the newest
is loaded. Two servers are started, reachable from this machine alone: one forms batches, the other
runs every request separately. In every round the bare model and both servers are measured one after
the other: the bare model with full batches in memory, the servers with --clients clients (at most
32 for the server without batches), each of which sends a request as soon as it has the previous
answer. Every answer is compared with the bare model's answer to the same clip alone.

The model has --threads threads in all three. With one thread, a second core remains for the clients
and for the other work of the server. "model time" is the time that the bare model needs for as many
clips, as a fraction of the time that they took; "server's CPU" is the CPU time of the server's
process alone, the model included.

examples:
  slr load served/stark
  slr load served/stark --clients 50 --seconds 10 --frames 128 --rounds 1
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


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.load", __doc__, EXAMPLE)
    add = parser.add_argument
    add("base", metavar="BASE", help="folder of a model's versions")
    numbers = (
        ("--clients", 200, "N", "number of concurrent clients, at most 1000"),
        ("--seconds", 60, "S", "seconds of load on each server"),
        ("--rounds", 3, "N", "number of rounds that these seconds are divided into"),
        ("--batch", 16, "N", "largest number of clips per batch"),
        ("--threads", 1, "N", "threads of the model"),
    )
    for name, default, metavar, text in numbers:
        help = f"{text} (default: {default})"
        add(name, type=positive, default=default, metavar=metavar, help=help)
    add(
        "--frames",
        type=positive,
        metavar="N",
        help="frames per clip (default: the smallest length that the model was exported for)",
    )
    return parser


if __name__ == "__main__":
    run(main)
