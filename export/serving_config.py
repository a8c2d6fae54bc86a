"""Write the configuration of TensorFlow Serving: models, labels, batching, metrics, compose."""

import argparse
import re
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import count, positive

EXAMPLE = """\
BASE is a model's folder, with versions that `slr saved_model` published; one server
may serve several models. DIR receives models.config, batching.config, monitoring.config,
docker-compose.yaml, and COMMANDS.md with the commands to copy. `slr serve DIR` reads
the same files without a container, for development and tests.

Without labels, the newest version is served (--keep for more versions). With --stable and --canary,
these two versions are served, and clients name them as /labels/stable and /labels/canary.

examples:
  slr serving_config served/stark --to serving
  slr serving_config served/stark --to serving --stable 3 --canary 4
  slr serving_config served/c2st served/ustm --to serving --batch-sizes 1 2 4
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    sizes = sorted(set(options.batch_sizes))
    labels = {
        label: version
        for label in ("stable", "canary")
        if (version := getattr(options, label)) is not None
    }
    bases = _bases(options)
    if labels and len(bases) > 1:
        raise UserError(
            "--stable and --canary label versions of one model; omit them for several models"
        )
    from export.serving.config import Batching
    from export.serving.deployment import Deployment, write_deployment
    from export.serving.protos import require_serving

    require_serving()
    batching = Batching(
        sizes[-1], options.batch_timeout / 1000, options.queue, options.threads, tuple(sizes)
    )
    for path in write_deployment(Deployment(bases, labels, options.keep, batching), options.to):
        print(path)
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.serving_config", __doc__, EXAMPLE)
    add = parser.add_argument
    add("bases", metavar="BASE", nargs="+", help="folder of a model's versions")
    add("--to", metavar="DIR", required=True, help="folder to write")
    for label in ("stable", "canary"):
        add(
            f"--{label}",
            type=count,
            metavar="N",
            help=f"version with the label `{label}` (default: no labels)",
        )
    add(
        "--keep",
        type=positive,
        default=1,
        metavar="N",
        help="number of newest versions to serve (default: 1)",
    )
    add(
        "--batch-sizes",
        type=positive,
        nargs="+",
        default=[1, 2, 4, 8, 16],
        metavar="N",
        help="sizes that batches are padded to; the largest limits a batch (default: 1 2 4 8 16)",
    )
    add(
        "--batch-timeout",
        type=count,
        default=5,
        metavar="MS",
        help="longest wait of a request for others, in milliseconds (default: 5)",
    )
    add(
        "--queue",
        type=positive,
        default=16,
        metavar="N",
        help="largest number of full batches that wait (default: 16)",
    )
    add(
        "--threads",
        type=positive,
        default=1,
        metavar="N",
        help="number of batches run in parallel (default: 1)",
    )
    return parser


def _bases(options: argparse.Namespace) -> dict[str, Path]:
    """The models' folders by the names of the models."""
    bases = {}
    for base in options.bases:
        name = Path(base).resolve().name
        if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
            raise UserError(
                f"{base}: the folder's name is the model's name in URLs and may contain only "
                "letters, digits, '.', '-' and '_'; rename the folder"
            )
        bases[name] = Path(base)
    if len(bases) < len(options.bases):
        raise UserError("two of the folders have the same name, which is the model's; rename one")
    return bases


if __name__ == "__main__":
    run(main)
