"""Serve models over gRPC and REST for development and tests; production is TensorFlow Serving."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import positive, seconds

EXAMPLE = """\
DIR is a folder that `slr serving_config` wrote: the models.config, batching.config and
monitoring.config that TensorFlow Serving reads. Each base_path is a folder of a container; --mount
maps it to a folder of this machine, as docker's -v does.

Versions are added and removed while clients send requests, and a changed models.config (labels,
versions, models) is read again. A version whose files differ from its manifest.json, or that cannot
be loaded, is not served; the previous version stays. A full queue answers RESOURCE_EXHAUSTED (429
over REST), and so do requests beyond --calls (503). After SIGTERM or Ctrl-C, open requests are
answered and the server ends.

The server listens at 127.0.0.1 unless --host names another address. Without --token-file, anyone
who reaches the port can send requests; without --certificate and --key, requests are not encrypted.

examples:
  slr serve serving --mount served/stark:/models/stark
  slr serve serving --mount served:/models --grpc-port 0 --rest-port 0
  slr serve serving --mount served:/models --host 0.0.0.0 \\
    --certificate server.pem --key server.key --token-file token
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("slr_keras.serving").setLevel(logging.INFO)
    # TensorFlow's advice on other ways to load a model does not help here.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    from export.serving.guard import Guard, read_token
    from export.serving.log_limit import limit_logs
    from export.serving.protos import require_serving

    limit_logs()
    require_serving("tensorflow_serving", "grpc", "aiohttp", "prometheus_client")
    guard = Guard(
        read_token(options.token_file) if options.token_file else None,
        Path(options.certificate) if options.certificate else None,
        Path(options.key) if options.key else None,
    )
    asyncio.run(_serve(options, guard))
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("export.serve", __doc__, EXAMPLE)
    add = parser.add_argument
    add("config", metavar="DIR", help="folder of the configuration files, or a models.config")
    add(
        "--mount",
        action="append",
        default=[],
        metavar="FOLDER:PATH",
        help="FOLDER of this machine is PATH in models.config; may be repeated",
    )
    add("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
    for name, default in (("grpc", 8500), ("rest", 8501)):
        add(
            f"--{name}-port",
            type=_port,
            default=default,
            metavar="N",
            help=f"port, 0 for any free port (default: {default})",
        )
    add("--no-batching", action="store_true", help="run every request separately")
    add("--token-file", metavar="FILE", help="file with the token that clients must send")
    add("--certificate", metavar="PEM", help="certificate of the server, for TLS on both ports")
    add("--key", metavar="PEM", help="private key of the certificate")
    add(
        "--largest",
        type=positive,
        default=64,
        metavar="MIB",
        help="largest size of a request in MiB (default: 64)",
    )
    add(
        "--calls",
        type=positive,
        default=64,
        metavar="N",
        help="most requests at once; others are told to try again (default: 64)",
    )
    durations = (
        ("--timeout", 60, "longest duration of a request"),
        ("--body-timeout", 30, "longest time to receive the body of a request"),
        ("--grace", 30, "longest time for open requests when the server ends"),
        ("--poll", 1, "time between two searches for versions"),
    )
    for name, default, text in durations:
        help = f"{text}, in seconds (default: {default})"
        add(name, type=seconds, default=float(default), metavar="S", help=help)
    add(
        "--threads",
        type=positive,
        default=0,
        metavar="N",
        help="threads of TensorFlow's operations (default: one per core)",
    )
    return parser


async def _serve(options: argparse.Namespace, guard: object) -> None:
    from export.serving.config import BATCHING, MODELS, MONITORING, read_batching, read_monitoring
    from export.serving.metrics import Metrics
    from export.serving.repository import Repository
    from export.serving.server import MEBIBYTE, Options, Server, serve

    given = Path(options.config)
    folder, models = (given, given / MODELS) if given.is_dir() else (given.parent, given)
    batching = metrics_path = None
    if (folder / BATCHING).is_file() and not options.no_batching:
        batching = read_batching(folder / BATCHING)
    if (folder / MONITORING).is_file():
        metrics_path = read_monitoring(folder / MONITORING)
    metrics = Metrics()
    mounts = dict(_mount(text) for text in options.mount)
    repository = Repository(models, batching, metrics, mounts, options.threads)
    where = Options(
        options.host,
        options.grpc_port,
        options.rest_port,
        options.largest * MEBIBYTE,
        options.timeout,
        options.body_timeout,
        options.grace,
        metrics_path,
        options.calls,
    )
    server = Server(repository, metrics, where, guard)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for end in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(end, stopped.set)
    await asyncio.to_thread(repository.scan)
    await server.start()
    secure = "s" if guard.certificate else ""
    _announce(options, server, secure, guard.token is not None)
    await serve(server, repository, options.poll, stopped)


def _announce(options: argparse.Namespace, server: object, secure: str, has_token: bool) -> None:
    if not options.host.startswith("127.") and options.host not in ("localhost", "::1"):
        if not has_token:
            print(
                "notice: anyone who reaches this machine can send requests; see --token-file",
                file=sys.stderr,
            )
        if not secure:
            print("notice: requests are not encrypted; see --certificate", file=sys.stderr)
    print(f"grpc{secure}://{options.host}:{server.grpc_port}")
    print(f"http{secure}://{options.host}:{server.rest_port}", flush=True)


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if bool(options.certificate) != bool(options.key):
        raise UserError("--certificate and --key go together; give both or neither")


def _mount(text: str) -> tuple[str, Path]:
    folder, separator, inside = text.rpartition(":")
    if not separator or not folder or not inside.startswith("/"):
        raise UserError(f"--mount {text}: give FOLDER:PATH, such as served/stark:/models/stark")
    return inside, Path(folder)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    run(main)
