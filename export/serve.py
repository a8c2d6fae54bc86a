"""Serve models over gRPC and REST for development and tests; production is TensorFlow Serving."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from slr_keras.utils.command import number, positive, run
from slr_keras.utils.errors import UserError

_SECONDS = number(lambda value: 0 < value <= 3600, "a number of seconds up to 3600")

EXAMPLE = """\
DIR is a folder that `python -m export.serving_config` wrote: the same models.config,
batching.config and monitoring.config that TensorFlow Serving reads. Its base_path are folders of a
container; --mount says where they are here, as docker's -v does.

New versions are served, and old ones left, while clients ask; a changed models.config (labels,
versions, models) is read again. A version whose files are not those of its manifest.json, or that
cannot be loaded, is not served: the one before stays. A full queue answers RESOURCE_EXHAUSTED (429
over REST). SIGTERM or Ctrl-C: open requests are answered, then the server ends.

It listens at 127.0.0.1 unless --host says otherwise. Whoever reaches the port may ask, unless there
is a --token-file; without --certificate and --key all is sent in clear.

examples:
  python -m export.serve serving --mount served/stark:/models/stark
  python -m export.serve serving --mount served:/models --grpc-port 0 --rest-port 0
  python -m export.serve serving --mount served:/models --host 0.0.0.0 \\
    --certificate server.pem --key server.key --token-file token
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    _check(options)
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("slr_keras.serving").setLevel(logging.INFO)
    # Its advice on other ways to load a model is not for who serves one.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    from export.serving.guard import Guard, read_token
    from export.serving.protos import require_serving

    require_serving("tensorflow_serving", "grpc", "aiohttp", "prometheus_client")
    guard = Guard(
        read_token(options.token_file) if options.token_file else None,
        Path(options.certificate) if options.certificate else None,
        Path(options.key) if options.key else None,
    )
    asyncio.run(_serve(options, guard))
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m export.serve",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("config", metavar="DIR", help="folder of the configuration files, or a models.config")
    add(
        "--mount",
        action="append",
        default=[],
        metavar="FOLDER:PATH",
        help="FOLDER here is PATH in models.config; may be given again",
    )
    add("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    add("--grpc-port", type=_port, default=8500, help="0 for any free one (8500)")
    add("--rest-port", type=_port, default=8501, help="0 for any free one (8501)")
    add("--no-batching", action="store_true", help="run every request alone")
    add("--token-file", metavar="FILE", help="holds the token that clients must send")
    add("--certificate", metavar="PEM", help="of the server, for TLS on both ports")
    add("--key", metavar="PEM", help="that goes with the certificate")
    add("--largest", type=positive, default=64, metavar="MIB", help="of a request (64)")
    add("--timeout", type=_SECONDS, default=60.0, help="seconds of a request at most (60)")
    add("--body-timeout", type=_SECONDS, default=30.0, help="seconds to send a body (30)")
    add("--grace", type=_SECONDS, default=30.0, help="seconds for open requests at the end (30)")
    add("--poll", type=_SECONDS, default=1.0, help="seconds between looks for versions (1)")
    add("--threads", type=positive, default=0, help="of TensorFlow's operations (one a core)")
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
            print("notice: whoever reaches this machine may ask; see --token-file", file=sys.stderr)
        if not secure:
            print("notice: requests come in clear; see --certificate", file=sys.stderr)
    print(f"grpc{secure}://{options.host}:{server.grpc_port}")
    print(f"http{secure}://{options.host}:{server.rest_port}", flush=True)


def _check(options: argparse.Namespace) -> None:
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
