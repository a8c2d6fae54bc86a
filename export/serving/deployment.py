"""The folder that starts TensorFlow Serving: its configuration files, a compose file, commands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.graph.publication import versions
from export.serving.config import (
    BATCHING,
    LATEST,
    METRICS_PATH,
    MODELS,
    MONITORING,
    SPECIFIC,
    Batching,
    Model,
    batching_config,
    model_config,
    monitoring_config,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text

COMPOSE, COMMANDS = "docker-compose.yaml", "COMMANDS.md"
IMAGE = "tensorflow/serving:2.19.0"
GRPC_PORT, REST_PORT = 8500, 8501
_INSIDE, _CONFIG = "/models", "/config"


@dataclass(frozen=True)
class Plan:
    """What is served.

    Attributes:
        bases: by name of the model, the folder of its versions on this machine.
        labels: label → version, of a single model.
        keep: newest versions that are served where no labels choose.
        batching: how requests are joined.
    """

    bases: Mapping[str, Path]
    labels: Mapping[str, int]
    keep: int
    batching: Batching


def write_deployment(plan: Plan, to: str | Path) -> list[Path]:
    """Write the folder; returns its files.

    Raises:
        UserError: a base has no versions, or not those of the labels.
    """
    to = Path(to)
    models = [_model(name, base, plan) for name, base in plan.bases.items()]
    texts = {
        MODELS: model_config(models),
        BATCHING: batching_config(plan.batching),
        MONITORING: monitoring_config(),
        COMPOSE: compose(plan.bases),
        COMMANDS: commands(plan.bases, to),
    }
    for name, text in texts.items():
        write_text(to / name, text)
    return [to / name for name in texts]


def _model(name: str, base: Path, plan: Plan) -> Model:
    there = versions(base)
    if not there:
        raise UserError(
            f"{base}: has no versions; `python -m export.saved_model RUN {base}` makes one"
        )
    for label, version in plan.labels.items():
        if version not in there:
            raise UserError(
                f"--{label} {version}: {base} has versions {', '.join(map(str, there))}"
            )
    named = tuple(sorted(set(plan.labels.values())))
    policy = SPECIFIC if named else LATEST
    return Model(name, f"{_INSIDE}/{name}", dict(plan.labels), policy, plan.keep, named)


def arguments() -> list[str]:
    """Of tensorflow_model_server in a container."""
    return [
        f"--model_config_file={_CONFIG}/{MODELS}",
        "--model_config_file_poll_wait_seconds=30",
        "--file_system_poll_wait_seconds=10",
        # Else a label is refused until its version has been loaded once.
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_batching=true",
        f"--batching_parameters_file={_CONFIG}/{BATCHING}",
        f"--monitoring_config_file={_CONFIG}/{MONITORING}",
        "--rest_api_timeout_in_ms=60000",
    ]


def compose(bases: Mapping[str, Path]) -> str:
    """The text of the compose file; ports are open to this machine alone."""
    import yaml

    first = next(iter(bases))
    service: dict[str, Any] = {
        "image": f"${{TF_SERVING_IMAGE:-{IMAGE}}}",
        "command": arguments(),
        "ports": [f"127.0.0.1:{port}:{port}" for port in (GRPC_PORT, REST_PORT)],
        "volumes": [
            f".:{_CONFIG}:ro",
            *(f"{base.resolve()}:{_INSIDE}/{name}:ro" for name, base in bases.items()),
        ],
        "healthcheck": {"test": ["CMD", "bash", "-c", probe(first)], **_HEALTH},
        "restart": "unless-stopped",
        "stop_grace_period": "60s",
        "read_only": True,
        "tmpfs": ["/tmp"],
        "security_opt": ["no-new-privileges:true"],
    }
    accelerator = {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    gpu = {
        **service,
        "image": f"${{TF_SERVING_IMAGE:-{IMAGE}-gpu}}",
        "deploy": {"resources": {"reservations": {"devices": [accelerator]}}},
        "profiles": ["gpu"],
    }
    services = {"serving": {**service, "profiles": ["cpu"]}, "serving-gpu": gpu}
    # A copy, for the writer marks what two services share and people do not read such marks.
    plain = json.loads(json.dumps({"services": services}))
    return _HEADER + yaml.safe_dump(plain, sort_keys=False, width=100)


_HEALTH = {"interval": "10s", "timeout": "5s", "retries": 3, "start_period": "120s"}
_HEADER = """\
# TensorFlow Serving with the configuration files beside this one. Not run where it was written:
# there was no container engine. `docker compose --profile gpu up`, or `--profile cpu`.
"""


def probe(name: str) -> str:
    """What asks, within the container, whether a model answers; the image has bash and no curl."""
    request = rf"GET /v1/models/{name} HTTP/1.0\r\n\r\n"
    return (
        f"exec 3<>/dev/tcp/127.0.0.1/{REST_PORT} && printf '{request}' >&3 && "
        "grep -q '\"AVAILABLE\"' <&3"
    )


def commands(bases: Mapping[str, Path], to: Path) -> str:
    """The same as commands, to copy."""
    first = next(iter(bases))
    mounts = [f'-v "{base.resolve()}:{_INSIDE}/{name}:ro"' for name, base in bases.items()]
    local = " ".join(f"--mount {base}:{_INSIDE}/{name}" for name, base in bases.items())
    docker = [
        "docker run --rm --gpus all",
        f"-p 127.0.0.1:{GRPC_PORT}:{GRPC_PORT} -p 127.0.0.1:{REST_PORT}:{REST_PORT}",
        f'-v "{to.resolve()}:{_CONFIG}:ro"',
        *mounts,
        f"{IMAGE}-gpu",
        *arguments(),
    ]
    lines: Sequence[str] = [
        "# Start it",
        "",
        "Not run where this was written: there was no container engine. Leave `--gpus all` and",
        "`-gpu` out on a machine without a GPU.",
        "",
        "```console",
        "$ " + " \\\n    ".join(docker),
        "```",
        "",
        "Or `docker compose --profile gpu up` here. TensorFlow Serving asks nobody for a token and",
        "encrypts only gRPC (`--ssl_config_file`): put a proxy before it where others reach it.",
        "",
        "Without a container, for development and tests:",
        "",
        "```console",
        f"$ python -m export.serve {to} {local}",
        "```",
        "",
        "# See that it answers",
        "",
        "```console",
        f"$ python -m export.client grpc://127.0.0.1:{GRPC_PORT}/{first} --ready 120",
        f"$ curl http://127.0.0.1:{REST_PORT}/v1/models/{first}",
        f"$ curl http://127.0.0.1:{REST_PORT}{METRICS_PATH}",
        "```",
        "",
        "# Move a label",
        "",
        "Publish the new version, then give `--stable` and `--canary` to",
        "`python -m export.serving_config` again, with `--to` this folder:",
        f"`{MODELS}` is read again every 30 seconds.",
    ]
    return "\n".join(lines) + "\n"
