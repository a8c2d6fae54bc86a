"""Write what TensorFlow Serving is started with: models, labels, batching, metrics, compose."""

import argparse
import re
from pathlib import Path

from slr_keras.utils.command import count, positive, run
from slr_keras.utils.errors import UserError

EXAMPLE = """\
BASE is a model's folder, with versions that `python -m export.saved_model` published; several are
served by one server. DIR gets models.config, batching.config, monitoring.config,
docker-compose.yaml, and COMMANDS.md with the commands to copy. `python -m export.serve DIR` reads
the same files without a container, for development and tests.

Without labels the newest version is served (--keep for more of them). With --stable and --canary
these two are, and clients ask for them as /labels/stable and /labels/canary.

examples:
  python -m export.serving_config served/stark --to serving
  python -m export.serving_config served/stark --to serving --stable 3 --canary 4
  python -m export.serving_config served/c2st served/ustm --to serving --batch-sizes 1 2 4
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
    bases = {_name(base): Path(base) for base in options.bases}
    if len(bases) < len(options.bases):
        raise UserError("two of the folders have the same name, which is the model's; rename one")
    if labels and len(bases) > 1:
        raise UserError("--stable and --canary are of one model; configure several without them")
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


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m export.serving_config",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("bases", metavar="BASE", nargs="+", help="folder of a model's versions")
    add("--to", metavar="DIR", required=True, help="folder to write")
    add("--stable", type=count, metavar="N", help="version that the label `stable` names")
    add("--canary", type=count, metavar="N", help="version that the label `canary` names")
    add("--keep", type=positive, default=1, metavar="N", help="newest versions to serve (1)")
    add(
        "--batch-sizes",
        type=positive,
        nargs="+",
        default=[1, 2, 4, 8, 16],
        metavar="N",
        help="that batches are padded to; the last is the largest (1 2 4 8 16)",
    )
    add("--batch-timeout", type=count, default=5, metavar="MS", help="to wait for others (5)")
    add("--queue", type=positive, default=16, metavar="N", help="full batches that may wait (16)")
    add("--threads", type=positive, default=1, metavar="N", help="batches at the same time (1)")
    return parser


def _name(base: str) -> str:
    name = Path(base).resolve().name
    if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
        raise UserError(
            f"{base}: its name is the model's in URLs, so that only letters, digits, '.', '-' and "
            "'_' may be in it; rename the folder"
        )
    return name


if __name__ == "__main__":
    run(main)
